/** Ranges of message versions in Kafka's notation: `3`, `4-18`, `2+`, `none`. */
import { assert } from '#core';

export interface VersionRange {
  readonly min: number;
  /** Inclusive; `Infinity` for `2+`; below `min` for `none`. */
  readonly max: number;
}

export const NO_VERSION: VersionRange = { min: 0, max: -1 };

export function parseVersions(text: string): VersionRange {
  if (text === 'none') return NO_VERSION;
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text);
  assert(match !== null, `"${text}" is not a range of versions`);
  const min = Number(match[1]);
  if (match[2] === '+') return { min, max: Infinity };
  return { min, max: match[3] === undefined ? min : Number(match[3]) };
}

export function includes(range: VersionRange, version: number): boolean {
  return version >= range.min && version <= range.max;
}
