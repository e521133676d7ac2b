/**
 * Packages that are loaded, at once, when they are needed first: together they would cost every start 30 ms and 9 MB, and most brokers never
 * see a compressed batch nor a yaml file.
 */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** @param name of a dependency of ours that has a CommonJS form */
export function lazyPackage<T>(name: string): () => T {
  let loaded: T | undefined;
  return () => {
    loaded ??= require(name) as T;
    return loaded;
  };
}
