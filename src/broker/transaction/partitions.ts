/**
 * AddPartitionsToTxn, AddOffsetsToTxn, and partitions that join with their first batch (transactions v2). Verifying asks whether partitions
 * are in the transaction, and changes nothing.
 *
 *     state              add                        verify
 *     Empty, Complete*   Ongoing                    TRANSACTION_ABORTABLE
 *     Ongoing            Ongoing, or as it was      NONE where the partition is in it, else TRANSACTION_ABORTABLE
 *     Prepare*           CONCURRENT_TRANSACTIONS    CONCURRENT_TRANSACTIONS
 */
import { Errors, type KafkaErrorRow } from '#protocol';
import { propose, type TransactionCoordinator, type TransactionTurn } from './coordinator.ts';
import type { AddPartitionsEvent, ErrorReply, VerifyPartitionsEvent, VerifyReply } from './events.ts';
import { includesAll } from './partition-set.ts';
import { isPrepared } from './states.ts';
import { added, type Transaction } from './transaction.ts';

export function addPartitions(
  coordinator: TransactionCoordinator,
  event: AddPartitionsEvent,
  turn: TransactionTurn,
): void {
  const known = coordinator.transactions.get(event.transactionalId);
  turn.reply(event.token, { error: add(coordinator, known, event, turn) } satisfies ErrorReply);
}

export function verifyPartitions(
  coordinator: TransactionCoordinator,
  event: VerifyPartitionsEvent,
  turn: TransactionTurn,
): void {
  const known = coordinator.transactions.get(event.transactionalId);
  const refusal = refuse(known, event);
  const errors = event.partitions.map((partition) => {
    if (refusal !== undefined) return refusal;
    return includesAll(known!.partitions, [partition]) ? Errors.NONE : Errors.TRANSACTION_ABORTABLE;
  });
  turn.reply(event.token, { errors } satisfies VerifyReply);
}

function add(
  coordinator: TransactionCoordinator,
  known: Transaction | undefined,
  event: AddPartitionsEvent,
  turn: TransactionTurn,
): KafkaErrorRow {
  // The producer may speak by an id already that only comes into force behind the markers.
  if (known !== undefined && isPrepared(known.state)) return Errors.CONCURRENT_TRANSACTIONS;
  const refusal = refuse(known, event);
  if (known === undefined || refusal !== undefined) return refusal ?? Errors.INVALID_PRODUCER_ID_MAPPING;
  if (known.state === 'Ongoing' && includesAll(known.partitions, event.partitions)) return Errors.NONE;
  const next = added(known, event.partitions, event.clientVersion, turn.now.wallMs);
  return propose(coordinator, [next], turn) ? Errors.NONE : Errors.UNKNOWN_SERVER_ERROR;
}

function refuse(
  known: Transaction | undefined,
  { producerId, producerEpoch }: AddPartitionsEvent | VerifyPartitionsEvent,
): KafkaErrorRow | undefined {
  if (known === undefined || known.producerId !== producerId) return Errors.INVALID_PRODUCER_ID_MAPPING;
  if (known.producerEpoch !== producerEpoch) return Errors.PRODUCER_FENCED;
  return isPrepared(known.state) ? Errors.CONCURRENT_TRANSACTIONS : undefined;
}
