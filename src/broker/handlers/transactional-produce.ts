/**
 * What is particular about a produce request with batches of transactions, told from the first bytes of the batches: the log has not looked
 * at them yet. Only the first batch of a partition counts, as there may be no other.
 */
import { Errors, type KafkaErrorRow, type ProduceRequest } from '#protocol';
import type { ProducerIdentity } from '../coordination/machine.ts';
import type { GateMode } from '../coordination/transaction-gate.ts';

const MAGIC_POSITION = 16;
const MAGIC = 2;
const ATTRIBUTES_LOW_POSITION = 22;
const TRANSACTIONAL_BIT = 0x10;
const PRODUCER_ID_POSITION = 43;
const PRODUCER_EPOCH_POSITION = 51;
const BASE_SEQUENCE_POSITION = 53;
const HEADER_BYTES = 61;

/** Versions in which an error may be TRANSACTION_ABORTABLE, and in which partitions join a transaction with their first batch. */
const ABORTABLE_VERSION = 11;
const IMPLICIT_VERSION = 12;

/** The writer of a batch of a transaction. */
export interface TransactionalBatch extends ProducerIdentity {
  readonly baseSequence: number;
}

export function hasTransactionalBatch({ topicData }: ProduceRequest): boolean {
  for (const { partitionData } of topicData)
    for (const { records } of partitionData) if (isTransactional(records)) return true;
  return false;
}

/** Undefined when it is none, or has no producer id, for which the log refuses it. */
export function transactionalBatch(records: Buffer): TransactionalBatch | undefined {
  if (!isTransactional(records) || records.length < HEADER_BYTES) return undefined;
  const producerId = Number(records.readBigInt64BE(PRODUCER_ID_POSITION));
  if (producerId < 0) return undefined;
  const producerEpoch = records.readInt16BE(PRODUCER_EPOCH_POSITION);
  return { producerId, producerEpoch, baseSequence: records.readInt32BE(BASE_SEQUENCE_POSITION) };
}

/** Whether all batches of transactions in the request are of the same producer. */
export function hasOneProducer({ topicData }: ProduceRequest): boolean {
  let first: ProducerIdentity | undefined;
  for (const { partitionData } of topicData) {
    for (const { records } of partitionData) {
      const batch = records === null ? undefined : transactionalBatch(records);
      first ??= batch;
      const isOther = batch?.producerId !== first?.producerId || batch?.producerEpoch !== first?.producerEpoch;
      if (batch !== undefined && isOther) return false;
    }
  }
  return true;
}

export function produceGateMode(version: number): GateMode {
  if (version >= IMPLICIT_VERSION) return 'add';
  return version >= ABORTABLE_VERSION ? 'verify-abortable' : 'verify';
}

/** A refusal of the gate as producers know it: what a coordinator says of itself makes old ones give up, so it becomes a reason to retry. */
export function gateRefusal(error: KafkaErrorRow, mode: GateMode): { error: KafkaErrorRow; message: string | null } {
  if (error === Errors.INVALID_TXN_STATE) return { error, message: 'The partition is not part of the transaction.' };
  const isPassing =
    error === Errors.COORDINATOR_LOAD_IN_PROGRESS ||
    error === Errors.COORDINATOR_NOT_AVAILABLE ||
    error === Errors.NOT_COORDINATOR ||
    (error === Errors.CONCURRENT_TRANSACTIONS && mode !== 'add');
  if (!isPassing) return { error, message: null };
  const message = `It is not known now whether the partition is part of the transaction: ${error.name}.`;
  return { error: Errors.NOT_ENOUGH_REPLICAS, message };
}

function isTransactional(records: Buffer | null): boolean {
  if (records === null || records.length <= ATTRIBUTES_LOW_POSITION) return false;
  return (records[ATTRIBUTES_LOW_POSITION] & TRANSACTIONAL_BIT) !== 0 && records[MAGIC_POSITION] === MAGIC;
}
