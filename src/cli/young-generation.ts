/**
 * The room that V8 has for young objects. A start makes much that stays, for which V8 doubles it again and again and never gives it back:
 * 8 MB of an idle broker. Under load it may grow.
 */
import { setFlagsFromString } from 'node:v8';

/** Keeps it as it is. */
export function holdYoungGeneration(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** Lets it grow from now on, by V8's default. */
export function releaseYoungGeneration(): void {
  setFlagsFromString('--semi-space-growth-factor=2');
}
