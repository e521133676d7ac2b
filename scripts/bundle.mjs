// Makes the program that is published: all doors, the command and the broker's thread, each a small file in its place under dist/lib,
// over parts in dist/lib/chunks that they share. A start then reads a dozen files instead of 450, which took it half of its time; what
// is shared is there once, so that a class is the same one whichever door it came through. Every part lies one folder below dist/lib.
// Types are made by tsc.
import { readFileSync } from 'node:fs';
import { build } from 'rolldown';

const { dependencies, peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const ENTRIES = [
  'app/index',
  'client/index',
  'broker/index',
  'testing/index',
  'cli/index',
  'broker/worker/worker-thread',
];

await build({
  input: Object.fromEntries(ENTRIES.map((entry) => [entry, `src/${entry}.ts`])),
  platform: 'node',
  external: Object.keys({ ...dependencies, ...peerDependencies }),
  resolve: { conditionNames: ['springtide-src'] },
  onLog: (level, log) => {
    if (level === 'warn') throw new Error(log.message);
  },
  output: {
    dir: 'dist/lib',
    cleanDir: true,
    chunkFileNames: 'chunks/[name].js',
    sourcemap: true,
    comments: { jsdoc: false },
  },
});
