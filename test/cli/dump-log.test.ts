import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startSpringtide } from '../processes/springtide-server.ts';

const SCRIPT = `const { main } = await import(${JSON.stringify(resolve('src/cli/index.ts'))}); process.exitCode = await main(process.argv.slice(1));`;
const LOG = 'golden-0/00000000000000000000.log';

// Each test starts processes; a busy machine takes its time.

interface Result {
  code: number | null;
  out: string;
  err: string;
}

/** Runs `springtide dump-log` from source. */
function dumpLog(args: string[], cwd: string, use: (child: ChildProcess) => void = () => {}): Promise<Result> {
  const flags = ['--conditions=springtide-src', '--input-type=module', '-e', SCRIPT, '--', 'dump-log', ...args];
  const child = spawn(process.execPath, flags, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const result: Result = { code: null, out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (result.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (result.err += chunk.toString()));
  use(child);
  return new Promise((done) => child.on('close', (code) => done({ ...result, code })));
}

describe('springtide dump-log', () => {
  let folder = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'springtide-dump-'));
    cpSync(resolve('test/storage/golden/clean'), folder, { recursive: true });
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('prints files that are named from where it runs, in their order', async () => {
    const { code, out, err } = await dumpLog(['--files', `${LOG},golden-0/00000000000000000019.index`], folder);
    expect(out).toMatch(/^Dumping golden-0\/0{20}\.log\nLog starting offset: 0\nbaseOffset: 0 lastOffset: 2 /);
    expect(out).toMatch(/Dumping golden-0\/0{18}19\.index\noffset: 27 position: 560\n/);
    expect([code, err]).toEqual([0, '']);
  });

  test('takes a decoder as a wish to see the records', async () => {
    const { out } = await dumpLog(['--value-decoder-class', '--skip-record-metadata', '--files', LOG], folder);
    expect(out).toMatch(/^\| key: \S+ payload: \S+$/m);
  });

  test.each([
    ['neither files nor a folder', [], '--files'],
    ['both', ['--files', LOG, '--verify', '.'], 'one of'],
    ['share groups', ['--share-group-state-decoder', '--files', LOG], 'share groups (ShareSnapshot, ShareUpdate)'],
    ['remote storage', ['--remote-log-metadata-decoder', '--files', LOG], '__remote_log_metadata'],
    ['a decoder of somebody’s own', ['--key-decoder-class', 'com.example.Mine', '--files', LOG], 'com.example.Mine'],
    ['a size that is none', ['--max-bytes', 'many', '--files', LOG], 'number of bytes'],
    ['an unknown flag', ['--nonsense'], '--nonsense'],
  ])('refuses %s by name with exit code 2', async (_, args, text) => {
    const { code, err, out } = await dumpLog(args, folder);
    expect(err).toContain(text);
    expect([code, out]).toEqual([2, '']);
  });

  test('says why a file cannot be read, without a stack trace', async () => {
    const { code, err } = await dumpLog(['--files', 'golden-0/00000000000000000001.log'], folder);
    expect(err).toContain('00000000000000000001.log');
    expect(err).not.toMatch(/^\s+at /m);
    expect(code).toBe(1);
  });

  test('ends quietly when its reader has seen enough', async () => {
    const many = Array.from({ length: 400 }, () => LOG).join(',');
    const { err, code } = await dumpLog(['--files', many], folder, (child) => {
      child.stdout?.once('data', () => child.stdout?.destroy());
    });
    expect([err, code]).toEqual(['', 0]);
  });

  test('checks a folder, tells damage with file and position by exit code 1, and writes nothing', async () => {
    const whole = await dumpLog(['--verify', '.'], folder);
    expect(whole).toEqual({
      code: 0,
      err: '',
      out: 'partitions: 1, segments: 3, batches: 21, bytes: 5283; damage: 0, warnings: 0; stopped cleanly\n',
    });
    const copy = `${folder}-damaged`;
    cpSync(folder, copy, { recursive: true });
    const bytes = readFileSync(join(copy, LOG));
    bytes[100] ^= 1;
    writeFileSync(join(copy, LOG), bytes);
    const before = names(copy);
    const { code, out } = await dumpLog(['--verify', copy], folder);
    expect(out.split('\n')).toEqual([
      `damage: ${LOG}: position 0: the batch of offsets 0 to 2 has a wrong checksum`,
      'partitions: 1, segments: 3, batches: 21, bytes: 5283; damage: 1, warnings: 0; stopped cleanly',
      '',
    ]);
    expect(code).toBe(1);
    expect(names(copy)).toEqual(before);
    rmSync(copy, { recursive: true });
  });

  test('checks several folders, each under its path, and fails for damage in any', async () => {
    const copy = `${folder}-second`;
    cpSync(folder, copy, { recursive: true });
    const line = 'partitions: 1, segments: 3, batches: 21, bytes: 5283; damage: 0, warnings: 0; stopped cleanly';
    const good = await dumpLog(['--verify', `.,${copy}`], folder);
    expect(good).toEqual({ code: 0, err: '', out: `${folder}\n${line}\n${copy}\n${line}\n` });
    const bytes = readFileSync(join(copy, LOG));
    bytes[100] ^= 1;
    writeFileSync(join(copy, LOG), bytes);
    expect((await dumpLog(['--verify', `${copy},.`], folder)).code).toBe(1);
    rmSync(copy, { recursive: true });
  });

  test('checks no folder that a live broker writes to, names its process, and checks it afterwards', async () => {
    const server = await startSpringtide();
    const live = await dumpLog(['--verify', server.dataFolder], folder);
    expect(live.err).toContain(`process ${server.pid}`);
    expect([live.code, live.out]).toEqual([2, '']);
    await server.stop();
    const { out, code } = await dumpLog(['--verify', server.dataFolder], folder);
    expect(out).toMatch(
      /^partitions: 1, segments: 1, batches: \d+, bytes: \d+; damage: 0, warnings: 0; stopped cleanly\n$/,
    );
    expect(code).toBe(0);
    server.remove();
  });
});

/** All files with their sizes and times of change. */
function names(path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => `${name} ${statSync(join(path, name)).size} ${statSync(join(path, name)).mtimeMs}`);
}
