/** `dump-log --verify` on a data folder that Apache Kafka wrote, whole and damaged by hand. */
import { describe, expect, test } from '@jest/globals';
import { type FolderSummary, findingLine, type MemoryDisk, memoryDisk, summaryLine, verifyFolder } from '#storage';
import { damage, patched } from './dump-scene.ts';
import { goldenDisk, putFile } from './golden-folder.ts';
import { appendValues, batchOf, createLog, openScene } from './scene.ts';

const LOG = 'golden-0/00000000000000000019.log';
const INDEX = 'golden-0/00000000000000000019.index';
const TIME_INDEX = 'golden-0/00000000000000000019.timeindex';

async function verify(disk: MemoryDisk): Promise<{ lines: string[]; summary: FolderSummary }> {
  const lines: string[] = [];
  const summary = await verifyFolder(disk, '/data', (finding) => lines.push(findingLine(finding)));
  return { lines, summary };
}

/** What is found when one file of the cleanly stopped folder is changed. */
async function linesAfter(file: string, change: (bytes: Buffer) => Buffer): Promise<string[]> {
  const disk = goldenDisk('clean');
  await damage(disk, `/data/${file}`, change);
  return (await verify(disk)).lines;
}

describe('a whole folder', () => {
  test.each(['clean', 'running'] as const)('finds nothing in what Kafka left %s', async (name) => {
    const { lines, summary } = await verify(goldenDisk(name));
    expect(lines).toEqual([]);
    const stop = name === 'clean' ? 'stopped cleanly' : 'not stopped cleanly';
    expect(summaryLine(summary)).toBe(
      `partitions: 1, segments: 3, batches: 21, bytes: 5283; damage: 0, warnings: 0; ${stop}`,
    );
  });

  test('finds nothing in what we left, and changes nothing', async () => {
    const disk = memoryDisk();
    const scene = await openScene({ disk });
    const log = createLog(scene, { 'segment.bytes': 2_000, 'index.interval.bytes': 200 });
    for (let n = 0; n < 60; n++) appendValues(log, [`value ${n}`]);
    await scene.directory.close();
    const before = JSON.stringify(await disk.list('/data'));
    const { lines, summary } = await verify(disk);
    expect(lines).toEqual([]);
    expect([summary.batchCount, summary.isCleanlyStopped]).toEqual([60, true]);
    expect(JSON.stringify(await disk.list('/data'))).toBe(before);
  });

  test('finds nothing in what a crash left of ours: the next start adds the epochs of the last segment', async () => {
    const disk = memoryDisk();
    const scene = await openScene({ disk });
    const log = createLog(scene, { 'segment.bytes': 200 });
    for (const leaderEpoch of [1, 1, 2, 3]) log.append(batchOf(['v']), { leaderEpoch, origin: 'client' });
    await scene.clock.advance(5_000);
    await scene.clock.settle();
    expect((await verify(disk)).lines).toEqual([]);
    putFile(disk, '/data/.kafka_cleanshutdown', Buffer.from('{"version":0,"brokerEpoch":1}'));
    const { lines } = await verify(disk);
    expect(lines.filter((line) => line.startsWith('damage'))).toEqual([
      expect.stringContaining('was written in leader epoch'),
      expect.stringContaining('was written in leader epoch'),
    ]);
  });
});

describe('damage to a log', () => {
  test.each<[string, (bytes: Buffer) => Buffer, string | RegExp]>([
    ['a flipped bit', patched(640, 1), 'position 560: the batch of offsets 25 to 27 has a wrong checksum'],
    [
      'offsets that go back',
      patched(280 + 7, 20),
      /^damage: .*position 280: the batch of offsets 20 to 22 begins below 22/,
    ],
    [
      'a length that cannot be',
      patched(288, 0, 0, 0, 5),
      /position 280: Found record size 5 smaller .*1481 bytes from here/,
    ],
    ['another magic', patched(280 + 16, 1), /position 280: .*magic 1/],
    ['a torn tail', (bytes) => bytes.subarray(0, 1700), 'position 1680: the last 20 bytes are no whole batch'],
    ['an epoch that is not in the checkpoint', patched(1680 + 15, 4), /position 1680: offset 37 .* epoch 4; .* says 0/],
    ['offsets of the next segment', patched(1680 + 7, 60), /position 1680: .* reaches into the next segment, at 38/],
  ])('tells %s with its position', async (_, change, text) => {
    const lines = await linesAfter(LOG, change);
    expect(lines.filter((line) => line.startsWith(`damage: ${LOG}`) && RegExp(text).test(line))).toHaveLength(1);
  });

  test('goes on behind a batch with a wrong checksum', async () => {
    const lines = await linesAfter(LOG, (bytes) => patched(400, 1)(patched(640, 1)(bytes)));
    expect(lines).toHaveLength(2);
  });

  test('tells that what the checkpoints promise is gone', async () => {
    const disk = goldenDisk('clean');
    await damage(disk, '/data/golden-0/00000000000000000038.log', (bytes) => bytes.subarray(0, 1680));
    const { lines } = await verify(disk);
    expect(lines).toContain(
      'damage: recovery-point-offset-checkpoint: the recovery point of golden-0 is 57, but its log ends at 56',
    );
    expect(
      lines.some((line) => line.includes('00000000000000000038.index: position 16: entry 2 leads to position 1680')),
    ).toBe(true);
  });
});

