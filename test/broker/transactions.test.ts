/**
 * What clients see of a partition with transactions. The coordinator that runs them is not there yet, so the test appends what it would
 * let pass: batches of transactions and their markers.
 */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Apis, batches, buildTransactionMarker, Errors, readRecords } from '#protocol';
import { HostedPartition } from '../../src/broker/hosting/hosted-partition.ts';
import { batchOf, Scene } from './scene.ts';

const READ_COMMITTED = 1;
const START_MS = Date.UTC(2026, 0, 1);

let scene: Scene;
let partition: HostedPartition;

beforeEach(async () => {
  scene = await Scene.start({ topics: { t: 1 } });
  const append = jest.spyOn(HostedPartition.prototype, 'append');
  await scene.produce('t', batchOf(['a'], { timestamp: START_MS }));
  partition = append.mock.contexts[0] as HostedPartition;
  append.mockRestore();
});

afterEach(() => scene.close());

let sequence = 0;

async function append(batch: Buffer, origin: 'client' | 'coordinator'): Promise<void> {
  const bytes = batch.length;
  const result = partition.append(batch, origin);
  expect(result.error?.name).toBeUndefined();
  partition.whenCommitted(result.lastOffset + 1, undefined, 0, bytes);
  await scene.clock.settle();
}

function send(producerId: number, values: readonly string[], timestamp = START_MS): Promise<void> {
  const producer = { producerId, producerEpoch: 0, baseSequence: sequence, isTransactional: true };
  sequence += values.length;
  return append(batchOf(values, { ...producer, timestamp }), 'client');
}

function end(producerId: number, type: 'abort' | 'commit'): Promise<void> {
  const marker = buildTransactionMarker({ type, coordinatorEpoch: 0 }, { producerId, producerEpoch: 0 }, START_MS);
  return append(marker, 'coordinator');
}

beforeEach(() => {
  sequence = 0;
});

async function fetchOf(
  fetchOffset: number,
  options: { isolationLevel?: number; maxWaitMs?: number; minBytes?: number } = {},
) {
  const { isolationLevel = READ_COMMITTED, maxWaitMs = 0, minBytes = 1 } = options;
  const asked = { partition: 0, fetchOffset, partitionMaxBytes: 1_000_000 };
  const client = await scene.client();
  const { responses } = await client.send(
    Apis.Fetch,
    12,
    { maxWaitMs, minBytes, maxBytes: 1_000_000, isolationLevel, topics: [{ topic: 't', partitions: [asked] }] },
    { timeoutMs: 600_000 },
  );
  return responses[0].partitions[0];
}

function valuesOf(records: Buffer | null): string[] {
  const values: string[] = [];
  for (const { position, header } of batches(records ?? Buffer.alloc(0))) {
    const cursor = readRecords(records as Buffer, position, { decompressedBytesMax: 1_000_000 });
    for (let record = cursor.next(); record !== undefined; record = cursor.next())
      values.push(header.isControl ? `marker ${header.producerId}` : String(record.value));
  }
  return values;
}

async function offsetOf(timestamp: number, isolationLevel: number): Promise<number> {
  const topics = [{ name: 't', partitions: [{ partitionIndex: 0, timestamp }] }];
  const answer = await scene.send(Apis.ListOffsets, { replicaId: -1, isolationLevel, topics });
  return answer.topics[0].partitions[0].offset;
}

describe('a fetch of committed records', () => {
  it('ends at the last stable offset, and one of all records at the high watermark', async () => {
    await send(1, ['b', 'c']);
    const committed = await fetchOf(0);
    expect(valuesOf(committed.records)).toEqual(['a']);
    expect(committed).toMatchObject({ highWatermark: 3, lastStableOffset: 1, abortedTransactions: [] });
    const all = await fetchOf(0, { isolationLevel: 0 });
    expect(valuesOf(all.records)).toEqual(['a', 'b', 'c']);
    expect(all).toMatchObject({ highWatermark: 3, lastStableOffset: 1, abortedTransactions: null });
  });

  it('names the transactions among its records that were aborted', async () => {
    await send(1, ['b']);
    await send(2, ['c']);
    await end(1, 'abort');
    await end(2, 'commit');
    const answer = await fetchOf(0);
    expect(valuesOf(answer.records)).toEqual(['a', 'b', 'c', 'marker 1', 'marker 2']);
    expect(answer.abortedTransactions).toEqual([{ producerId: 1, firstOffset: 1 }]);
    expect((await fetchOf(4)).abortedTransactions).toEqual([]);
  });

  it('names none where it fails', async () => {
    const answer = await fetchOf(99);
    expect(answer).toMatchObject({ errorCode: Errors.OFFSET_OUT_OF_RANGE.code, abortedTransactions: null });
    expect(answer).toMatchObject({ highWatermark: -1, lastStableOffset: -1 });
  });

  it('waits through records of open transactions, and gets all when the last stable offset moves', async () => {
    const answers: string[][] = [];
    const fetching = fetchOf(1, { maxWaitMs: 60_000, minBytes: 400 }).then(({ records }) =>
      answers.push(valuesOf(records)),
    );
    await scene.clock.settle();
    await send(1, ['b'.repeat(200)]);
    await send(2, ['c'.repeat(200)]);
    await end(2, 'commit');
    expect(answers).toEqual([]);
    await end(1, 'commit');
    await fetching;
    expect(answers).toEqual([['b'.repeat(200), 'c'.repeat(200), 'marker 2', 'marker 1']]);
  });

  it('is answered at the end of its time with what is stable', async () => {
    const fetching = fetchOf(1, { maxWaitMs: 500 });
    await scene.clock.settle();
    await send(1, ['b']);
    await scene.clock.advance(600);
    expect(await fetching).toMatchObject({ errorCode: 0, highWatermark: 2, lastStableOffset: 1 });
  });
});

describe('offsets asked for by readers of committed records', () => {
  it('lie below the last stable offset', async () => {
    await send(1, ['b'], START_MS + 10);
    await send(2, ['c'], START_MS + 20);
    expect([await offsetOf(-1, 0), await offsetOf(-1, READ_COMMITTED)]).toEqual([3, 1]);
    expect([await offsetOf(START_MS + 5, 0), await offsetOf(START_MS + 5, READ_COMMITTED)]).toEqual([1, -1]);
    expect([await offsetOf(-3, 0), await offsetOf(-3, READ_COMMITTED)]).toEqual([2, 0]);
    await end(1, 'commit');
    expect([await offsetOf(-1, 0), await offsetOf(-1, READ_COMMITTED)]).toEqual([4, 2]);
    expect(await offsetOf(START_MS + 5, READ_COMMITTED)).toBe(1);
  });
});
