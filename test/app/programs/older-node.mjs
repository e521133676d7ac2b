/**
 * Loaded with `--import`: makes this Node look like Node 20 where it matters for the first words of an application: its number, a
 * `node:zlib` without zstd, and no `Error.isError`.
 */
import { registerHooks } from 'node:module';

Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } });
delete Error.isError;

registerHooks({
  resolve(specifier, context, next) {
    if (specifier !== 'node:zlib') return next(specifier, context);
    return { url: 'data:text/javascript,export default {}', shortCircuit: true };
  },
});
