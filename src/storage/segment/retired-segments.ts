/** Segments that are out of the log: reads that had begun may finish, and after `file.delete.delay.ms` their files are removed. */
import { errorText, type Timer } from '#core';
import type { LogHome } from '../log/log-home.ts';
import {
  INDEX_SUFFIX,
  LOG_SUFFIX,
  SNAPSHOT_SUFFIX,
  segmentFileName,
  TIME_INDEX_SUFFIX,
  TXN_INDEX_SUFFIX,
} from './file-names.ts';
import type { Segment } from './segment.ts';

/** Reads by handles that are to be closed get this long at least. */
const READ_MS = 1_000;
const FILE_SUFFIXES = [LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX];

export class RetiredSegments {
  readonly #home: Pick<LogHome, 'budget' | 'clock' | 'disk' | 'logger'>;
  readonly #waiting = new Map<Segment, { readonly timer: Timer; readonly segments: readonly Segment[] }>();

  constructor(home: Pick<LogHome, 'budget' | 'clock' | 'disk' | 'logger'>) {
    this.#home = home;
  }

  /** `segments`, whose files have their `.deleted` names, gave way to `fresh`: they are closed and removed after `delayMs`. */
  add(segments: readonly Segment[], fresh: Segment, delayMs: number): void {
    const { clock, logger } = this.#home;
    const remove = (): void => {
      this.#waiting.delete(fresh);
      this.#remove(segments, fresh).catch((error: unknown) => {
        logger.warn({ folder: fresh.folder }, `Replaced segments could not be removed: ${errorText(error)}`);
      });
    };
    const timer = clock.setTimer(Math.max(delayMs, READ_MS), remove, { unref: true });
    this.#waiting.set(fresh, { timer, segments });
  }

  /** Closes all that wait; their files are removed by the next start. */
  clear(): void {
    for (const { timer, segments } of this.#waiting.values()) {
      timer.cancel();
      for (const segment of segments) this.#close(segment);
    }
    this.#waiting.clear();
  }

  #close(segment: Segment): void {
    segment.close();
    this.#home.budget.leave(segment, segment.shed());
  }

  /** With the producer snapshots of those whose base offset is no segment's any more. */
  async #remove(segments: readonly Segment[], fresh: Segment): Promise<void> {
    const { disk } = this.#home;
    for (const segment of segments) {
      this.#close(segment);
      for (const suffix of FILE_SUFFIXES) await disk.remove(segment.path(suffix));
      if (segment.baseOffset === fresh.baseOffset) continue;
      await disk.remove(`${segment.folder}/${segmentFileName(segment.baseOffset, SNAPSHOT_SUFFIX)}`);
    }
  }
}
