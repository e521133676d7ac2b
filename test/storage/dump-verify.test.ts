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
