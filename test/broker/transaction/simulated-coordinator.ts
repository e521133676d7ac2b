/**
 * A transaction machine among clients that crash, are replaced and go on as zombies, with a log whose batches are committed late, markers
 * that take their time, and crashes of the coordinator that lose every batch that is not committed, every answer and every marker under way.
 * What must hold whatever happens is named in `random.test.ts`.
 */
import {
  type MarkerOrder,
  type ProducerReply,
  readTransactionRecord,
  type Transaction,
  type TransactionEvent,
  TransactionMachine,
  type TransactionRequestEvent,
  type TransactionSettings,
  transactionRecord,
} from '#broker/transaction';
import type { Random } from '#core';
import type { CoordinatorRecord, MachineReply } from '../../../src/broker/coordination/machine.ts';
import { SimulatedPartition } from './simulated-partition.ts';

const START_WALL_MS = 1_700_000_000_000;
const TOPIC = 't';
const PARTITION_COUNT = 4;
const LEVEL = 2;

/** An event without its token. */
export type Question = TransactionRequestEvent extends infer E ? (E extends unknown ? Omit<E, 'token'> : never) : never;
/** Undefined: the coordinator has crashed before it answered. */
type Told = (body: unknown) => void;

/** A batch in the log that is not committed yet, and what waits for it. */
interface Turn {
  readonly logEnd: number;
  readonly replies: readonly MachineReply[];
  readonly orders: readonly MarkerOrder[];
}

export class SimulatedCoordinator {
  readonly partitions: readonly SimulatedPartition[] = Array.from(
    { length: PARTITION_COUNT },
    (_, index) => new SimulatedPartition(`${TOPIC}/${index}`),
  );
  readonly #settings: TransactionSettings;
  readonly #random: Random;
  readonly #log: CoordinatorRecord[] = [];
  readonly #timers = new Map<string, number>();
  readonly #askers = new Map<number, { question: Question; told: Told }>();
  #turns: Turn[] = [];
  /** Records before this survive every crash. */
  #committedEnd = 0;
  /** Markers under way: one partition each. */
  #markers: (() => void)[] = [];
  #machine: TransactionMachine;
  #nextToken = 1;
  #nextProducerId = 1000;
  #nowMs = 0;

  constructor(settings: TransactionSettings, random: Random) {
    this.#settings = settings;
    this.#random = random;
    this.#machine = this.#replayed(0);
    this.#load();
  }

  pick(count: number): number {
    return this.#random.uint32() % count;
  }

  /** Asks, and again with a producer id where one is needed. */
  ask(question: Question, told: Told): void {
    const token = this.#nextToken++;
    this.#askers.set(token, { question, told });
    this.#handle({ ...question, token } as TransactionRequestEvent);
  }

  /** One thing that goes on without the clients. */
  step(): void {
    const choice = this.pick(20);
    if (choice < 9) this.#commitTurn();
    else if (choice < 16) this.#deliverMarker();
    else if (choice < 19) this.advance(this.pick(3) === 0 ? 4000 : 50);
    else if (this.pick(6) === 0) this.crash();
  }

  /** Until nothing is under way any more. */
  settle(): void {
    while (this.#turns.length > 0 || this.#markers.length > 0) {
      this.#commitTurn();
      this.#deliverMarker();
    }
  }

