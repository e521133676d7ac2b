/** What clients of a broker are told of damaged logs, and what goes on beside them. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock, silentLogger } from '#core';
import { Apis, errorByCode, readRecords } from '#protocol';
import { LogRepair, type MemoryDisk } from '#storage';
import { batchOf, Scene } from './scene.ts';

let scene: Scene;

afterEach(() => scene?.close());

const LOG = '/data/t-0/00000000000000000000.log';
const COUNT = 6;

/** A topic with two partitions, of six batches each, on a disk that nobody uses. `kill`: the broker was not closed. */
async function filledDisk({ kill = false, advanceMs = 2000 } = {}): Promise<MemoryDisk> {
  const filled = await Scene.start({ topics: { t: 2 }, config: { 'log.index.interval.bytes': 0 } });
  for (let index = 0; index < COUNT; index++)
    for (const partition of [0, 1]) await filled.produce('t', batchOf([`${index}`]), { partition });
  await filled.clock.advance(advanceMs);
  const disk = filled.disk as MemoryDisk;
  const killed = kill ? disk.kill() : undefined;
  await filled.close();
  return killed ?? disk.kill();
}

async function edit(disk: MemoryDisk, path: string, change: (bytes: Buffer) => Buffer): Promise<void> {
  const content = change(Buffer.from((await disk.readFile(path)) ?? Buffer.alloc(0)));
  const file = disk.openSync(path, { create: true });
  file.truncateSync(0);
  file.writeSync([content], 0);
  file.close();
}

/** Flips a bit in the record of the batch at `index`. */
function flip(index: number): (bytes: Buffer) => Buffer {
  return (bytes) => {
    const sizeInBytes = bytes.readInt32BE(8) + 12;
    bytes[index * sizeInBytes + 65] ^= 1;
    return bytes;
  };
}

/** The error, or the values from there on. */
async function fetchFrom(fetchOffset: number, partition = 0): Promise<string> {
  const partitions = [{ partition, fetchOffset, partitionMaxBytes: 10_000 }];
  const body = { maxWaitMs: 0, minBytes: 0, topics: [{ topic: 't', partitions }] };
  const { responses } = await scene.send(Apis.Fetch, body, 12);
  const [answer] = responses[0].partitions;
  if (answer.errorCode !== 0) return errorByCode(answer.errorCode).name;
  const chunk = answer.records === null ? Buffer.alloc(0) : Buffer.from(answer.records as Buffer);
  const values: string[] = [];
  for (let position = 0; position < chunk.length; ) {
    const cursor = readRecords(chunk, position, { decompressedBytesMax: 1000 });
    for (let record = cursor.next(); record !== undefined; record = cursor.next()) values.push(`${record.value}`);
    position += cursor.header.sizeInBytes;
  }
  return values.join('');
}

async function latest(partition = 0): Promise<number> {
  const topics = [{ name: 't', partitions: [{ partitionIndex: partition, timestamp: -1 }] }];
  const response = await scene.send(Apis.ListOffsets, { replicaId: -1, topics }, 5);
  return response.topics[0].partitions[0].offset;
}

async function endOfEpoch(leaderEpoch: number): Promise<{ leaderEpoch: number; endOffset: number }> {
  const topics = [{ topic: 't', partitions: [{ partition: 0, leaderEpoch }] }];
  const response = await scene.send(Apis.OffsetForLeaderEpoch, { replicaId: -1, topics }, 4);
  const { leaderEpoch: found, endOffset } = response.topics[0].partitions[0];
  return { leaderEpoch: found, endOffset };
}

async function produced(partition = 0): Promise<string> {
  const { errorCode, errorMessage, baseOffset } = await scene.produce('t', batchOf(['x']), { partition });
  return errorCode === 0 ? `${baseOffset}` : `${errorByCode(errorCode).name}: ${errorMessage}`;
}

describe('a batch that is found damaged when it is read', () => {
  it('is CORRUPT_MESSAGE at its own offsets; the others are served, and records are taken', async () => {
    const disk = await filledDisk();
    await edit(disk, LOG, flip(2));
    scene = await Scene.start({ disk });
    expect(await fetchFrom(0)).toBe('01');
    expect(await fetchFrom(2)).toBe('CORRUPT_MESSAGE');
    expect(await fetchFrom(3)).toBe('345');
    expect(await produced()).toBe('6');
    expect(scene.book.at('error').filter((text) => text.includes('is damaged'))).toHaveLength(1);
    expect(await fetchFrom(0, 1)).toBe('012345');
  });
});

