/**
 * Runs a machine on a partition. The log of the partition, behind a snapshot where there is one, *is* the machine's state: every proposal is appended as one batch, replayed at
 * once so that the next event sees it, and its answers are held until the high watermark passes the last record the machine had seen when
 * it gave them; answers to pure reads wait likewise, so nobody is told what a power cut could take back.
 *
 *     state      from               legal moves
 *     loading    (new), active      the log is replayed from its start → active; fails → failed
 *     active     loading            events are handled; an append that fails, or is taken back, discards the machine → loading
 *     failed     loading, active    the partition cannot be read, or is gone: everyone is refused
 *     stopped    any                final
 *
 * Whoever is waiting when a machine is discarded is refused with COORDINATOR_NOT_AVAILABLE and asks again. Contains no rule of any machine.
 */
import { type Clock, errorText, type Instant, type Logger, type Timer } from '#core';
import { type BatchAt, batches, Errors, type KafkaErrorRow, readTransactionMarker } from '#protocol';
import type { AdvanceWaiter, HostedPartition } from '../hosting/hosted-partition.ts';
import type { Machine, MachineOutput } from './machine.ts';
import type { StallMeter } from './stall-meter.ts';
import { UndecidedRecords } from './undecided-records.ts';

/** Who asked. Exactly one of the two is called, exactly once. */
export interface Asker {
  answer(body: unknown): void;
  refuse(error: KafkaErrorRow): void;
}

/** How the records of a machine stand in the log. */
export interface RecordCodec<R> {
  /** One batch with all of `records`. */
  encode(records: readonly R[], now: Instant): Buffer;
  /** Calls `each` for every record of the batch at `position`, with its offset; control batches are not given. */
  decode(buffer: Buffer, position: number, each: (record: R, offset: number) => void): void;
}

/** What the records below `endOffset` came to. */
export interface Snapshot<R> {
  readonly endOffset: number;
  /** At most `endOffset` of them: they are replayed as if they were the last ones before it. */
  readonly records: readonly R[];
}

/** What the runtime tells its owner. */
export interface RuntimeObserver<R> {
  /** Records below the high watermark, in order, each once; also those that a load replays, but for those of transactions. */
  committed?(record: R, offset: number): void;
  /** The machine is loaded and answers. */
  active?(): void;
  failed?(error: unknown): void;
}

export interface RuntimeOptions<E, R> {
  readonly name: string;
  readonly partition: HostedPartition;
  readonly createMachine: () => Machine<E, R>;
  readonly codec: RecordCodec<R>;
  /** Where a load begins; undefined, or without it: at the start of the log. */
  snapshot?(): Promise<Snapshot<R> | undefined>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observer?: RuntimeObserver<R>;
  /** Stalls of the loop become events of this machine, given before due timers. */
  readonly stalls?: { readonly meter: StallMeter; event(stalledMs: number): E };
  /** The first event after a load; `isFirst`: after the first one of this runtime. */
  loadedEvent?(isFirst: boolean): E;
  /** Records must be on the disk whatever the durability of the broker. */
  readonly requiresSync?: boolean;
}

const RELOAD_MS = 1000;

interface HeldAnswer {
  readonly endOffset: number;
  readonly token: number;
  readonly body: unknown;
}

interface HeldRecord<R> {
  readonly record: R;
  readonly offset: number;
}

export class MachineRuntime<E, R> implements AdvanceWaiter {
  readonly #options: RuntimeOptions<E, R>;
  #machine: Machine<E, R> | undefined;
  #state: 'loading' | 'active' | 'failed' | 'stopped' = 'loading';
  /** End offset of everything the machine has replayed. */
  #seenEndOffset = 0;
  #heldAnswers: HeldAnswer[] = [];
  #heldRecords: HeldRecord<R>[] = [];
  /** Offset up to which `committed` was told; survives a discarded machine. */
  #committedEndOffset = 0;
  readonly #askers = new Map<number, Asker>();
  #nextToken = 1;
  readonly #timers = new Map<string, Timer>();
  #stopStalls: (() => void) | undefined;
  #wasLoaded = false;
  /** Guards against a load that an earlier one overtook. */
  #generation = 0;

