/**
 * Goes through the logs of a directory now and then and takes away what retention says (`retention.ts`). It works beside appends and
 * reads: a few segments at a time, some logs together (which then share the write of the checkpoint), and between them everyone else
 * has a turn. A log whose topic is not known yet is left alone: its limits are not.
 */
import { type Clock, errorText, type Instant, type Logger } from '#core';
import type { PartitionLog } from '../log/partition-log.ts';
import type { RemovedSegments } from '../log/segment-work.ts';
import { hasClockJumped } from './retention.ts';

export interface RetentionSweepOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly checkMs: number;
  logs(): Iterable<PartitionLog>;
  /** Files that are renamed and may go in `delayMs`. */
  removeLater(paths: readonly string[], delayMs: number): void;
}

const LOGS_PARALLEL_MAX = 16;
/** Of one log; the rest follows in later turns. */
const SEGMENTS_PER_TURN_MAX = 4;

export class RetentionSweep {
  readonly #options: RetentionSweepOptions;
  #lastLook: Instant;
  #isStopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: RetentionSweepOptions) {
    this.#options = options;
    this.#lastLook = options.clock.now();
  }

  /** Goes through all logs once. Never rejects. */
  run(): Promise<void> {
    this.#running = this.#sweep();
    return this.#running;
  }

  /** Begins nothing new; resolves when what is under way has ended. */
  stop(): Promise<void> {
    this.#isStopped = true;
    return this.#running;
  }

  async #sweep(): Promise<void> {
    const { clock, logger, checkMs } = this.#options;
    const now = clock.now();
    const usesTime = !hasClockJumped(this.#lastLook, now, checkMs);
    if (!usesTime) logger.warn('The wall clock was set forward: nothing is deleted by its age before the next check');
    this.#lastLook = now;
    const logs = [...this.#options.logs()].filter((log) => log.isConfigured);
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < logs.length && !this.#isStopped) {
        await this.#sweepLog(logs[next++], usesTime);
        await this.#turn();
      }
    };
    await Promise.all(Array.from({ length: Math.min(LOGS_PARALLEL_MAX, logs.length) }, worker));
  }

  async #sweepLog(log: PartitionLog, usesTime: boolean): Promise<void> {
    const { clock, logger } = this.#options;
    try {
      while (!this.#isStopped) {
        const removed = await log.segmentWork.retain(clock.now().wallMs, usesTime, SEGMENTS_PER_TURN_MAX);
        if (removed === undefined) return;
        this.#report(log, removed);
        await this.#turn();
      }
    } catch (error) {
      if (log.isClosed) return;
      logger.warn({ folder: log.folder }, `Old segments of ${log.folder} could not be deleted: ${errorText(error)}`);
    }
  }

  #report(log: PartitionLog, { paths, reasons, sizeInBytes, logStartOffset }: RemovedSegments): void {
    const { logger, removeLater } = this.#options;
    removeLater(paths, log.config['file.delete.delay.ms']);
    const count = reasons.length;
    logger.info(
      { folder: log.folder, reasons, sizeInBytes, logStartOffset },
      `Deleted ${count === 1 ? 'a segment' : `${count} segments`} below offset ${logStartOffset} of ${log.folder}`,
    );
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#options.clock.nextTurn(resolve));
  }
}
