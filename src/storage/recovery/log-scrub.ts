/**
 * Reads the closed segments of a directory, slowly and again and again, so that damage is found before somebody needs what is damaged.
 * What is found is told once and from then on known to readers (`DamageBook`). One piece of one segment is in memory at a time; between
 * two of them everyone else has a turn, and as long as the rate asks for it nothing is read. Where it has come to is not stored: each
 * start begins a round, at any log.
 */
import { type Clock, errorText, type Logger, type Random } from '#core';
import { isStop, Pace, pause } from '../compaction/pace.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import type { Segment } from '../segment/segment.ts';

export interface ScrubOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: Random;
  readonly bytesPerSecondMax: number;
  logs(): Iterable<PartitionLog>;
}

/** A start has enough to do. */
const FIRST_PAUSE_MS = 60_000;
/** A round that is done sooner waits for the next day. */
const ROUND_MS_MIN = 86_400_000;

export class LogScrub {
  readonly #options: ScrubOptions;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  /** Segments that the disk could not read, and told so. */
  readonly #unreadable = new WeakSet<Segment>();

  /** Begins with a pause. */
  constructor(options: ScrubOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Ends what is under way; resolves when nothing is. Idempotent. */
  stop(): Promise<void> {
    this.#stopping.abort();
    return this.#running;
  }

  async #run(): Promise<void> {
    const { clock, bytesPerSecondMax } = this.#options;
    const { signal } = this.#stopping;
    const pace = new Pace({ clock, bytesPerSecondMax, signal });
    let pauseMs = FIRST_PAUSE_MS;
    try {
      while (!signal.aborted) {
        await pause(clock, pauseMs, signal);
        const { monotonicMs } = clock.now();
        await this.#round(pace);
        pauseMs = Math.max(FIRST_PAUSE_MS, ROUND_MS_MIN - (clock.now().monotonicMs - monotonicMs));
      }
    } catch (error) {
      if (!isStop(error)) throw error;
    }
  }

  async #round(pace: Pace): Promise<void> {
    const logs = [...this.#options.logs()];
    const first = Math.floor(this.#options.random.float() * logs.length);
    for (const log of [...logs.slice(first), ...logs.slice(0, first)]) {
      for (const segment of log.closedSegments) {
        if (this.#stopping.signal.aborted) return;
        if (!log.isClosed) await this.#verify(log, segment, pace);
      }
    }
  }

  async #verify(log: PartitionLog, segment: Segment, pace: Pace): Promise<void> {
    try {
      await log.segmentWork.verify(segment, (bytes) => pace.spent(bytes));
    } catch (error) {
      if (isStop(error)) throw error;
      const isGone = log.isClosed || !log.closedSegments.includes(segment);
      if (isGone || this.#unreadable.has(segment)) return;
      this.#unreadable.add(segment);
      this.#options.logger.error(
        { log: log.name },
        `A closed segment of ${log.name} cannot be read: ${errorText(error)}`,
      );
    }
  }
}
