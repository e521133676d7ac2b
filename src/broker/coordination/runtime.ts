/**
 * Runs a machine on a partition. The log of the partition, behind a snapshot where there is one, *is* the machine's state (`log-replay.ts`):
 * every proposal is appended as one batch, replayed at once so that the next event sees it, and its answers are held (`held-outcomes.ts`)
 * until the high watermark passes the last record the machine had seen when it gave them; answers to pure reads wait likewise, so nobody
 * is told what a power cut could take back.
 *
 *     state      from               legal moves
 *     loading    (new), active      the log is replayed from its start → active; fails → failed
 *     active     loading            events are handled; an append that fails, or is taken back, discards the machine → loading
 *     failed     loading, active    the partition cannot be read: everyone is refused → loading, after a while; is offline: for good
 *     stopped    any                final
 *
 * Whoever is waiting when a machine is discarded is refused with COORDINATOR_NOT_AVAILABLE and asks again. Contains no rule of any machine.
 *
 * Transactions of producers may reach into the log: what a machine proposes as part of one is appended as such, and their markers are
 * appended by `endTransaction`; the machine hears of both as it does when the log is replayed.
 */
import { type Clock, errorText, type Instant, type Logger } from '#core';
import { buildTransactionMarker, Errors, type KafkaErrorRow, type TransactionMarker } from '#protocol';
import type { Verification } from '#storage';
import type { AdvanceWaiter, HostedPartition } from '../hosting/hosted-partition.ts';
import { CommittedRecords } from './committed-records.ts';
import { type Asker, HeldOutcomes } from './held-outcomes.ts';
import { type ReplaySource, replayLog } from './log-replay.ts';
import type { Machine, MachineOutput, ProducerIdentity } from './machine.ts';
import { MachineTimers } from './machine-timers.ts';
import type { StallMeter } from './stall-meter.ts';

/** What the runtime tells its owner. */
export interface RuntimeObserver<R, O = never> {
  /** Records below the high watermark, in order, each once; also those that a load replays, but for those of transactions. */
  committed?(record: R, offset: number): void;
  /** The machine wants this done, and what it has seen is committed. A machine that is discarded before may want it again. */
  ordered?(order: O): void;
  /** The machine is loaded and answers. */
  active?(): void;
  failed?(error: unknown): void;
}

/** The end of a producer's transaction on this partition. */
export interface TransactionEnd extends ProducerIdentity, TransactionMarker {
  /** `transaction.version` by which the coordinator ends it. */
  readonly transactionVersion: number;
}

export interface RuntimeOptions<E, R, O = never> extends ReplaySource<R> {
  readonly name: string;
  readonly createMachine: () => Machine<E, R, O>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observer?: RuntimeObserver<R, O>;
  /** Stalls of the loop become events of this machine, given before due timers. */
  readonly stalls?: { readonly meter: StallMeter; event(stalledMs: number): E };
  /** The first event after a load; `isFirst`: after the first one of this runtime. */
  loadedEvent?(isFirst: boolean): E;
  /** Records must be on the disk whatever the durability of the broker. */
  readonly requiresSync?: boolean;
}

/** Between loads: at first, and when nothing helps. */
const RELOAD_MS = 1000;
const RELOAD_MS_MAX = 60_000;

export class MachineRuntime<E, R, O = never> implements AdvanceWaiter {
  readonly #options: RuntimeOptions<E, R, O>;
  #machine: Machine<E, R, O> | undefined;
  #state: 'loading' | 'active' | 'failed' | 'stopped' = 'loading';
  /** End offset of everything the machine has replayed. */
  #seenEndOffset = 0;
  readonly #records: CommittedRecords<R>;
  readonly #outcomes: HeldOutcomes<O>;
  readonly #timers: MachineTimers;
  #stopStalls: (() => void) | undefined;
  #wasLoaded = false;
  #reloadMs = RELOAD_MS;
  /** Guards against a load that an earlier one overtook. */
  #generation = 0;

