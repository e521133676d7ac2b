/**
 * What is particular about a produce request with batches of transactions, told from the first bytes of the batches: the log has not looked
 * at them yet. Only the first batch of a partition counts, as there may be no other.
 */
import { Errors, type KafkaErrorRow, type ProduceRequest } from '#protocol';
import type { ProducerIdentity } from '../coordination/machine.ts';
import type { GateMode } from '../coordination/transaction-gate.ts';
import { isTransactional, transactionalBatch } from './batch-start.ts';

/** Versions in which an error may be TRANSACTION_ABORTABLE, and in which partitions join a transaction with their first batch. */
const ABORTABLE_VERSION = 11;
const IMPLICIT_VERSION = 12;

export function hasTransactionalBatch({ topicData }: ProduceRequest): boolean {
  for (const { partitionData } of topicData)
    for (const { records } of partitionData) if (records !== null && isTransactional(records)) return true;
  return false;
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
