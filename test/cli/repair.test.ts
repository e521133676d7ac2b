import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startSpringtide } from '../processes/springtide-server.ts';

const SCRIPT = `const { main } = await import(${JSON.stringify(resolve('src/cli/index.ts'))}); process.exitCode = await main(process.argv.slice(1));`;
const LOG = 'golden-0/00000000000000000000.log';

// Each test starts processes; a busy machine takes its time.

/** Runs `springtide repair` from source. */
function repair(args: string[], cwd: string): Promise<{ code: number | null; out: string; err: string }> {
  const flags = ['--conditions=springtide-src', '--input-type=module', '-e', SCRIPT, '--', 'repair', ...args];
  const child: ChildProcess = spawn(process.execPath, flags, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const result = { out: '', err: '' };
  child.stdout?.on('data', (chunk: Buffer) => (result.out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (result.err += chunk.toString()));
  return new Promise((done) => child.on('close', (code) => done({ ...result, code })));
}

describe('springtide repair', () => {
  let parent = '';
  let folder = '';

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'springtide-repair-'));
    folder = join(parent, 'data');
    cpSync(resolve('test/storage/golden/clean'), folder, { recursive: true });
  });

  afterEach(() => rmSync(parent, { recursive: true, force: true }));

  /** Flips a bit in the first batch, of offsets 0 to 2. */
  function damage(): void {
    const bytes = readFileSync(join(folder, LOG));
    bytes[100] ^= 1;
    writeFileSync(join(folder, LOG), bytes);
  }

  test('says that a partition is not damaged', async () => {
    const { code, out, err } = await repair(['data', 'golden-0'], parent);
    expect(out).toMatch(
      /data\/golden-0: offsets 0 to \d+, 3 segments, 5283 bytes; everything below offset \d+ was on the disk/,
    );
    expect(out).toMatch(/\nIt is not damaged\.\n$/);
    expect([code, err]).toEqual([0, '']);
  });

  test('tells what is damaged and what can be done, and changes nothing', async () => {
    damage();
    const before = readFileSync(join(folder, LOG));
    const { code, out } = await repair(['data', 'golden-0'], parent);
    expect(out).toContain(
      'damaged: 00000000000000000000.log is damaged at position 0 (offsets 0 to 2): a wrong checksum\n',
    );
    expect(out).toContain('The broker serves the rest and takes records.\n');
    expect(out).toMatch(/ {2}--truncate {3}the log ends at offset 0: \d+ offsets put aside/);
    expect(out).toMatch(/ {2}--skip {7}readers pass over 3 offsets/);
    expect(out).not.toContain('--keep ');
    expect(code).toBe(1);
    expect(readFileSync(join(folder, LOG)).equals(before)).toBe(true);
    expect(readdirSync(folder)).not.toContain('.lock');
  });

  test('offers to keep the damage where the broker takes no records for it, and keeps it', async () => {
    // Everything is read from its start on.
    rmSync(join(folder, '.kafka_cleanshutdown'), { force: true });
    writeFileSync(join(folder, 'recovery-point-offset-checkpoint'), '0\n0\n');
    damage();
    const told = await repair(['data', 'golden-0'], parent);
    expect(told.out).toContain('The broker serves the rest and takes no records.\n');
    expect(told.out).toMatch(
      / {2}--keep {7}3 offsets stay CORRUPT_MESSAGE to readers; new records begin at offset \d+/,
    );
    const kept = await repair(['data', 'golden-0', '--keep'], parent);
    expect(kept.out).toMatch(/\ngolden-0 takes records again, from offset \d+ on\.\n$/);
    const again = await repair(['data', 'golden-0', '--keep'], parent);
    expect(again.out).toMatch(
      /The broker serves the rest and takes records\.\nThere is nothing to change for that\.\n$/,
    );
    expect([told.code, kept.code, again.code]).toEqual([1, 0, 0]);
  });

  test('does what was chosen, says where what was put aside lies, and finds nothing more', async () => {
    damage();
    const { code, out } = await repair(['data', 'golden-0', '--skip'], parent);
    const aside = readdirSync(folder).filter((name) => name.startsWith('golden-0.corrupt-'));
    expect(aside).toHaveLength(1);
    expect(out).toContain('Readers of golden-0 pass over 3 offsets now.\n');
    expect(out).toContain(`What was put aside lies in ${join(folder, aside[0])}.\n`);
    expect(code).toBe(0);
    const again = await repair(['data', 'golden-0'], parent);
    expect(again.out).toContain('It is not damaged.');
    expect(again.code).toBe(0);
  });

  test.each([
    ['no partition', ['data'], "missing required argument 'partition'"],
    ['a folder that is not there', ['nowhere', 'golden-0'], 'nowhere is no data folder'],
    ['a partition that is not there', ['data', 'golden-7'], 'holds no folder golden-7'],
    ['a name that is none', ['data', 'golden'], 'golden is no partition'],
    ['two choices', ['data', 'golden-0', '--skip', '--keep'], "option '--skip' cannot be used with option '--keep'"],
    ['two other choices', ['data', 'golden-0', '--keep', '--truncate'], 'cannot be used with option'],
    ['a choice without damage', ['data', 'golden-0', '--truncate'], undefined],
  ])('refuses %s', async (_, args, text) => {
    const { code, err, out } = await repair(args, parent);
    if (text === undefined) expect([code, out]).toEqual([0, expect.stringContaining('It is not damaged.')]);
    else {
      expect(err).toContain(text);
      expect([code, out]).toEqual([2, '']);
    }
    expect(err).not.toMatch(/^\s+at /m);
  });

  test('works on no folder that a live broker uses', async () => {
    const server = await startSpringtide();
    const live = await repair([server.dataFolder, '__cluster_metadata-0'], parent);
    expect(live.err).toContain(`${server.pid}`);
    expect([live.code, live.out]).toEqual([2, '']);
    await server.stop();
    expect((await repair([server.dataFolder, '__cluster_metadata-0'], parent)).code).toBe(0);
    server.remove();
  });
});
