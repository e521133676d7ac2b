/**
 * The transaction coordinator of one `__transaction_state` partition, as a pure machine: an event and the time go in, records, answers,
 * timers and orders for markers come out. `handle` reads state and proposes; `replay` takes records over, the machine's own as well as those
 * that Kafka or an earlier run wrote, so that recovery and running are one path.
 *
 * Stored is everything that matters: each id as of its last record. A transaction is decided when its Prepare… record is committed; markers
 * for its partitions are ordered then, and again after each load until all are written and Complete… is. The states and their moves stand in
 * `states.ts`. Kafka tells everybody CONCURRENT_TRANSACTIONS while a record is on its way into the log; here the next question sees it at
 * once, and its answer waits for the same commit.
 */
import type { Instant } from '#core';
import type { CoordinatorRecord, Machine } from '../coordination/machine.ts';
import { Turn } from '../coordination/turn.ts';
import type { TransactionSettings } from './config.ts';
import { complete, orderMarkers, type TransactionCoordinator, type TransactionTurn } from './coordinator.ts';
import { endTransaction } from './end.ts';
import type { MarkerOrder, MarkersWrittenEvent, TransactionEvent, TransactionRequestEvent } from './events.ts';
import { initProducerId } from './init-producer-id.ts';
import { withoutPartitions } from './partition-set.ts';
import { addPartitions, verifyPartitions } from './partitions.ts';
import { describeTransaction, listTransactions } from './queries.ts';
import { readTransactionRecord } from './records.ts';
import { isPrepared } from './states.ts';
import { removeExpired, settleOverdue } from './sweeps.ts';

const TIMEOUTS = 'timeouts';
const EXPIRY = 'expiry';

export class TransactionMachine implements Machine<TransactionEvent, CoordinatorRecord, MarkerOrder> {
  readonly #coordinator: TransactionCoordinator;
  /** Names of timers that will fire. */
  readonly #armed = new Set<string>();

  constructor(settings: TransactionSettings) {
    this.#coordinator = {
      settings,
      transactions: new Map(),
      lastEpochs: new Map(),
      unmarked: new Map(),
      transactionVersion: 0,
    };
  }

  handle(event: TransactionEvent, now: Instant): TransactionTurn {
    const turn: TransactionTurn = new Turn(now, this.#coordinator.settings.batchBytesMax);
    this.#dispatch(event, turn);
    this.#arm(turn);
    return turn;
  }

  /** Takes over one record of the partition, in order. Records of types that this machine does not know are skipped. */
  replay(record: CoordinatorRecord): void {
    const read = readTransactionRecord(record);
    const { transactions, unmarked } = this.#coordinator;
    if (read.type === 'tombstone') transactions.delete(read.transactionalId);
    if (read.type !== 'transaction') return;
    const { transaction } = read;
    transactions.set(transaction.transactionalId, transaction);
    if (!isPrepared(transaction.state)) unmarked.delete(transaction.transactionalId);
  }

  #dispatch(event: TransactionEvent, turn: TransactionTurn): void {
    switch (event.type) {
      case 'loaded':
        this.#coordinator.transactionVersion = event.transactionVersion;
        this.#resume(turn);
        return;
      case 'transaction-version':
        this.#coordinator.transactionVersion = event.transactionVersion;
        return;
      case 'markers-written':
        this.#markersWritten(event, turn);
        return;
      case 'timer':
        this.#onTimer(event.name, turn);
        return;
      default:
        answer(this.#coordinator, event, turn);
    }
  }

  /** What was prepared when the log ended has still to be told to its partitions; perhaps some have heard. */
  #resume(turn: TransactionTurn): void {
    for (const transaction of this.#coordinator.transactions.values()) {
      if (!isPrepared(transaction.state)) continue;
      if (transaction.partitions.size > 0) orderMarkers(this.#coordinator, transaction, turn);
      else complete(this.#coordinator, transaction, turn);
    }
  }

  #markersWritten(event: MarkersWrittenEvent, turn: TransactionTurn): void {
    const { transactions, unmarked } = this.#coordinator;
    const { transactionalId, producerId, producerEpoch, partitions } = event;
    const known = transactions.get(transactionalId);
    if (known === undefined || !isPrepared(known.state)) return;
    if (known.producerId !== producerId || known.producerEpoch !== producerEpoch) return;
    unmarked.set(transactionalId, withoutPartitions(unmarked.get(transactionalId) ?? known.partitions, partitions));
    complete(this.#coordinator, known, turn);
  }

  #onTimer(name: string, turn: TransactionTurn): void {
    this.#armed.delete(name);
    const isFinished =
      name === TIMEOUTS ? settleOverdue(this.#coordinator, turn) : removeExpired(this.#coordinator, turn);
    // What does not fit into one batch goes on in the next turn.
    if (!isFinished) this.#setTimer(name, 0, turn);
  }

  #arm(turn: TransactionTurn): void {
    const { settings, transactions } = this.#coordinator;
    if (transactions.size === 0 && turn.records.length === 0) return;
    if (!this.#armed.has(TIMEOUTS)) this.#setTimer(TIMEOUTS, settings.timeoutCheckMs, turn);
    if (!this.#armed.has(EXPIRY)) this.#setTimer(EXPIRY, settings.expiryCheckMs, turn);
  }

  #setTimer(name: string, delayMs: number, turn: TransactionTurn): void {
    this.#armed.add(name);
    turn.timers.push({ name, delayMs });
  }
}

type Answer<E> = (coordinator: TransactionCoordinator, event: E, turn: TransactionTurn) => void;

const answers: {
  readonly [T in TransactionRequestEvent['type']]: Answer<Extract<TransactionRequestEvent, { type: T }>>;
} = {
  'init-producer-id': initProducerId,
  'add-partitions': addPartitions,
  'verify-partitions': verifyPartitions,
  'end-transaction': endTransaction,
  'describe-transaction': describeTransaction,
  'list-transactions': listTransactions,
};

function answer<E extends TransactionRequestEvent>(
  coordinator: TransactionCoordinator,
  event: E,
  turn: TransactionTurn,
): void {
  const rule = answers[event.type] as Answer<E>;
  rule(coordinator, event, turn);
}
