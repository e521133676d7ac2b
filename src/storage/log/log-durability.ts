/**
 * How far the batches of a log are written and durable, and who waits for it. A batch is durable when it was written (mode `os`), or when
 * an fdatasync that began after the write has ended: in mode `sync`, and where the topic's flush rules or the log's owner want it.
 */
import { KafkaError } from '#core';
import { Errors } from '#protocol';
import type { TopicConfig } from '../config.ts';
import type { CheckpointedLog } from '../directory/directory-checkpoints.ts';
import type { SyncSource } from '../directory/log-syncer.ts';
import { type DurableCallback, DurableWaiters } from './durable-waiters.ts';
import { FlushTimer } from './flush-timer.ts';
import type { LogHome } from './log-home.ts';
import type { LogSegments } from './log-segments.ts';
import type { LogSync } from './log-sync.ts';
import type { LogTrail } from './log-trail.ts';

/** The log that it is about. */
export interface DurableLog extends CheckpointedLog {
  readonly name: string;
  readonly config: TopicConfig;
  readonly isReadOnly: boolean;
  /** Takes no more records, soon nothing. */
  readonly isClosing: boolean;
  readonly isClosed: boolean;
  /** Everything below `endOffset` is durable. Called before those who wait for it. */
  durableAdvanced(endOffset: number): void;
}

export class LogDurability implements SyncSource {
  readonly #home: LogHome;
  readonly #log: DurableLog;
  readonly #segments: LogSegments;
  readonly #sync: LogSync;
  readonly #trail: LogTrail;
  readonly #waiters = new DurableWaiters();
  readonly #flushTimer: FlushTimer;
  #isSynced: boolean;
  /** Mode `os`: the next sync takes the active segment with it. */
  #isFlushDue = false;
  #writtenEndOffset: number;
  #durableEndOffset: number;
  #recoveryPoint: number;

  constructor(
    home: LogHome,
    log: DurableLog,
    parts: { readonly segments: LogSegments; readonly sync: LogSync; readonly trail: LogTrail },
    loaded: { readonly logEndOffset: number; readonly recoveryPoint: number },
  ) {
    this.#home = home;
    this.#log = log;
    this.#segments = parts.segments;
    this.#sync = parts.sync;
    this.#trail = parts.trail;
    this.#flushTimer = new FlushTimer(home.clock, () => this.#flushSoon());
    this.#isSynced = home.durability === 'sync';
    this.#writtenEndOffset = loaded.logEndOffset;
    this.#durableEndOffset = loaded.logEndOffset;
    this.#recoveryPoint = loaded.recoveryPoint;
  }

  /** Records below survive what the durability mode promises. */
  get durableEndOffset(): number {
    return this.#durableEndOffset;
  }

  /** Records below were synced; recovery after a crash begins here. */
  get recoveryPoint(): number {
    return this.#recoveryPoint;
  }

  /** Whether nothing is durable before it is synced. */
  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** From now on nothing is durable before it is synced, whatever the directory's mode is. */
  requireSync(): void {
    this.#isSynced = true;
  }

  /** Everything below `endOffset` is in the files. */
  written(endOffset: number): void {
    this.#writtenEndOffset = endOffset;
  }

  /** What was written is durable, or is to be synced for that. */
  settleWritten(): void {
    if (this.#isSynced) this.requestSync();
    // As in Kafka, the append that makes it `flush.messages` is answered when it is synced.
    else if (!this.checkFlush()) this.#advance(this.#writtenEndOffset);
  }

  /** Has what is written synced in the next group of the directory. */
  requestSync(): void {
    this.#home.syncer.request(this);
  }

  /** As `SyncSource` has it. In mode `os` these are the segments that were rolled, and others where a flush is due. */
  async syncWritten(): Promise<() => void> {
    if (this.#log.isClosed) return tellNobody;
    const withActive = this.#isSynced || this.#isFlushDue;
    this.#isFlushDue = false;
    const endOffset = withActive ? this.#writtenEndOffset : this.#segments.active.baseOffset;
    try {
      await this.#sync.sync(() => (withActive ? this.#segments.active : undefined));
    } catch (error) {
      // Deleted meanwhile: nobody waits for this sync any more.
      if (this.#log.isClosed) return tellNobody;
      throw error;
    }
    return () => {
      if (this.#log.isClosed) return;
      this.#moveRecoveryPoint(endOffset);
      if (withActive) this.#advance(endOffset);
      if (!this.#isSynced) this.checkFlush();
    };
  }

  /** Syncs everything that is written, at once. @param epochsStored waited for before the recovery point moves */
  async flush(epochsStored: () => Promise<void>): Promise<void> {
    const endOffset = this.#writtenEndOffset;
    await this.#sync.sync(() => this.#segments.active);
    await epochsStored();
    this.#moveRecoveryPoint(endOffset);
    this.#advance(endOffset);
  }

  /** Mode `os`: has the log synced when its topic's flush rules say so; whether that is now. */
  checkFlush(): boolean {
    const { isReadOnly, config } = this.#log;
    if (this.#isSynced || isReadOnly) return false;
    const dirtyCount = this.#writtenEndOffset - this.#recoveryPoint;
    this.#flushTimer.update(dirtyCount > 0, config['flush.ms']);
    const isDue = dirtyCount > 0 && dirtyCount >= config['flush.messages'];
    if (isDue) this.#flushSoon();
    return isDue;
  }

  /** @see PartitionLog.whenDurable */
  whenDurable(endOffset: number, callback: DurableCallback): void {
    if (endOffset <= this.#durableEndOffset) callback();
    else if (this.#home.failure !== undefined || this.#log.isClosed) callback(this.goneError());
    else this.#waiters.add(endOffset, callback);
  }

  /** What lies above `endOffset` will never be there. */
  takenBack(endOffset: number, error: KafkaError): void {
    this.#waiters.failAbove(endOffset, error);
  }

  /** Whoever waits hears `error`. */
  fail(error: KafkaError): void {
    this.#waiters.fail(error);
  }

  /** The log is closed: no sync begins any more, and whoever waits hears an error. */
  stop(): void {
    this.#flushTimer.cancel();
    this.#sync.stop();
    this.#waiters.fail(this.goneError());
  }

  /** Why the log takes and gives nothing any more. */
  goneError(): KafkaError {
    return (
      this.#home.failure ??
      new KafkaError('KAFKA_STORAGE_ERROR', `the log ${this.#log.name} was closed`, {
        errorCode: Errors.KAFKA_STORAGE_ERROR.code,
      })
    );
  }

  #flushSoon(): void {
    if (this.#log.isClosing || this.#home.failure !== undefined) return;
    this.#isFlushDue = true;
    this.requestSync();
  }

  #moveRecoveryPoint(endOffset: number): void {
    // Where it stands the next start finds the damage again.
    if (this.#log.isReadOnly) return;
    this.#recoveryPoint = Math.max(this.#recoveryPoint, endOffset);
    this.#home.checkpoints.changed(this.#log);
    this.#trail.synced(this.#recoveryPoint);
  }

  #advance(endOffset: number): void {
    if (endOffset <= this.#durableEndOffset) return;
    this.#durableEndOffset = endOffset;
    // The high watermark, as long as nobody has set another one.
    this.#home.checkpoints.changed(this.#log);
    this.#log.durableAdvanced(endOffset);
    this.#waiters.advance(endOffset);
  }
}

function tellNobody(): void {}
