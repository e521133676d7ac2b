/** First batches of transactions, which are taken when the coordinator was asked, and nothing has happened since. @see KIP-890 */
import { describe, expect, test } from '@jest/globals';
import { NOT_VERIFIED, type PartitionLog, type Verification } from '#storage';
import { batchOf, createLog, openScene, START_MS } from './scene.ts';
import { endTransaction } from './transaction-scene.ts';

const P = 7;

async function newLog(): Promise<PartitionLog> {
  return createLog(await openScene(), {});
}

function ask(log: PartitionLog, lowestSequence = 0, options: { epoch?: number; bumpsEpoch?: boolean } = {}) {
  const { epoch: producerEpoch = 0, bumpsEpoch = false } = options;
  return log.producers.beginVerification(P, { producerEpoch, lowestSequence, bumpsEpoch }, START_MS);
}

function send(
  log: PartitionLog,
  verification: Verification,
  baseSequence = 0,
  options: { epoch?: number; origin?: 'client' | 'coordinator' } = {},
) {
  const { epoch: producerEpoch = 0, origin = 'client' } = options;
  const batch = batchOf(['v'], { producerId: P, producerEpoch, baseSequence, isTransactional: true });
  return log.append(batch, { leaderEpoch: 0, origin, verification }).error?.name;
}

describe('the first batch of a transaction', () => {
  test('is not taken when nobody was asked, by clients nor by the broker itself', async () => {
    const log = await newLog();
    expect(send(log, NOT_VERIFIED)).toBe('INVALID_TXN_STATE');
    expect(send(log, NOT_VERIFIED, 0, { origin: 'coordinator' })).toBe('INVALID_TXN_STATE');
    expect(log.logEndOffset).toBe(0);
  });

  test('is taken after the coordinator was asked, and those that follow need not be asked for', async () => {
    const log = await newLog();
    expect(send(log, ask(log))).toBeUndefined();
    expect(log.producers.hasTransaction(P, 0)).toBe(true);
    expect(send(log, NOT_VERIFIED, 1)).toBeUndefined();
    endTransaction(log, 'commit', P);
    expect(log.producers.hasTransaction(P, 0)).toBe(false);
    expect(send(log, NOT_VERIFIED, 2)).toBe('INVALID_TXN_STATE');
  });

  test('is not taken when a marker has come since the coordinator was asked', async () => {
    const log = await newLog();
    const late = ask(log);
    endTransaction(log, 'abort', P);
    expect(send(log, late)).toBe('INVALID_TXN_STATE');
    ask(log);
    expect(send(log, late)).toBe('INVALID_TXN_STATE');
  });

  test('is told its epoch first, where that is old', async () => {
    const log = await newLog();
    endTransaction(log, 'abort', P, { producerEpoch: 3 });
    expect(send(log, NOT_VERIFIED, 0, { epoch: 2 })).toBe('INVALID_PRODUCER_EPOCH');
  });

  test('does not overtake one with a lower sequence that was asked for and has to come again', async () => {
    const log = await newLog();
    ask(log, 0);
    const second = ask(log, 1);
    expect(send(log, second, 1)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(send(log, ask(log, 0), 0)).toBeUndefined();
    expect(send(log, NOT_VERIFIED, 1)).toBeUndefined();
  });

  test('begins anew with a new epoch', async () => {
    const log = await newLog();
    ask(log, 0);
    expect(send(log, ask(log, 0, { epoch: 1 }), 0, { epoch: 1 })).toBeUndefined();
  });

  test('with transactions v2 has sequence 0 where nothing of its epoch is known; before v2 any is taken', async () => {
    const log = await newLog();
    expect(send(log, ask(log, 5, { bumpsEpoch: true }), 5)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    const other = await newLog();
    expect(send(other, ask(other, 5), 5)).toBeUndefined();
  });

  test('is asked for anew when the question is as old as a forgotten producer', async () => {
    const log = await newLog();
    const old = ask(log);
    log.producers.removeExpired(START_MS + 999, 1000);
    expect(ask(log)).toBe(old);
    log.producers.removeExpired(START_MS + 1000, 1000);
    expect(send(log, old)).toBe('INVALID_TXN_STATE');
  });
});