  advance(durationMs: number): void {
    const endMs = this.#nowMs + durationMs;
    for (;;) {
      const due = [...this.#timers].filter(([, atMs]) => atMs <= endMs).sort((a, b) => a[1] - b[1])[0];
      if (due === undefined) break;
      this.#nowMs = Math.max(this.#nowMs, due[1]);
      this.#timers.delete(due[0]);
      this.#handle({ type: 'timer', name: due[0] });
    }
    this.#nowMs = endMs;
  }

  /** What was not committed is lost, but for some of it: a prefix. */
  crash(): void {
    const kept = this.pick(this.#turns.length + 1);
    this.#log.length = kept === 0 ? this.#committedEnd : this.#turns[kept - 1].logEnd;
    this.#committedEnd = this.#log.length;
    this.#turns = [];
    this.#markers = [];
    this.#timers.clear();
    const askers = [...this.#askers.values()];
    this.#askers.clear();
    this.#machine = this.#replayed(this.#log.length);
    this.#load();
    for (const { told } of askers) told(undefined);
  }

  /** Takes every epoch but a few from the producer of an id, as if it had been used for long. */
  exhaust(transactionalId: string): void {
    this.settle();
    const known = this.transactions().find((transaction) => transaction.transactionalId === transactionalId);
    if (known === undefined || /Ongoing|Prepare/.test(known.state)) return;
    const record = transactionRecord({ ...known, producerEpoch: Math.max(known.producerEpoch, 32_764) }, LEVEL);
    this.#log.push(record);
    this.#committedEnd = this.#log.length;
    this.#machine.replay(record);
  }

  /** As the log tells. */
  transactions(): Transaction[] {
    return lastIn(this.#log);
  }

  /** Throws where an id has gone back to an epoch, or to a producer id, that it had left. */
  checkEpochs(): void {
    const last = new Map<string, { producerId: number; producerEpoch: number; left: Set<number> }>();
    for (const record of this.#log) {
      const read = readTransactionRecord(record);
      if (read.type === 'tombstone') last.delete(read.transactionalId);
      if (read.type !== 'transaction') continue;
      const { transactionalId, producerId, producerEpoch } = read.transaction;
      const before = last.get(transactionalId) ?? { producerId, producerEpoch, left: new Set() };
      if (before.producerId === producerId && before.producerEpoch > producerEpoch)
        throw new Error(`epochs never go down: ${transactionalId} ${before.producerEpoch} to ${producerEpoch}`);
      if (before.producerId !== producerId) before.left.add(before.producerId);
      if (before.left.has(producerId)) throw new Error(`${transactionalId} came back to producer ${producerId}`);
      last.set(transactionalId, { producerId, producerEpoch, left: before.left });
    }
  }

  /**
   * From every prefix of the log, at the end of a batch or not, a machine comes to rest when the markers it orders are written: whatever was
   * prepared is complete, with the outcome that was prepared.
   */
  checkPrefixes(): void {
    for (let end = 0; end <= this.#log.length; end++) {
      const log = this.#log.slice(0, end);
      const machine = new TransactionMachine(this.#settings);
      for (const record of log) machine.replay(record);
      const now = { wallMs: START_WALL_MS + this.#nowMs, monotonicMs: this.#nowMs };
      const events: TransactionEvent[] = [{ type: 'loaded', transactionVersion: LEVEL }];
      const outcomes = new Map(preparedIn(log).map(({ transactionalId, state }) => [transactionalId, state.slice(7)]));
      for (const event of events) {
        const { records, orders } = machine.handle(event, now);
        for (const record of records) {
          machine.replay(record);
          log.push(record);
        }
        for (const order of orders) events.push({ ...order, type: 'markers-written' });
      }
      const after = new Map(lastIn(log).map((transaction) => [transaction.transactionalId, transaction.state]));
      for (const [id, outcome] of outcomes) {
        if (after.get(id) !== `Complete${outcome}`)
          throw new Error(`no marker lost: ${id} is ${after.get(id)} at ${end}`);
      }
    }
  }

  #commitTurn(): void {
    const turn = this.#turns.shift();
    if (turn === undefined) return;
    this.#committedEnd = turn.logEnd;
    for (const { token, body } of turn.replies) {
      const { question, told } = this.#askers.get(token)!;
      this.#askers.delete(token);
      if ((body as ProducerReply).needsProducerId)
        this.ask({ ...question, newProducerId: this.#nextProducerId++ } as Question, told);
      else told(body);
    }
    for (const order of turn.orders) this.#send(order);
  }

  #send(order: MarkerOrder): void {
    const { type, transactionalId, producerId, producerEpoch, transactionVersion } = order;
    for (const { topic, partition } of order.partitions) {
      this.#markers.push(() => {
        this.partitions[partition].mark(type, producerId, producerEpoch, transactionVersion);
        // The word that it is written goes its own way, and may be lost with a crash.
        this.#markers.push(() => {
          const producer = { transactionalId, producerId, producerEpoch };
          this.#handle({ type: 'markers-written', ...producer, partitions: [{ topic, partition }] });
        });
      });
    }
  }

  #deliverMarker(): void {
    if (this.#markers.length === 0) return;
    const [deliver] = this.#markers.splice(this.pick(this.#markers.length), 1);
    deliver();
  }

  #handle(event: TransactionEvent): void {
    const now = { wallMs: START_WALL_MS + this.#nowMs, monotonicMs: this.#nowMs };
    const { records, timers, replies, orders } = this.#machine.handle(event, now);
    for (const record of records) {
      this.#log.push(record);
      this.#machine.replay(record);
    }
    for (const { name, delayMs } of timers) {
      if (delayMs === null) this.#timers.delete(name);
      else this.#timers.set(name, this.#nowMs + delayMs);
    }
    this.#turns.push({ logEnd: this.#log.length, replies, orders });
  }

  #load(): void {
    this.#handle({ type: 'loaded', transactionVersion: LEVEL });
  }

  #replayed(end: number): TransactionMachine {
    const machine = new TransactionMachine(this.#settings);
    for (const record of this.#log.slice(0, end)) machine.replay(record);
    return machine;
  }
}

function lastIn(log: readonly CoordinatorRecord[]): Transaction[] {
  const byId = new Map<string, Transaction>();
  for (const record of log) {
    const read = readTransactionRecord(record);
    if (read.type === 'transaction') byId.set(read.transaction.transactionalId, read.transaction);
    if (read.type === 'tombstone') byId.delete(read.transactionalId);
  }
  return [...byId.values()];
}

function preparedIn(log: readonly CoordinatorRecord[]): Transaction[] {
  return lastIn(log).filter(({ state }) => state.startsWith('Prepare'));
}
