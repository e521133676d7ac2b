/** Produce, Fetch, ListOffsets, OffsetForLeaderEpoch, DeleteRecords: on topics with and without records. */
import { Apis } from '#protocol';
import type { Made } from '../loose-encoder.ts';
import type { Chapter } from './chapter.ts';
import { type BatchWanted, batchOf, createTopics, named, produce, producerId, START_MS, step } from './steps.ts';

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

const produced: Readonly<Record<string, BatchWanted>> = {
  zstd: { compression: 'zstd' },
  gzip: { compression: 'gzip', values: ['a', 'b', 'c'] },
  old: { timestamp: 1000 },
  future: { timestamp: START_MS + 90_000_000 },
  keyed: { key: 'key' },
  large: { values: ['x'.repeat(1_100_000)] },
};

/** A batch of the producer that began with this chapter. */
function sequenced(
  name: string,
  options: { producerEpoch?: number; baseSequence: number; isTransactional?: boolean },
): Made {
  const { producerEpoch = 0, baseSequence, isTransactional = false } = options;
  return named(name, (lookUp) =>
    batchOf({ producerId: lookUp('@first-pid') as number, producerEpoch, baseSequence, isTransactional }),
  );
}

function corrupted(position: number): Buffer {
  const batch = batchOf();
  batch[position] ^= 0x55;
  return batch;
}

export const data: Chapter = {
  name: 'data',
  scenery: [
    ...createTopics({
      data: { partitions: 2 },
      written: { configs: { 'message.timestamp.after.max.ms': '3600000' } },
      empty: {},
      compacted: { configs: { 'cleanup.policy': 'compact' } },
      stamped: { configs: { 'message.timestamp.type': 'LogAppendTime' } },
      cut: { partitions: 2 },
    }),
    ...codecs.map((compression, index) =>
      produce(
        'data',
        batchOf({ compression, values: ['a', 'b', 'c'], timestamp: START_MS + 1000 * index }),
        compression,
      ),
    ),
    ...[0, 1, 2, 3, 4].map((index) => produce('cut', batchOf({ values: ['a', 'b'] }), `batch ${index}`)),
    produce('compacted', batchOf({ key: 'key' }), 'to a compacted topic'),
    produce('stamped', batchOf(), 'to a topic that stamps'),
    producerId('@first-pid'),
  ],
  lattices: [
    {
      api: Apis.ApiVersions,
      base: { clientSoftwareName: 'differential', clientSoftwareVersion: '1.0' },
      values: { clientSoftwareName: ['-bad-', 'a', 'a b'], nodeId: [1], clusterId: ['@cluster', 'other'] },
    },
    {
      api: Apis.Produce,
      base: {
        acks: -1,
        timeoutMs: 10_000,
        topicData: [
          {
            name: 'written',
            topicId: '@id:written',
            partitionData: [{ index: 0, records: named('good', () => batchOf()) }],
          },
        ],
      },
      running: ['baseOffset'],
      fixed: ['timeoutMs'],
      values: {
        acks: [2, -3],
        name: ['compacted', 'stamped'],
        topicId: ['@id:compacted', '@id:stamped'],
        records: [
          ...Object.entries(produced).map(([name, options]) => named(name, () => batchOf(options))),
          named('two', () => Buffer.concat([batchOf(), batchOf()])),
          named('cut', () => batchOf().subarray(0, 70)),
          named('crc', () => corrupted(68)),
          named('magic', () => corrupted(16)),
          named('length', () => corrupted(10)),
          sequenced('first', { baseSequence: 0 }),
          sequenced('first again', { baseSequence: 0 }),
          sequenced('gap', { baseSequence: 5 }),
          sequenced('newer epoch', { producerEpoch: 1, baseSequence: 0 }),
          sequenced('newer epoch, gap', { producerEpoch: 2, baseSequence: 3 }),
          sequenced('older epoch', { producerEpoch: 0, baseSequence: 1 }),
          sequenced('transactional', { producerEpoch: 1, baseSequence: 1, isTransactional: true }),
        ],
      },
    },
    {
      api: Apis.Fetch,
      base: {
        maxWaitMs: 5,
        minBytes: 1,
        maxBytes: 1_000_000,
        topics: [
          {
            topic: 'data',
            topicId: '@id:data',
            partitions: [{ partition: 0, fetchOffset: 4, partitionMaxBytes: 1_000_000 }],
          },
        ],
      },
      fixed: ['maxWaitMs'],
      values: {
        fetchOffset: [3, 14, 15, 16],
        maxBytes: [100, 250],
        partitionMaxBytes: [100, 250],
        minBytes: [100, 10_000],
        topic: ['empty', 'stamped', 'cut'],
        topicId: ['@id:empty', '@id:stamped', '@id:cut'],
        partitions: [
          [
            { partition: 0, fetchOffset: 0, partitionMaxBytes: 200 },
            { partition: 1, fetchOffset: 0, partitionMaxBytes: 200 },
          ],
        ],
        currentLeaderEpoch: [0, 1],
        lastFetchedEpoch: [0, 1, 5],
      },
    },
    {
      api: Apis.ListOffsets,
      base: {
        replicaId: -1,
        topics: [{ name: 'data', partitions: [{ partitionIndex: 0, timestamp: START_MS + 1001 }] }],
        timeoutMs: 1000,
      },
      values: {
        timestamp: [-3, -4, -5, -6, -7, START_MS, START_MS + 500, START_MS + 4002, START_MS + 4003, START_MS + 1e10],
        name: ['empty', 'compacted'],
        isolationLevel: [1],
      },
    },
    {
      api: Apis.OffsetForLeaderEpoch,
      base: { topics: [{ topic: 'data', partitions: [{ partition: 0, leaderEpoch: 0 }] }] },
      values: { topic: ['empty'], leaderEpoch: [2, 100] },
    },
    {
      api: Apis.DeleteRecords,
      base: { topics: [{ name: 'cut', partitions: [{ partitionIndex: 0, offset: 1 }] }], timeoutMs: 5000 },
      values: { name: ['compacted', 'empty'], offset: [2, 3, 8, 11] },
    },
    {
      api: Apis.InitProducerId,
      base: { transactionalId: null, transactionTimeoutMs: 60_000 },
      values: {},
      fixed: ['transactionalId'],
    },
  ],
  conversations: [
    step('after records were deleted', Apis.ListOffsets, 7, {
      replicaId: -1,
      topics: [{ name: 'cut', partitions: [{ partitionIndex: 0, timestamp: -2 }] }],
    }),
    step('below the start', Apis.Fetch, 12, {
      maxWaitMs: 5,
      minBytes: 1,
      topics: [{ topic: 'cut', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }],
    }),
    step('a deleted timestamp', Apis.ListOffsets, 7, {
      replicaId: -1,
      topics: [{ name: 'cut', partitions: [{ partitionIndex: 0, timestamp: START_MS }] }],
    }),
  ],
};
