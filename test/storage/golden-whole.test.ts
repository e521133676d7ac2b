/** A whole data folder of Apache Kafka 4.4.0, partition by partition: what Kafka served from its files we read in them. */
import { describe, expect, test } from '@jest/globals';
import { ManualClock } from '#core';
import { batches, readRecords } from '#protocol';
import type { PartitionLog } from '#storage';
import { BACKOFF_MS, CLEANER, clean } from './compaction/scene.ts';
import { fileBytes, fileNames, goldenDisk, goldenFile } from './golden-folder.ts';
import { recordText } from './metamorphic-story.ts';
import { openScene, type Scene, smallConfig, TOPIC_ID } from './scene.ts';
import { readCommittedRecords } from './transaction-scene.ts';

/** Records of which Kafka was asked for the offset by time. */
const TIMES_STEP = 17;

interface ServedTopic {
  readonly topicId: string;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly stableOffset: number;
  readonly records: readonly { offset: number; timestamp: number; key: string | null; value: string | null }[];
  readonly committed: readonly number[];
  /** Offsets by time, of some of the records. */
  readonly times: readonly number[];
}

interface Served {
  readonly writtenMs: number;
  readonly epochEnds: readonly { leaderEpoch: number; endOffset: number }[];
  readonly topics: Record<string, ServedTopic>;
}

const served: Served = JSON.parse(goldenFile('whole', 'served.json').toString());

function openWhole(): Promise<Scene> {
  return openScene({ disk: goldenDisk('whole/folder'), clock: new ManualClock(served.writtenMs) });
}

function logOf(scene: Scene, topic: string): PartitionLog {
  const log = scene.directory.get(topic, 0);
  if (log === undefined) throw new Error(`${topic}-0 was not opened`);
  return log;
}

describe('a whole data folder of Kafka', () => {
  test.each(Object.entries(served.topics))('shows %s as Kafka did', async (name, topic) => {
    const scene = await openWhole();
    const log = logOf(scene, name);
    expect(log).toMatchObject({
      topicId: topic.topicId,
      logStartOffset: topic.startOffset,
      logEndOffset: topic.endOffset,
      lastStableOffset: topic.stableOffset,
    });
    const { records } = await readCommittedRecords(log);
    const expected = topic.records.filter(({ offset }) => topic.committed.includes(offset));
    expect(records).toEqual(expected.map(({ offset, key, value }) => ({ offset, key, value })));
    for (const [index, offset] of topic.times.entries()) {
      const { timestamp } = topic.records[index * TIMES_STEP];
      expect(await log.offsetForTimestamp(timestamp)).toMatchObject({ offset });
    }
    await scene.directory.close();
  });

  test('is opened without a warning, internal topics included', async () => {
    const scene = await openWhole();
    const names = [...scene.directory.logs()].map(({ topic }) => topic).sort();
    const internal = ['__cluster_metadata', '__consumer_offsets', '__transaction_state'];
    expect(names).toEqual([...internal, ...Object.keys(served.topics)].sort());
    expect(scene.warnings).toEqual([]);
  });

  test('tells where leader epochs end, as Kafka did', async () => {
    const log = logOf(await openWhole(), 'trimmed');
    expect(log.leaderEpochs.entries.length).toBeGreaterThan(1);
    const ends = served.epochEnds.map((_, epoch) => log.endOffsetForEpoch(epoch));
    expect(ends.map((end) => ({ leaderEpoch: end?.epoch, endOffset: end?.endOffset }))).toEqual(served.epochEnds);
  });

  test('knows its producers, and of the transactions the one that is open', async () => {
    const scene = await openWhole();
    const producers = [...logOf(scene, 'trimmed').producers.entries()];
    expect(producers).toMatchObject([{ producerId: 4000, epoch: 0, batches: expect.anything() }]);
    expect(logOf(scene, 'transacted').lastStableOffset).toBeLessThan(logOf(scene, 'transacted').logEndOffset);
  });
});

describe('a log that Kafka has compacted', () => {
  const SEGMENT = '00000000000000000000';

  /** When Kafka cleaned it: its batches with tombstones are to keep them for a day. */
  function cleanedMs(): number {
    const bytes = goldenFile('whole/folder', `compacted-0/${SEGMENT}.log`);
    for (const { header } of batches(bytes)) {
      if (header.deleteHorizonMs !== undefined) return header.deleteHorizonMs - smallConfig()['delete.retention.ms'];
    }
    throw new Error('no batch has a delete horizon');
  }

  /** Headers and records. Where the first records of a batch went Kafka counts timestamps from the next one, and we as before. */
  function contents(bytes: Buffer): object[] {
    return [...batches(bytes)].map(({ position, header }) => {
      const { crc, baseTimestamp, ...rest } = header;
      const records: string[] = [];
      const cursor = readRecords(bytes, position, { decompressedBytesMax: 1_000_000 });
      for (let record = cursor.next(); record !== undefined; record = cursor.next()) records.push(recordText(record));
      return { position, rest, records };
    });
  }

  test('is what our cleaner makes of the same segments: batches, records, indexes, checkpoint', async () => {
    const disk = goldenDisk('whole', '/golden');
    const clock = new ManualClock(cleanedMs() - BACKOFF_MS);
    const scene = await openScene({ disk, clock, cleaner: CLEANER, tailBytesPerLogMax: 0 });
    const log = scene.directory.create('compacted', 0, TOPIC_ID, {
      ...smallConfig({ 'segment.ms': 10_000, 'index.interval.bytes': 300, 'min.cleanable.dirty.ratio': 0.01 }),
      'cleanup.policy': ['compact'],
    });
    for (const name of await fileNames(disk, '/golden/before-cleaning')) {
      const bytes = goldenFile('whole', `before-cleaning/${name}`);
      for (const { position, header } of batches(bytes)) {
        const batch = Buffer.from(bytes.subarray(position, position + header.sizeInBytes));
        expect(log.append(batch, { leaderEpoch: 0, origin: 'log' }).error).toBeUndefined();
      }
    }
    await log.flush();
    expect(log.segmentCount).toBe(4);
    await clean(scene);
    const ours = await fileBytes(disk, `/data/compacted-0/${SEGMENT}.log`);
    expect(contents(ours)).toEqual(contents(goldenFile('whole/folder', `compacted-0/${SEGMENT}.log`)));
    for (const suffix of ['index', 'timeindex']) {
      const index = await fileBytes(disk, `/data/compacted-0/${SEGMENT}.${suffix}`);
      expect(index.equals(goldenFile('whole/folder', `compacted-0/${SEGMENT}.${suffix}`))).toBe(true);
    }
    const checkpoint = await fileBytes(disk, '/data/cleaner-offset-checkpoint');
    expect(checkpoint.toString()).toBe(goldenFile('whole/folder', 'cleaner-offset-checkpoint').toString());
  });
});
