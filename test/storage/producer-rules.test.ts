/** What a partition accepts of a producer with transactions: Kafka 4.4's ProducerAppendInfo, as a table. */
import { describe, expect, test } from '@jest/globals';
import { buildBatch, controlRecordKey } from '#protocol';
import type { PartitionLog } from '#storage';
import { batchOf, createLog, openScene, START_MS } from './scene.ts';
import { endTransaction, sendInTransaction } from './transaction-scene.ts';

/** One append of a story of one producer. */
type Step = (log: PartitionLog) => { readonly error: { readonly name: string } | undefined };

const P = 7;

/** A transactional batch of one record. */
const txn =
  (epoch: number, sequence: number): Step =>
  (log) =>
    sendInTransaction(log, ['v'], { producerId: P, producerEpoch: epoch, baseSequence: sequence });

/** An idempotent batch outside of transactions. */
const plain =
  (epoch: number, sequence: number, origin: 'client' | 'coordinator' = 'client'): Step =>
  (log) =>
    log.append(batchOf(['v'], { producerId: P, producerEpoch: epoch, baseSequence: sequence }), {
      leaderEpoch: 0,
      origin,
    });

/** A transactional batch of the broker itself: offsets of a group. */
const offsets =
  (epoch: number): Step =>
  (log) =>
    log.append(batchOf(['v'], { producerId: P, producerEpoch: epoch, baseSequence: 0, isTransactional: true }), {
      leaderEpoch: 0,
      origin: 'coordinator',
    });

const marker =
  (type: 'abort' | 'commit', producerEpoch: number, version: number, coordinatorEpoch = 0): Step =>
  (log) =>
    endTransaction(log, type, P, { producerEpoch, coordinatorEpoch, transactionVersion: version });

const FENCED = 'INVALID_PRODUCER_EPOCH';
const OUT_OF_ORDER = 'OUT_OF_ORDER_SEQUENCE_NUMBER';

const stories: [string, readonly Step[], string | undefined][] = [
  ['the first batch of a transaction of a known producer', [plain(0, 0), txn(0, 1)], undefined],
  ['the second batch of a transaction', [txn(0, 0), txn(0, 1)], undefined],
  ['a gap within a transaction', [txn(0, 0), txn(0, 2)], OUT_OF_ORDER],
  ['a batch outside of the transaction under way', [txn(0, 0), plain(0, 1)], 'INVALID_TXN_STATE'],
  ['the same by the broker itself', [txn(0, 0), plain(0, 1, 'coordinator')], 'INVALID_TXN_STATE'],
  ['a batch outside after the end', [txn(0, 0), marker('commit', 0, 1), plain(0, 1)], undefined],
  ['v1: sequences go on in the next transaction', [txn(0, 0), marker('commit', 0, 1), txn(0, 1)], undefined],
  ['v1: a gap between transactions', [txn(0, 0), marker('commit', 0, 1), txn(0, 2)], OUT_OF_ORDER],
  ['v2: sequences begin at 0 after the marker', [txn(0, 0), marker('commit', 1, 2), txn(1, 0)], undefined],
  ['v2: sequences that go on', [txn(0, 0), marker('commit', 1, 2), txn(1, 1)], OUT_OF_ORDER],
  ['v2: a late batch of the ended transaction', [txn(0, 0), marker('abort', 1, 2), txn(0, 1)], FENCED],
  ['a marker of an older epoch', [txn(3, 0), marker('abort', 2, 1)], FENCED],
  ['v1: a marker of the same epoch', [txn(3, 0), marker('abort', 3, 1)], undefined],
  ['v2: a marker of the same epoch while a transaction is open', [txn(3, 0), marker('abort', 3, 2)], FENCED],
  ['v2: a marker that comes again', [txn(3, 0), marker('abort', 4, 2), marker('abort', 4, 2)], undefined],
  ['v2: one that comes again too late', [txn(3, 0), marker('abort', 4, 2), txn(4, 0), marker('abort', 4, 2)], FENCED],
  ['a marker for a producer that is not known', [marker('abort', 5, 2)], undefined],
  ['a batch of an epoch that a marker has fenced', [marker('abort', 5, 2), txn(4, 0)], FENCED],
  [
    'a marker without a transaction, then the next batch',
    [plain(0, 0), marker('commit', 0, 1), plain(0, 1)],
    undefined,
  ],
  [
    'a marker of an older coordinator',
    [txn(0, 0), marker('commit', 0, 1, 5), txn(0, 1), marker('commit', 0, 1, 4)],
    'TRANSACTION_COORDINATOR_FENCED',
  ],
  [
    'one of the same coordinator',
    [txn(0, 0), marker('commit', 0, 1, 5), txn(0, 1), marker('commit', 0, 1, 5)],
    undefined,
  ],
  ['offsets of a group again and again', [offsets(0), offsets(0), marker('commit', 0, 1), offsets(0)], undefined],
  ['offsets of a group of an older epoch', [offsets(1), offsets(0)], FENCED],
];

describe('a partition takes or refuses', () => {
  test.each(stories)('%s', async (_name, steps, error) => {
    const log = createLog(await openScene());
    const results = steps.map((step) => step(log).error?.name);
    expect(results).toEqual([...steps.slice(1).map(() => undefined), error]);
    expect(log.logEndOffset).toBe(results.filter((name) => name === undefined).length);
  });
});

describe('what comes of a producer must come as Kafka has it', () => {
  const cases: [string, Buffer, 'client' | 'coordinator', string][] = [
    ['a transactional batch of nobody', batchOf(['v'], { isTransactional: true }), 'client', 'INVALID_RECORD'],
    [
      'a control batch that ends no transaction',
      buildBatch([{ key: controlRecordKey('leader-change'), value: null, timestamp: START_MS }], {
        producerId: P,
        producerEpoch: 0,
        isControl: true,
      }),
      'coordinator',
      'INVALID_RECORD',
    ],
    [
      'two batches of a producer at once',
      Buffer.concat([0, 1].map((baseSequence) => batchOf(['v'], { producerId: P, producerEpoch: 0, baseSequence }))),
      'coordinator',
      'INVALID_RECORD',
    ],
  ];

  test.each(cases)('%s is refused', async (_name, batch, origin, error) => {
    const log = createLog(await openScene());
    expect(log.append(batch, { leaderEpoch: 0, origin }).error?.name).toBe(error);
    expect(log.logEndOffset).toBe(0);
  });
});