describe('a log that is damaged below what was durable', () => {
  it('is read-only: KAFKA_STORAGE_ERROR with what is wrong and what to do, CORRUPT_MESSAGE where it is damaged, and all else is served', async () => {
    const disk = await filledDisk({ kill: true });
    await edit(disk, LOG, (bytes) => bytes.subarray(0, -20));
    for (let round = 0; round < 2; round++) {
      scene = await Scene.start({ disk });
      const refusal = await produced();
      expect(refusal).toMatch(
        /^KAFKA_STORAGE_ERROR: t-0 takes no records: 0{20}\.log is damaged at position \d+ \(offset 5\): /,
      );
      expect(refusal).toMatch(/springtide repair \/data t-0$/);
      expect(await latest()).toBe(6);
      expect(await fetchFrom(0)).toBe('01234');
      expect(await fetchFrom(5)).toBe('CORRUPT_MESSAGE');
      expect(await fetchFrom(6)).toBe('');
      expect(await fetchFrom(7)).toBe('OFFSET_OUT_OF_RANGE');
      expect(await produced(1)).toBe(`${6 + round}`);
      expect(scene.book.at('error').join('\n')).toContain('/data/t-0 is damaged in one place');
      await scene.close();
    }
    scene = await Scene.start({ disk });
    // Who needs none of it may delete it.
    const asked = [{ name: 't', partitions: [{ partitionIndex: 0, offset: 6 }] }];
    const deleted = await scene.send(Apis.DeleteRecords, { topics: asked, timeoutMs: 1000 });
    expect(deleted.topics[0].partitions[0]).toMatchObject({ errorCode: 0, lowWatermark: 6 });
    expect(await fetchFrom(5)).toBe('OFFSET_OUT_OF_RANGE');
  });

  it.each([
    ['skip', '01234', 'NONE', '6'],
    ['keep', '01234', 'CORRUPT_MESSAGE', '6'],
    ['truncate', '01234', 'NONE', '5'],
  ] as const)('takes records again when somebody has chosen to %s', async (choice, served, atDamage, next) => {
    const disk = await filledDisk({ kill: true });
    await edit(disk, LOG, (bytes) => bytes.subarray(0, -20));
    const clock = new ManualClock();
    const repair = await LogRepair.open({ disk, clock, logger: silentLogger, path: '/data', name: 't-0' });
    await repair.apply(choice);
    await repair.close();
    scene = await Scene.start({ disk });
    expect(await fetchFrom(0)).toBe(served);
    expect(await produced()).toBe(next);
    expect(await fetchFrom(5)).toBe(atDamage === 'NONE' ? 'x' : atDamage);
    expect(await fetchFrom(6)).toBe(choice === 'truncate' ? '' : 'x');
  });

  it('may be deleted with its topic, and the next topic of that name is another one', async () => {
    const disk = await filledDisk({ kill: true });
    await edit(disk, LOG, (bytes) => bytes.subarray(0, -20));
    scene = await Scene.start({ disk });
    await scene.send(Apis.DeleteTopics, { topics: [{ name: 't' }], timeoutMs: 1000 });
    await scene.createTopics({ t: 2 });
    expect(await produced()).toBe('0');
    await scene.close();
    scene = await Scene.start({ disk });
    expect(await produced()).toBe('1');
  });

  it('of a coordinator is told with what to do, and other groups go on', async () => {
    const first = await Scene.start({ config: { 'offsets.topic.num.partitions': 2 } });
    for (const key of ['g0', 'g1', 'g2', 'g3']) await first.send(Apis.FindCoordinator, { key }, 0);
    const commit = async (of: Scene, groupId: string) => {
      const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0, committedOffset: 1 }] }];
      const answer = await of.send(Apis.OffsetCommit, { groupId, topics }, 2);
      return errorByCode(answer.topics[0].partitions[0].errorCode).name;
    };
    await first.createTopics({ orders: 1 });
    for (const group of ['g0', 'g1', 'g2', 'g3']) expect(await commit(first, group)).toBe('NONE');
    await first.clock.advance(2000);
    const disk = (first.disk as MemoryDisk).kill();
    await first.close();
    const file = '/data/__consumer_offsets-0/00000000000000000000.log';
    await edit(disk, file, (bytes) => bytes.subarray(0, -20));
    scene = await Scene.start({ disk, config: { 'offsets.topic.num.partitions': 2 } });
    const answers = new Set<string>();
    for (const group of ['g0', 'g1', 'g2', 'g3']) answers.add(await commit(scene, group));
    expect([...answers].sort()).toEqual(['COORDINATOR_NOT_AVAILABLE', 'NONE']);
    expect(scene.book.at('error').join('\n')).toContain('springtide repair /data __consumer_offsets-0');
  });

  it('of the cluster itself stops the start, with what to do', async () => {
    const disk = await filledDisk({ kill: true });
    await edit(disk, '/data/__cluster_metadata-0/00000000000000000000.log', (bytes) => bytes.subarray(0, -20));
    await expect(Scene.start({ disk })).rejects.toThrow(/springtide repair \/data __cluster_metadata-0/);
    scene = await Scene.start();
  });
});

describe('a log that was cut', () => {
  it('is led in a new epoch, and who asks where the old one ended hears of the cut, now and after the next start', async () => {
    // Killed before the recovery point was stored.
    const disk = await filledDisk({ kill: true, advanceMs: 0 });
    await edit(disk, LOG, (bytes) => bytes.subarray(0, -20));
    scene = await Scene.start({ disk });
    expect(await latest()).toBe(5);
    expect(await endOfEpoch(0)).toEqual({ leaderEpoch: 0, endOffset: 5 });
    expect(await produced()).toBe('5');
    expect(await endOfEpoch(0)).toEqual({ leaderEpoch: 0, endOffset: 5 });
    expect(await endOfEpoch(1)).toEqual({ leaderEpoch: 1, endOffset: 6 });
    const left = (scene.disk as MemoryDisk).kill();
    await scene.close();
    scene = await Scene.start({ disk: left });
    expect(await fetchFrom(0)).toBe('01234x');
    expect(await endOfEpoch(0)).toEqual({ leaderEpoch: 0, endOffset: 5 });
    expect(await endOfEpoch(1)).toEqual({ leaderEpoch: 1, endOffset: 6 });
    // A consumer that had read the record that was cut is told by the fetch itself. @see KIP-320
    const partitions = [
      { partition: 0, fetchOffset: 6, lastFetchedEpoch: 0, currentLeaderEpoch: 2, partitionMaxBytes: 1000 },
    ];
    const body = { maxWaitMs: 0, minBytes: 0, topics: [{ topic: 't', partitions }] };
    const { responses } = await scene.send(Apis.Fetch, body, 12);
    expect(responses[0].partitions[0].divergingEpoch).toMatchObject({ epoch: 0, endOffset: 5 });
  });
});
