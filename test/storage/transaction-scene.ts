/** Transactions in the storage tests: what a producer sends, what a coordinator writes, and what a reader of committed records sees. */
import { batches, buildTransactionMarker, readRecords, type TransactionMarker } from '#protocol';
import type { AppendResult, PartitionLog } from '#storage';
import { batchOf, START_MS } from './scene.ts';

export interface Sender {
  readonly producerId: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
}

/** One batch of a transaction, as a client sends it. */
export function sendInTransaction(log: PartitionLog, values: readonly string[], sender: Sender): AppendResult {
  const draft = { producerEpoch: 0, baseSequence: 0, ...sender, isTransactional: true };
  return log.append(batchOf(values, draft), { leaderEpoch: 0, origin: 'client' });
}

/** The end of a transaction, as its coordinator writes it. */
export function endTransaction(
  log: PartitionLog,
  type: TransactionMarker['type'],
  producerId: number,
  { producerEpoch = 0, coordinatorEpoch = 0, transactionVersion = 0, timestamp = START_MS } = {},
): AppendResult {
  const marker = buildTransactionMarker({ type, coordinatorEpoch }, { producerId, producerEpoch }, timestamp);
  return log.append(marker, { leaderEpoch: 0, origin: 'coordinator', transactionVersion });
}

export interface CommittedRecord {
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
}

/** What Kafka's consumer gives of committed records from `offset` on, and how far: the rules of KIP-98, and nothing of ours. */
export async function readCommittedRecords(
  log: PartitionLog,
  offset = log.logStartOffset,
  bytesMax = 1_000_000,
): Promise<{ records: CommittedRecord[]; endOffset: number }> {
  const records: CommittedRecord[] = [];
  let position = offset;
  for (;;) {
    const request = { bytesMax, endOffsetMax: Number.MAX_SAFE_INTEGER, atLeastOneBatch: true };
    const read = await log.readCommitted(position, request);
    if (read.error !== undefined) throw new Error(`read at ${position}: ${read.error.name}`);
    if (read.sizeInBytes === 0) return { records, endOffset: position };
    records.push(...committedIn(Buffer.concat(read.records), read.abortedTransactions, position));
    position = read.endOffset;
  }
}

/** `offset=value` of them. */
export async function readCommittedValues(
  log: PartitionLog,
  offset = log.logStartOffset,
  bytesMax = 1_000_000,
): Promise<string[]> {
  const { records } = await readCommittedRecords(log, offset, bytesMax);
  return records.map(({ offset, value }) => `${offset}=${value}`);
}

/** The records of `chunk`, whole batches, that are part of no aborted transaction; from `fromOffset` on. */
export function committedIn(
  chunk: Buffer,
  aborted: readonly { readonly producerId: number; readonly firstOffset: number }[],
  fromOffset: number,
): CommittedRecord[] {
  const pending = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
  const abortedIds = new Set<number>();
  const records: CommittedRecord[] = [];
  for (const { position, header } of batches(chunk)) {
    while (pending.length > 0 && pending[0].firstOffset <= header.lastOffset) {
      abortedIds.add((pending.shift() as { producerId: number }).producerId);
    }
    const cursor = readRecords(chunk, position, { decompressedBytesMax: 1_000_000 });
    for (let record = cursor.next(); record !== undefined; record = cursor.next()) {
      const { offset, key, value } = record;
      if (header.isControl) {
        if (key?.readInt16BE(2) === 0) abortedIds.delete(header.producerId);
        continue;
      }
      const isAborted = header.isTransactional && abortedIds.has(header.producerId);
      if (isAborted || offset < fromOffset) continue;
      records.push({ offset, key: key?.toString() ?? null, value: value?.toString() ?? null });
    }
  }
  return records;
}

/** `producer first..last` of the transactions that a read of committed records from `offset` on is told of. */
export async function abortedFrom(log: PartitionLog, offset: number, bytesMax = 1_000_000): Promise<string[]> {
  const request = { bytesMax, endOffsetMax: Number.MAX_SAFE_INTEGER, atLeastOneBatch: true };
  const { abortedTransactions } = await log.readCommitted(offset, request);
  return abortedTransactions.map(
    ({ producerId, firstOffset, lastOffset }) => `${producerId} ${firstOffset}..${lastOffset}`,
  );
}