  constructor(options: RuntimeOptions<E, R>) {
    this.#options = options;
    options.partition.addAdvanceWaiter(this);
    const { stalls } = options;
    if (stalls !== undefined) {
      this.#stopStalls = stalls.meter.onStall((stalledMs) => this.tell(stalls.event(stalledMs)));
    }
  }

  get isActive(): boolean {
    return this.#state === 'active';
  }

  /** Replays the log. Never rejects: a log that cannot be read makes the runtime `failed`, and `observer.failed` hears why. */
  async load(): Promise<void> {
    const generation = ++this.#generation;
    this.#state = this.#options.partition.isOffline ? 'failed' : 'loading';
    if (this.#state === 'failed') return;
    const machine = this.#options.createMachine();
    try {
      const endOffset = await this.#replayLog(machine, generation);
      if (generation !== this.#generation) return;
      this.#machine = machine;
      this.#seenEndOffset = endOffset;
      this.#state = 'active';
    } catch (error) {
      if (generation !== this.#generation) return;
      this.#state = 'failed';
      this.#options.logger.error({ err: error }, `${this.#options.name} cannot be loaded: ${errorText(error)}`);
      this.#options.observer?.failed?.(error);
      return;
    }
    this.#releaseRecords();
    const isFirst = !this.#wasLoaded;
    this.#wasLoaded = true;
    if (this.#options.loadedEvent !== undefined) this.tell(this.#options.loadedEvent(isFirst));
    this.#options.observer?.active?.();
  }

  /** Gives the machine an event that somebody waits for. `makeEvent` gets the token that names `asker` in the event. */
  ask(makeEvent: (token: number) => E, asker: Asker): void {
    if (this.#state !== 'active') {
      asker.refuse(this.#refusal());
      return;
    }
    const token = this.#nextToken++;
    this.#askers.set(token, asker);
    this.#handle(makeEvent(token));
  }

  /** Gives the machine an event that nobody waits for; dropped when the machine is not active. */
  tell(event: E): void {
    if (this.#state === 'active') this.#handle(event);
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
    this.#releaseAnswers();
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

  #handle(event: E | { type: 'timer'; name: string }): void {
    const { clock } = this.#options;
    const now = clock.now();
    const output = this.#machine!.handle(event, now);
    if (output.records.length > 0 && !this.#append(output, now)) return;
    for (const { name, delayMs } of output.timers) this.#setTimer(name, delayMs);
    const { highWatermark } = this.#options.partition;
    for (const { token, body } of output.replies) {
      if (this.#seenEndOffset <= highWatermark) this.#answer(token, body);
      else this.#heldAnswers.push({ endOffset: this.#seenEndOffset, token, body });
    }
  }

  /** @returns false when the append failed and the machine is being loaded again */
  #append(output: MachineOutput<R>, now: Instant): boolean {
    const { partition, codec, requiresSync, name, logger } = this.#options;
    const batch = codec.encode(output.records, now);
    const result = partition.append(batch, 'coordinator', requiresSync);
    if (result.error !== undefined) {
      logger.warn(
        { error: result.error.name },
        `${name}: an append of ${batch.length} bytes was refused (${result.error.name})`,
      );
      this.#discard('loading');
      if (result.error === Errors.KAFKA_STORAGE_ERROR) this.#loadLater();
      else void this.load();
      return false;
    }
    let offset = result.baseOffset;
    for (const record of output.records) {
      this.#machine!.replay(record, offset);
      this.#holdRecord(record, offset);
      offset++;
    }
    this.#seenEndOffset = offset;
    partition.whenCommitted(offset, undefined, 0, batch.length);
    this.#releaseRecords();
    return true;
  }

  /** A disk that is full now may have room then; the first event after a load may need some. */
  #loadLater(): void {
    const generation = ++this.#generation;
    const reload = (): void => {
      if (generation === this.#generation) void this.load();
    };
    this.#options.clock.setTimer(RELOAD_MS, reload, { unref: true });
  }

  /** Drops machine, timers and what is held, and refuses everyone who waits; they may ask again at once, and find `state`. */
  #discard(state: 'loading' | 'failed' | 'stopped'): void {
    this.#state = state;
    this.#machine = undefined;
    this.#heldAnswers = [];
    this.#heldRecords = [];
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    const askers = [...this.#askers.values()];
    this.#askers.clear();
    const error = state === 'stopped' ? Errors.NOT_COORDINATOR : Errors.COORDINATOR_NOT_AVAILABLE;
    for (const asker of askers) asker.refuse(error);
  }

  async #replayLog(machine: Machine<E, R>, generation: number): Promise<number> {
    const { partition, codec } = this.#options;
    const { log } = partition;
    const endOffset = log.logEndOffset;
    this.#seenEndOffset = endOffset;
    const replay = (record: R, offset: number): void => {
      machine.replay(record, offset);
      this.#holdRecord(record, offset);
    };
    const snapshot = await this.#options.snapshot?.();
    const startOffset = snapshot?.endOffset ?? log.logStartOffset;
    for (const [index, record] of snapshot?.records.entries() ?? [])
      replay(record, startOffset - snapshot!.records.length + index);
    const undecided = new UndecidedRecords<R>();
    for await (const chunk of log.readAll(startOffset, endOffset)) {
      if (generation !== this.#generation) break;
      for (const { position, header } of batches(chunk)) {
        if (!header.isControl && !header.isTransactional) codec.decode(chunk, position, replay);
        else this.#replayTransaction(machine, undecided, chunk, { position, header });
      }
    }
    return endOffset;
  }

  #replayTransaction(
    machine: Machine<E, R>,
    undecided: UndecidedRecords<R>,
    chunk: Buffer,
    { position, header }: BatchAt,
  ): void {
    const { producerId } = header;
    if (!header.isControl) {
      this.#options.codec.decode(chunk, position, (record, offset) => undecided.add(producerId, record, offset));
      return;
    }
    const marker = readTransactionMarker(chunk, position, header);
    if (marker === undefined) return;
    for (const { record, offset } of undecided.end(producerId, marker.type)) machine.replay(record, offset);
  }

  #holdRecord(record: R, offset: number): void {
    if (this.#options.observer?.committed !== undefined) this.#heldRecords.push({ record, offset });
  }

  #releaseRecords(): void {
    if (this.#state !== 'active') return;
    const { highWatermark } = this.#options.partition;
    let count = 0;
    while (count < this.#heldRecords.length && this.#heldRecords[count].offset < highWatermark) count++;
    if (count === 0) return;
    // Taken out first: whoever hears of a record may append another, and come here again.
    for (const { record, offset } of this.#heldRecords.splice(0, count)) {
      if (offset < this.#committedEndOffset) continue;
      this.#committedEndOffset = offset + 1;
      this.#options.observer?.committed?.(record, offset);
    }
  }

  #releaseAnswers(): void {
    const { highWatermark } = this.#options.partition;
    let count = 0;
    while (count < this.#heldAnswers.length && this.#heldAnswers[count].endOffset <= highWatermark) count++;
    if (count === 0) return;
    const released = this.#heldAnswers.splice(0, count);
    for (const { token, body } of released) this.#answer(token, body);
  }

  #answer(token: number, body: unknown): void {
    const asker = this.#askers.get(token);
    this.#askers.delete(token);
    asker?.answer(body);
  }

  #setTimer(name: string, delayMs: number | null): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
    if (delayMs === null) return;
    this.#timers.set(
      name,
      this.#options.clock.setTimer(delayMs, () => this.#fire(name), { unref: true }),
    );
  }

  #fire(name: string): void {
    this.#timers.delete(name);
    this.#options.stalls?.meter.observe();
    if (this.#state === 'active') this.#handle({ type: 'timer', name });
  }
}
