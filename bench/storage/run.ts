/**
 * The figures of the storage engine, each beside a rival in the same run. Sizes are small unless `--full` asks for those that the
 * targets are stated for.
 */
import { mkdirSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { benchAppend } from './append.ts';
import { benchBackground } from './background.ts';
import { benchIdle } from './idle.ts';
import { benchOpen } from './open.ts';
import { benchRead } from './read.ts';
import { benchRecovery } from './recovery.ts';
import { benchScale } from './scale.ts';
import { type BenchOptions, inFolder } from './scene.ts';
import { benchSync } from './sync.ts';

const BENCHES: Readonly<Record<string, (options: BenchOptions) => Promise<void>>> = {
  append: benchAppend,
  sync: benchSync,
  read: benchRead,
  recovery: benchRecovery,
  open: benchOpen,
  idle: benchIdle,
  background: benchBackground,
  scale: benchScale,
};

const { values, positionals } = parseArgs({
  args: process.argv.slice(3),
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    full: { type: 'boolean', default: false },
    dir: { type: 'string', default: tmpdir() },
  },
});
const names = positionals.length === 0 ? Object.keys(BENCHES) : positionals;
const unknown = names.filter((name) => !(name in BENCHES));
if (unknown.length > 0)
  throw new Error(`unknown bench ${unknown.join(', ')}; known: ${Object.keys(BENCHES).join(', ')}`);

const rounds = Number(values.rounds);
console.log(
  `node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model}), ${rounds} rounds, medians; ` +
    `${process.env.UV_THREADPOOL_SIZE ?? 4} threads in the pool, load ${loadavg()[0].toFixed(1)}`,
);
mkdirSync(values.dir, { recursive: true });
await inFolder(values.dir, async (folder) => {
  for (const name of names) await BENCHES[name]({ folder, rounds, isFull: values.full });
});
