/**
 * InitProducerId with a transactional id: whoever has it now is the only producer of this id, all others are fenced by their epochs.
 *
 *     state              answer
 *     (unknown)          a new producer id, epoch 0
 *     Empty, Complete*   the next epoch; where those are used up a new producer id, epoch 0
 *     Ongoing            the transaction is aborted in a new epoch that nobody is given; CONCURRENT_TRANSACTIONS until that is complete
 *     Prepare*           CONCURRENT_TRANSACTIONS
 *
 * A producer that names what it has (v3) is fenced when somebody else came since, and gets the same answer again when it asks twice.
 * @see KIP-98, KIP-360
 */
import { Errors, type KafkaErrorRow } from '#protocol';
import type { ProducerIdentity } from '../coordination/machine.ts';
import {
  NEEDS_PRODUCER_ID,
  producerReply,
  propose,
  type TransactionCoordinator,
  type TransactionTurn,
} from './coordinator.ts';
import { fence } from './end.ts';
import type { InitProducerIdEvent } from './events.ts';
import { isPrepared } from './states.ts';
import { initialized, isEpochExhausted, NO_EPOCH, newTransaction, type Transaction } from './transaction.ts';

export function initProducerId(
  coordinator: TransactionCoordinator,
  event: InitProducerIdEvent,
  turn: TransactionTurn,
): void {
  const { transactionalId, timeoutMs, newProducerId, token } = event;
  if (timeoutMs <= 0 || timeoutMs > coordinator.settings.timeoutMsMax) {
    turn.reply(token, producerReply(Errors.INVALID_TRANSACTION_TIMEOUT));
    return;
  }
  const known = coordinator.transactions.get(transactionalId);
  if (known !== undefined) beginAnew(coordinator, known, event, turn);
  else if (newProducerId === undefined) turn.reply(token, NEEDS_PRODUCER_ID);
  else begin(coordinator, newTransaction(transactionalId, newProducerId), event, turn);
}

function beginAnew(
  coordinator: TransactionCoordinator,
  known: Transaction,
  event: InitProducerIdEvent,
  turn: TransactionTurn,
): void {
  const { expected, newProducerId, token } = event;
  if (isPrepared(known.state)) {
    turn.reply(token, producerReply(Errors.CONCURRENT_TRANSACTIONS));
  } else if (expected !== undefined && !isProducerOf(known, expected)) {
    turn.reply(token, producerReply(Errors.PRODUCER_FENCED));
  } else if (known.state === 'Ongoing') {
    const error = fence(coordinator, known, turn);
    turn.reply(token, producerReply(error === Errors.NONE ? Errors.CONCURRENT_TRANSACTIONS : error));
  } else if (!mustRotate(known, expected)) {
    begin(coordinator, known, event, turn);
  } else if (newProducerId === undefined) {
    turn.reply(token, NEEDS_PRODUCER_ID);
  } else {
    const lastEpoch = expected === undefined ? NO_EPOCH : known.producerEpoch;
    initialize(coordinator, known, { producerId: newProducerId, producerEpoch: 0 }, lastEpoch, event, turn);
  }
}

/** The next epoch of the same producer id. */
function begin(
  coordinator: TransactionCoordinator,
  transaction: Transaction,
  event: InitProducerIdEvent,
  turn: TransactionTurn,
): void {
  const epochs = nextEpochs(coordinator, transaction, event.expected);
  if ('code' in epochs) {
    turn.reply(event.token, producerReply(epochs));
    return;
  }
  const { producerEpoch, lastEpoch } = epochs;
  initialize(coordinator, transaction, { producerId: transaction.producerId, producerEpoch }, lastEpoch, event, turn);
}

function initialize(
  coordinator: TransactionCoordinator,
  transaction: Transaction,
  producer: ProducerIdentity,
  lastEpoch: number,
  { timeoutMs, token }: InitProducerIdEvent,
  turn: TransactionTurn,
): void {
  const next = initialized(transaction, producer, timeoutMs, turn.now.wallMs);
  const isProposed = propose(coordinator, [next], turn);
  coordinator.lastEpochs.set(next.transactionalId, lastEpoch);
  turn.reply(token, isProposed ? producerReply(Errors.NONE, producer) : producerReply(Errors.UNKNOWN_SERVER_ERROR));
}

/** The id must be the present one, or the one before it whose last epoch was spent: then the answer with the new one was lost. */
function isProducerOf(known: Transaction, { producerId, producerEpoch }: ProducerIdentity): boolean {
  if (known.producerEpoch === NO_EPOCH || producerId === known.producerId) return true;
  return producerId === known.previousProducerId && isEpochExhausted(producerEpoch);
}

function mustRotate(known: Transaction, expected: ProducerIdentity | undefined): boolean {
  const isCurrent = expected === undefined || expected.producerEpoch === known.producerEpoch;
  return isEpochExhausted(known.producerEpoch) && isCurrent;
}

function nextEpochs(
  { lastEpochs }: TransactionCoordinator,
  { transactionalId, producerEpoch }: Transaction,
  expected: ProducerIdentity | undefined,
): { producerEpoch: number; lastEpoch: number } | KafkaErrorRow {
  // Kafka's answer too: what the producer has is not the present epoch, and there is none behind that.
  if (isEpochExhausted(producerEpoch)) return Errors.UNKNOWN_SERVER_ERROR;
  if (expected === undefined) return { producerEpoch: producerEpoch + 1, lastEpoch: NO_EPOCH };
  if (producerEpoch === NO_EPOCH || expected.producerEpoch === producerEpoch)
    return { producerEpoch: producerEpoch + 1, lastEpoch: producerEpoch };
  const lastEpoch = lastEpochs.get(transactionalId) ?? NO_EPOCH;
  return expected.producerEpoch === lastEpoch ? { producerEpoch, lastEpoch } : Errors.PRODUCER_FENCED;
}
