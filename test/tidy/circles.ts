/** Files that import each other in a circle, types included: none of them can be understood, or moved, without all of them. */
import { posix } from 'node:path';
import type { Source } from './source.ts';

/** One circle for each first file from which an import leads back, written as a way: `a → b → a`. */
export function circlesIn(sources: readonly Source[]): string[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const circles: string[] = [];
  const done = new Set<string>();
  const way: string[] = [];
  const walk = (path: string): void => {
    const at = way.indexOf(path);
    if (at >= 0) circles.push([...way.slice(at), path].join(' → '));
    if (at >= 0 || done.has(path)) return;
    way.push(path);
    for (const imported of neighbours(byPath.get(path)!)) if (byPath.has(imported)) walk(imported);
    way.pop();
    done.add(path);
  };
  for (const path of byPath.keys()) walk(path);
  return circles;
}

function neighbours({ path, imports }: Source): string[] {
  return imports.filter((name) => name.startsWith('.')).map((name) => posix.join(posix.dirname(path), name));
}
