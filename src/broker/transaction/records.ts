/**
 * The records of `__transaction_state`, in Kafka's framing: a key is its int16 type and the fields, a value is an int16 version and the
 * fields in that version.
 *
 *     type   key                value                  written as                             read
 *     0      transactional id   TransactionLogValue    v1; v0 while transaction.version is 0  0, 1
 *
 * A null value deletes. Other types are skipped, as with Kafka: they may be left by a newer broker. A value of a version from the future
 * is an error: passing over it would forget a transaction.
 */
import { ByteReader, CorruptError, KafkaError } from '#core';
import { type Draft, decode, encodeStored, TransactionLogKey, TransactionLogValue } from '#protocol';
import type { CoordinatorRecord } from '../coordination/machine.ts';
import { NO_PARTITIONS, type PartitionSet } from './partition-set.ts';
import { stateId, stateOf } from './states.ts';
import { NO_PRODUCER_ID, type Transaction } from './transaction.ts';

const KEY_TYPE = 0;
/** The highest version that is known. */
const VALUE_VERSION_MAX = 1;

export type ReadTransactionRecord =
  | { readonly type: 'transaction'; readonly transaction: Transaction }
  | { readonly type: 'tombstone'; readonly transactionalId: string }
  | { readonly type: 'unknown' };

/** @param transactionVersion the level of the feature: up to 0 the value has no room for previous and next producer ids */
export function transactionRecord(transaction: Transaction, transactionVersion: number): CoordinatorRecord {
  const version = transactionVersion >= 1 ? 1 : 0;
  const value: Draft<typeof TransactionLogValue> = {
    producerId: transaction.producerId,
    producerEpoch: transaction.producerEpoch,
    transactionTimeoutMs: transaction.timeoutMs,
    transactionStatus: stateId(transaction.state),
    transactionPartitions: transaction.state === 'Empty' ? null : topicsOf(transaction.partitions),
    transactionLastUpdateTimestampMs: transaction.updateMs,
    transactionStartTimestampMs: transaction.startMs,
  };
  const { previousProducerId, nextProducerId, clientVersion: clientTransactionVersion } = transaction;
  const more = version === 0 ? {} : { previousProducerId, nextProducerId, clientTransactionVersion };
  return {
    key: keyOf(transaction.transactionalId),
    value: encodeStored(TransactionLogValue, version, { ...value, ...more }),
  };
}

export function transactionTombstone(transactionalId: string): CoordinatorRecord {
  return { key: keyOf(transactionalId), value: null };
}

/** Throws `CorruptError` for a damaged record, UNSUPPORTED_VERSION for a value from the future. */
export function readTransactionRecord({ key, value }: CoordinatorRecord): ReadTransactionRecord {
  if (key === null) throw new CorruptError('a record of the transaction log has no key');
  const keyReader = new ByteReader(key);
  if (keyReader.int16() !== KEY_TYPE) return { type: 'unknown' };
  const { transactionalId } = decode(TransactionLogKey, 0, keyReader);
  if (value === null) return { type: 'tombstone', transactionalId };
  return { type: 'transaction', transaction: readValue(transactionalId, new ByteReader(value)) };
}

function readValue(transactionalId: string, reader: ByteReader): Transaction {
  const version = reader.int16();
  if (version < 0 || version > VALUE_VERSION_MAX) {
    const text = `The transaction log has a value of version ${version} for '${transactionalId}'; up to ${VALUE_VERSION_MAX} (Kafka 4.4) is known here.`;
    throw new KafkaError('UNSUPPORTED_VERSION', text);
  }
  const stored = decode(TransactionLogValue, version, reader);
  const state = stateOf(stored.transactionStatus);
  if (state === undefined)
    throw new CorruptError(`the transaction log has state ${stored.transactionStatus} for '${transactionalId}'`);
  return {
    transactionalId,
    producerId: stored.producerId,
    previousProducerId: stored.previousProducerId ?? NO_PRODUCER_ID,
    nextProducerId: stored.nextProducerId ?? NO_PRODUCER_ID,
    producerEpoch: stored.producerEpoch,
    timeoutMs: stored.transactionTimeoutMs,
    state,
    partitions: state === 'Empty' ? NO_PARTITIONS : partitionsOf(stored.transactionPartitions ?? []),
    startMs: stored.transactionStartTimestampMs,
    updateMs: stored.transactionLastUpdateTimestampMs,
    clientVersion: stored.clientTransactionVersion ?? 0,
  };
}

function partitionsOf(topics: NonNullable<TransactionLogValue['transactionPartitions']>): PartitionSet {
  return new Map(topics.map(({ topic, partitionIds }) => [topic, new Set(partitionIds)]));
}

function topicsOf(partitions: PartitionSet) {
  return [...partitions].map(([topic, ids]) => ({ topic, partitionIds: [...ids] }));
}

function keyOf(transactionalId: string): Buffer {
  return encodeStored(TransactionLogKey, 0, { transactionalId });
}