describe('damage to what lies beside a log', () => {
  test.each<[string, string, (bytes: Buffer) => Buffer, RegExp]>([
    [
      'an index with another offset',
      INDEX,
      patched(3, 9),
      /position 0: entry 0 says offset 28 .* position 560, which ends at 27/,
    ],
    [
      'an index into a batch',
      INDEX,
      patched(6, 2, 0x31),
      /position 0: entry 0 leads to position 561 .* no batch begins/,
    ],
    ['an index that goes back', INDEX, patched(11, 1), /position 8: entry 1 does not lie behind/],
    ['a piece of an entry', INDEX, (bytes) => bytes.subarray(0, 20), /position 16: 4 bytes are left/],
    [
      'a time index with another timestamp',
      TIME_INDEX,
      patched(7, 0),
      /position 0: entry 0 says timestamp \d+ of offset 27/,
    ],
    [
      'a time index behind the log',
      TIME_INDEX,
      patched(24 + 10, 1),
      /position 24: entry 2 says offset \d+, behind the last/,
    ],
    ['a snapshot', 'golden-0/00000000000000000019.snapshot', patched(30, 1), /fails its checksum/],
    ['a checkpoint', 'replication-offset-checkpoint', () => Buffer.from('0\n2\n'), /announces 2 entries and holds 0/],
    [
      'the epochs',
      'golden-0/leader-epoch-checkpoint',
      () => Buffer.from('0\n2\n1 0\n0 9\n'),
      /epoch 0 from offset 9 on/,
    ],
    ['the topic id', 'golden-0/partition.metadata', () => Buffer.from('?'), /does not name a topic id/],
    ['the identity', 'meta.properties', () => Buffer.from('version=7\n'), /version 7/],
    ['the marker of a clean stop', '.kafka_cleanshutdown', () => Buffer.from('{'), /JSON/],
  ])('tells %s', async (_, file, change, text) => {
    const lines = (await linesAfter(file, change)).filter((line) => line.startsWith(`damage: ${file}`));
    expect(lines.some((line) => text.test(line))).toBe(true);
  });

  test('warns of what the broker brings back by itself', async () => {
    const disk = goldenDisk('clean');
    await disk.remove(`/data/${INDEX}`);
    await disk.remove('/data/golden-0/partition.metadata');
    putFile(disk, '/data/golden-0/00000000000000000007.index', Buffer.alloc(0));
    putFile(disk, '/data/other-0.corrupt-1/x', Buffer.alloc(0));
    const { lines, summary } = await verify(disk);
    expect(lines).toEqual([
      'warning: golden-0/partition.metadata: is missing',
      `warning: ${INDEX}: is missing; it is built again from the log when it is needed`,
      'warning: golden-0/00000000000000000007.index: belongs to no log',
      'warning: other-0.corrupt-1: holds what a recovery cut off a partition',
    ]);
    expect(summary).toMatchObject({ damageCount: 0, warningCount: 4 });
  });

  test('refuses what is no folder', async () => {
    await expect(verifyFolder(goldenDisk('clean'), '/nowhere', () => {})).rejects.toThrow('/nowhere');
  });
});

describe('damage to a transaction index', () => {
  const INDEX_98 = 'ledger-0/00000000000000000098.txnindex';

  /** What is found in the folder that Kafka left, but for the checkpoints of logs that are not in it. */
  async function ledgerLines(change: (disk: MemoryDisk) => Promise<void>): Promise<string[]> {
    const disk = goldenDisk('transacted');
    await change(disk);
    const { lines } = await verify(disk);
    return lines.filter((line) => !line.includes('-checkpoint'));
  }

  test('is not found in what Kafka left', async () => {
    expect(await ledgerLines(async () => {})).toEqual([]);
  });

  const entry = (n: number, at: number, ...bytes: number[]) => patched(34 * n + at, ...bytes);

  test.each<[string, (bytes: Buffer) => Buffer, RegExp]>([
    ['another version', entry(0, 1, 1), /position 0: an aborted transaction has version 1, not 0/],
    ['another producer', entry(1, 9, 77), /position 34: offset \d+ is no marker of producer 77/],
    [
      'another first offset',
      entry(0, 17, 100),
      /position 0: the transaction of producer \d+ .* begins at offset \d+, not at 100/,
    ],
    ['a stable offset too high', entry(3, 33, 109), /position 102: .* left offset 103 undecided, not 109/],
    ['entries that go back', entry(1, 25, 1), /position 34: /],
    ['a piece of an entry', (bytes) => bytes.subarray(0, 130), /position 102: 28 bytes are left/],
    [
      'its last entry gone',
      (bytes) => bytes.subarray(0, 102),
      /damage: .*98.txnindex: the transaction of producer \d+ from offset \d+ on, aborted at 108, is not told: its records are read as committed/,
    ],
  ])('tells %s', async (_, change, text) => {
    const lines = await ledgerLines((disk) => damage(disk, `/data/${INDEX_98}`, change));
    expect(lines.filter((line) => line.startsWith(`damage: ${INDEX_98}`) && text.test(line))).not.toEqual([]);
  });

  test('tells that one is gone, by each transaction that it told', async () => {
    const lines = await ledgerLines((disk) => disk.remove('/data/ledger-0/00000000000000000071.txnindex'));
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toMatch(/^damage: ledger-0\/00000000000000000071.txnindex: the transaction/);
  });

  test('is none where the broker has not said that the index is stored', async () => {
    const lines = await ledgerLines(async (disk) => {
      for (const name of ['00000000000000000071.txnindex', '00000000000000000077.snapshot'])
        await disk.remove(`/data/ledger-0/${name}`);
      for (const name of ['00000000000000000098.txnindex', '00000000000000000109.snapshot'])
        await disk.remove(`/data/ledger-0/${name}`);
    });
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toMatch(/^warning: .*71.txnindex: .* built again from the log/);
  });
});