  constructor(options: RuntimeOptions<E, R, O>) {
    this.#options = options;
    const { partition, observer, clock, stalls } = options;
    this.#records = new CommittedRecords(observer?.committed?.bind(observer));
    this.#outcomes = new HeldOutcomes(observer?.ordered?.bind(observer));
    this.#timers = new MachineTimers(clock, (name) => this.#fire(name));
    partition.addAdvanceWaiter(this);
    if (stalls !== undefined) {
      this.#stopStalls = stalls.meter.onStall((stalledMs) => this.tell(stalls.event(stalledMs)));
    }
  }

  get isActive(): boolean {
    return this.#state === 'active';
  }

  /**
   * Replays the log. Never rejects: a log that cannot be read makes the runtime `failed`, and `observer.failed` hears why. It is tried again: the
   * disk may have hiccuped, or somebody cuts off what is damaged.
   */
  async load(): Promise<void> {
    const generation = ++this.#generation;
    this.#state = this.#options.partition.isOffline ? 'failed' : 'loading';
    if (this.#state === 'failed') return;
    const machine = this.#options.createMachine();
    const endOffset = this.#options.partition.log.logEndOffset;
    this.#seenEndOffset = endOffset;
    try {
      await replayLog(
        this.#options,
        machine,
        endOffset,
        (record, offset) => this.#records.hold(record, offset),
        () => generation === this.#generation,
      );
      if (generation !== this.#generation) return;
      this.#machine = machine;
      this.#state = 'active';
      this.#reloadMs = RELOAD_MS;
    } catch (error) {
      if (generation !== this.#generation) return;
      this.#state = 'failed';
      const text = `${this.#options.name} cannot be loaded, which is tried again in ${this.#reloadMs / 1000} s: ${errorText(error)}`;
      this.#options.logger.error({ err: error }, text);
      this.#loadLater(this.#reloadMs);
      this.#reloadMs = Math.min(this.#reloadMs * 2, RELOAD_MS_MAX);
      this.#options.observer?.failed?.(error);
      return;
    }
    this.#releaseRecords();
    const isFirst = !this.#wasLoaded;
    this.#wasLoaded = true;
    if (this.#options.loadedEvent !== undefined) this.tell(this.#options.loadedEvent(isFirst));
    this.#options.observer?.active?.();
  }

  /**
   * Gives the machine an event that somebody waits for. `makeEvent` gets the token that names `asker` in the event.
   *
   * @param verification of the transaction that what the machine proposes is part of
   */
  ask(makeEvent: (token: number) => E, asker: Asker, verification?: Verification): void {
    if (this.#state !== 'active') {
      asker.refuse(this.#refusal());
      return;
    }
    this.#handle(makeEvent(this.#outcomes.admit(asker)), verification);
  }

  /** Gives the machine an event that nobody waits for; dropped when the machine is not active. */
  tell(event: E): void {
    if (this.#state === 'active') this.#handle(event);
  }

  /** Appends the marker that ends a transaction. `settled` is called once: with NONE when it is committed. */
  endTransaction(end: TransactionEnd, settled: (error: KafkaErrorRow) => void): void {
    if (this.#state !== 'active') {
      settled(this.#refusal());
      return;
    }
    const { partition, clock } = this.#options;
    const { transactionVersion } = end;
    const marker = buildTransactionMarker(end, end, clock.now().wallMs);
    const result = partition.append(marker, 'coordinator', { transactionVersion });
    if (result.error !== undefined) {
      settled(result.error);
      return;
    }
    this.#machine!.endTransaction?.(end.producerId, end.type);
    this.#seenEndOffset = result.lastOffset + 1;
    partition.whenCommitted(this.#seenEndOffset, { settled: (_, error) => settled(error) }, 0, marker.length);
  }

  advanced(partition: HostedPartition): void {
    if (partition.isOffline && this.#state !== 'stopped') {
      this.#generation++;
      this.#discard('failed');
      return;
    }
    if (partition.log.logEndOffset < this.#seenEndOffset && this.#state !== 'stopped' && this.#state !== 'failed') {
      // The disk had no room for what the machine has seen.
      this.#discard('loading');
      void this.load();
      return;
    }
    this.#releaseRecords();
    this.#outcomes.release(partition.highWatermark);
  }

  /** Refuses whoever waits and handles nothing more. The log stays as it is. Idempotent. */
  stop(): void {
    if (this.#state === 'stopped') return;
    this.#generation++;
    this.#stopStalls?.();
    this.#options.partition.removeAdvanceWaiter(this);
    this.#discard('stopped');
  }

  #refusal(): KafkaErrorRow {
    if (this.#state === 'loading') return Errors.COORDINATOR_LOAD_IN_PROGRESS;
    return this.#state === 'stopped' ? Errors.NOT_COORDINATOR : Errors.COORDINATOR_NOT_AVAILABLE;
  }

  #handle(event: E | { type: 'timer'; name: string }, verification?: Verification): void {
    const { clock } = this.#options;
    const now = clock.now();
    const output = this.#machine!.handle(event, now);
    if (output.records.length > 0 && !this.#append(output, now, verification)) return;
    for (const change of output.timers) this.#timers.change(change);
    this.#outcomes.hold(this.#seenEndOffset, output);
    this.#outcomes.release(this.#options.partition.highWatermark);
  }

  /** @returns false when the append failed: the machine is being loaded again, or what it proposed is no part of a transaction */
  #append(output: MachineOutput<R, O>, now: Instant, verification: Verification | undefined): boolean {
    const { partition, codec, requiresSync, name, logger } = this.#options;
    const { producer } = output;
    const batch = codec.encode(output.records, now, producer);
    const result = partition.append(batch, 'coordinator', { requiresSync, verification });
    if (result.error !== undefined && producer !== undefined && result.error !== Errors.KAFKA_STORAGE_ERROR) {
      for (const { token } of output.replies) this.#outcomes.refuse(token, result.error);
      return false;
    }
    if (result.error !== undefined) {
      logger.warn(
        { error: result.error.name },
        `${name}: an append of ${batch.length} bytes was refused (${result.error.name})`,
      );
      this.#discard('loading');
      if (result.error === Errors.KAFKA_STORAGE_ERROR) this.#loadLater(RELOAD_MS);
      else void this.load();
      return false;
    }
    let offset = result.baseOffset;
    for (const record of output.records) {
      this.#machine!.replay(record, offset, producer?.producerId ?? -1);
      if (producer === undefined) this.#records.hold(record, offset);
      offset++;
    }
    this.#seenEndOffset = offset;
    partition.whenCommitted(offset, undefined, 0, batch.length);
    this.#releaseRecords();
    return true;
  }

  /** A disk that is full now may have room then; the first event after a load may need some. */
  #loadLater(delayMs: number): void {
    const generation = ++this.#generation;
    const reload = (): void => {
      if (generation === this.#generation) void this.load();
    };
    this.#options.clock.setTimer(delayMs, reload, { unref: true });
  }

  /** Drops machine, timers and what is held, and refuses everyone who waits; they may ask again at once, and find `state`. */
  #discard(state: 'loading' | 'failed' | 'stopped'): void {
    this.#state = state;
    this.#machine = undefined;
    this.#records.discard();
    this.#timers.clear();
    this.#outcomes.discard(state === 'stopped' ? Errors.NOT_COORDINATOR : Errors.COORDINATOR_NOT_AVAILABLE);
  }

  #releaseRecords(): void {
    if (this.#state === 'active') this.#records.release(this.#options.partition.highWatermark);
  }

  #fire(name: string): void {
    this.#options.stalls?.meter.observe();
    if (this.#state === 'active') this.#handle({ type: 'timer', name });
  }
}
