/** `.lock` on the real disk: one broker to a directory, and nobody locked out by the dead. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ManualClock, seededRandom } from '#core';
import { LogDirectory, nodeDisk } from '#storage';
import { fileNames } from './golden-folder.ts';
import { recordingLogger } from './scene.ts';

let path: string;
let warnings: string[];

beforeEach(() => {
  path = mkdtempSync(`${tmpdir()}/springtide-lock-`);
  warnings = [];
});
afterEach(() => rmSync(path, { recursive: true, force: true }));

function open(): Promise<LogDirectory> {
  const logger = recordingLogger(warnings);
  const parts = { disk: nodeDisk(), clock: new ManualClock(), random: seededRandom(1), logger };
  return LogDirectory.open({ ...parts, path, nodeId: 1, durability: 'os' });
}

const hasProc = existsSync('/proc/self/stat');
const lockPath = () => `${path}/.lock`;
const ownLock = async (): Promise<Record<string, unknown>> => {
  const directory = await open();
  const owner: Record<string, unknown> = JSON.parse(readFileSync(lockPath(), 'utf8'));
  await directory.close();
  return owner;
};

/** When a process started, where the system tells. */
function startOf(pid: number): string | null {
  if (!hasProc) return null;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

describe('the lock of a log directory', () => {
  test('names its owner, and is gone after a clean close', async () => {
    const owner = await ownLock();
    expect(owner).toMatchObject({ pid: process.pid });
    expect(Object.keys(owner)).toEqual(['pid', 'processStart', 'bootId', 'host']);
    expect(await fileNames(nodeDisk(), path)).not.toContain('.lock');
    expect(warnings).toEqual([]);
  });

  test('refuses a second broker of the same process, and says what to do', async () => {
    const first = await open();
    await expect(open()).rejects.toMatchObject({ code: 'LOCKED' });
    await expect(open()).rejects.toThrow(new RegExp(`${process.pid}.*log\\.dirs`));
    await first.close();
    await (await open()).close();
  });

  test('refuses while the process that is named lives', async () => {
    const owner = await ownLock();
    writeFileSync(lockPath(), JSON.stringify({ ...owner, pid: process.ppid, processStart: startOf(process.ppid) }));
    await expect(open()).rejects.toThrow(`process ${process.ppid}`);
    expect(JSON.parse(readFileSync(lockPath(), 'utf8'))).toMatchObject({ pid: process.ppid });
  });

  const onlyWithProc: [string, object][] = [
    ['another process has its number now', { pid: 1, processStart: '1' }],
    ['the machine was started again', { bootId: '00000000-0000-0000-0000-000000000000' }],
    ['it was this process, which no longer holds it', {}],
  ];

  test.each([['the process is gone', { pid: 2 ** 22 + 7 }], ...(hasProc ? onlyWithProc : [])] as [string, object][])(
    'is taken over with a warning when %s',
    async (_name, changes) => {
      const owner: Record<string, unknown> = { ...(await ownLock()), ...changes };
      writeFileSync(lockPath(), JSON.stringify(owner));
      const directory = await open();
      expect(warnings.join()).toContain(`process ${owner.pid}`);
      await expect(open()).rejects.toMatchObject({ code: 'LOCKED' });
      await directory.close();
      expect((await fileNames(nodeDisk(), path)).filter((name) => name.startsWith('.lock'))).toEqual([]);
    },
  );

  test('is taken over when it is the empty file that Apache Kafka leaves behind', async () => {
    writeFileSync(lockPath(), '');
    await (await open()).close();
    expect(warnings).toEqual([]);
  });

  test('is not held after a start that failed', async () => {
    writeFileSync(`${path}/meta.properties`, 'version=1\ncluster.id=c\nnode.id=9\n');
    await expect(open()).rejects.toThrow('node.id=9');
    await expect(open()).rejects.toThrow('node.id=9');
  });
});
