/** Transactions, each request on one of its own: what begins them, what they take, how they end, and what operators see. */
import { Apis, Errors, type FetchResponse, type InitProducerIdResponse } from '#protocol';
import type { Fields, Value } from '../loose-encoder.ts';
import type { Question } from '../question.ts';
import type { Chapter } from './chapter.ts';
import { batchOf, coordinatorOf, createTopics, named, step } from './steps.ts';

const NOT_YET = [
  Errors.COORDINATOR_LOAD_IN_PROGRESS,
  Errors.COORDINATOR_NOT_AVAILABLE,
  Errors.NOT_COORDINATOR,
  Errors.CONCURRENT_TRANSACTIONS,
].map(({ code }) => code);
/** The longest that a broker allows: none is aborted while the chapter lasts. */
const LONG_MS = 900_000;
const TOPICS = [{ name: 'paid', partitions: [0] }];
const OFFSETS = [
  { name: 'paid', topicId: '@id:paid', partitions: [{ partitionIndex: 0, committedOffset: 3, committedMetadata: '' }] },
];

/** Learns `@txn-pid` and `@txn-epoch`. */
function init(transactionalId: Value = '@txn'): Question {
  const body = { transactionalId, transactionTimeoutMs: LONG_MS, producerId: -1, producerEpoch: -1 };
  return step('init', Apis.InitProducerId, 4, body, {
    isSettled: ({ errorCode }: InitProducerIdResponse) => !NOT_YET.includes(errorCode),
    learn: ({ producerId, producerEpoch }: InitProducerIdResponse, words) => {
      words.set('@txn-pid', producerId);
      words.set('@txn-epoch', producerEpoch);
    },
  });
}

const producer = { transactionalId: '@txn', producerId: '@txn-pid', producerEpoch: '@txn-epoch' };

function added(version = 3): Question {
  const body = {
    v3AndBelowTransactionalId: '@txn',
    v3AndBelowProducerId: '@txn-pid',
    v3AndBelowProducerEpoch: '@txn-epoch',
    v3AndBelowTopics: TOPICS,
  };
  return step('a partition joins', Apis.AddPartitionsToTxn, version, body, settling);
}

const settling = {
  isSettled: (reply: { errorCode?: number }) => reply.errorCode === undefined || !NOT_YET.includes(reply.errorCode),
};

const offsetsAdded = step('a group joins', Apis.AddOffsetsToTxn, 3, { ...producer, groupId: '@group' }, settling);

/** The next batch of the transaction. */
function batch(name: string, baseSequence: number, isTransactional = true) {
  return named(name, (lookUp) =>
    batchOf({
      producerId: lookUp('@txn-pid') as number,
      producerEpoch: lookUp('@txn-epoch') as number,
      baseSequence,
      isTransactional,
    }),
  );
}

function produced(version: number, change = 'a batch', baseSequence = 0): Question {
  return step(change, Apis.Produce, version, production(batch('first', baseSequence)));
}

function production(records: Value): Fields {
  const topicData = [{ name: 'paid', topicId: '@id:paid', partitionData: [{ index: 0, records }] }];
  return { transactionalId: '@txn', acks: -1, timeoutMs: 10_000, topicData };
}

function end(version: number, committed: boolean, change: string): Question {
  return step(
    change,
    Apis.EndTxn,
    version,
    { ...producer, committed },
    {
      ...settling,
      learn: ({ producerEpoch }: { producerEpoch: number }, words: Map<string, Value>) => {
        if (producerEpoch >= 0) words.set('@txn-epoch', producerEpoch);
      },
    },
  );
}

/** Until nothing is undecided. */
function read(change: string): Question {
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }];
  return step(
    change,
    Apis.Fetch,
    12,
    { maxWaitMs: 5, minBytes: 0, isolationLevel: 1, topics: [{ topic: 'told', partitions }] },
    {
      isSettled: ({ responses }: FetchResponse) => {
        const [{ highWatermark, lastStableOffset }] = responses[0].partitions;
        return highWatermark === lastStableOffset;
      },
      isOnlyAsked: true,
    },
  );
}

const BEFORE: Readonly<Record<string, readonly Question[]>> = {
  AddPartitionsToTxn: [init()],
  AddOffsetsToTxn: [init()],
  TxnOffsetCommit: [init(), offsetsAdded],
  EndTxn: [init(), added()],
  Produce: [init(), added()],
};

export const transactions: Chapter = {
  name: 'transactions',
  scenery: [
    ...createTopics({ paid: { partitions: 2 }, told: {} }),
    coordinatorOf('txn', 1),
    coordinatorOf('some group'),
    // So many that every coordinator has loaded.
    ...['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'a'.repeat(250), 'bad name!', 'nobody'].map(init),
  ],
  lattices: [
    {
      api: Apis.InitProducerId,
      base: { transactionalId: '@txn', transactionTimeoutMs: LONG_MS, producerId: -1, producerEpoch: -1 },
      values: { transactionTimeoutMs: [900_000, 900_001] },
    },
    {
      api: Apis.AddPartitionsToTxn,
      base: {
        v3AndBelowTransactionalId: '@txn',
        v3AndBelowProducerId: '@txn-pid',
        v3AndBelowProducerEpoch: '@txn-epoch',
        v3AndBelowTopics: TOPICS,
        transactions: [{ ...producer, verifyOnly: false, topics: TOPICS }],
      },
      values: { partitions: [5], name: ['told'] },
    },
    { api: Apis.AddOffsetsToTxn, base: { ...producer, groupId: '@group' }, values: {} },
    {
      api: Apis.TxnOffsetCommit,
      base: { ...producer, groupId: '@group', topics: OFFSETS },
      values: { name: ['told'], topicId: ['@id:told'], committedMetadata: ['m'.repeat(4097)] },
    },
    { api: Apis.EndTxn, base: { ...producer, committed: true }, values: {} },
    {
      api: Apis.Produce,
      base: production(batch('first', 0)),
      running: ['baseOffset'],
      values: { records: [batch('a gap', 3), batch('outside', 0, false)], transactionalId: ['@txn'] },
      fixed: ['acks', 'timeoutMs'],
    },
    { api: Apis.DescribeTransactions, base: { transactionalIds: ['known', 'unknown'] }, values: {} },
    {
      api: Apis.ListTransactions,
      base: { stateFilters: [], producerIdFilters: [], durationFilter: -1, transactionalIdPattern: 'kno.*' },
      values: {
        stateFilters: [['Ongoing'], ['Empty', 'nonsense'], ['CompleteCommit']],
        transactionalIdPattern: ['known', '(', '.*own'],
        durationFilter: [1_000_000],
      },
    },
    {
      api: Apis.DescribeProducers,
      base: { topics: [{ name: 'paid', partitionIndexes: [1] }] },
      running: ['currentTxnStartOffset'],
      values: { partitionIndexes: [5] },
    },
    {
      api: Apis.WriteTxnMarkers,
      base: {
        markers: [
          {
            producerId: 77_777,
            producerEpoch: 0,
            transactionResult: true,
            topics: [{ name: 'told', partitionIndexes: [0] }],
            coordinatorEpoch: 0,
          },
        ],
      },
      fixed: ['coordinatorEpoch'],
      values: {},
    },
  ],
  before: (api) => BEFORE[api] ?? [],
  conversations: [
    ...[3, 5].flatMap((version) => [
      init('known'),
      step('described when empty', Apis.DescribeTransactions, 0, { transactionalIds: ['known'] }),
      step('a batch without a transaction', Apis.Produce, 9, production(batch('outside', 0, false))),
      step('an end before a begin', Apis.EndTxn, version, { ...producer, transactionalId: 'known', committed: true }),
    ]),
    init(),
    added(),
    produced(9),
    produced(9, 'the same batch'),
    step('undecided', Apis.ListOffsets, 7, {
      replicaId: -1,
      isolationLevel: 1,
      topics: [{ name: 'paid', partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
    }),
    step('describe it', Apis.DescribeTransactions, 0, { transactionalIds: ['@txn'] }),
    end(3, false, 'abort'),
    end(3, false, 'abort again'),
    end(3, true, 'commit what was aborted'),
    init(),
    end(4, true, 'commit nothing'),
    read('decided'),
  ],
};
