/** What a log directory does in the background: rounds that come again, and files that are removed later. */
import { type Clock, errorText, type Logger, type Timer } from '#core';
import type { Disk } from '../disk/disk.ts';

export interface ChoresOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Nothing new is begun once it says no. */
  readonly isServing: () => boolean;
  /** Hears why a round failed; the next one comes nevertheless, while the directory serves. */
  readonly failed: (error: unknown) => void;
}

export class DirectoryChores {
  readonly #options: ChoresOptions;
  #rounds: Timer[] = [];
  readonly #removals = new Set<Timer>();

  constructor(options: ChoresOptions) {
    this.#options = options;
  }

  /** The next round is timed when the last one has ended. */
  every(delayMs: number, run: () => Promise<void>): void {
    const { clock, failed, isServing } = this.#options;
    const index = this.#rounds.length;
    const start = (): void => {
      this.#rounds[index] = clock.setTimer(delayMs, fire, { unref: true });
    };
    const fire = (): void => {
      run()
        .catch(failed)
        .finally(() => {
          if (isServing()) start();
        });
    };
    start();
  }

  /** Whoever asks while the directory closes leaves them to the next start. */
  removeLater(paths: readonly string[], delayMs: number): void {
    if (!this.#options.isServing()) return;
    const remove = (): void => {
      this.#removals.delete(timer);
      void this.removeNow(paths);
    };
    const timer = this.#options.clock.setTimer(delayMs, remove, { unref: true });
    this.#removals.add(timer);
  }

  /** One after the other: to remove a large file keeps a disk busy. Never rejects. */
  async removeNow(paths: readonly string[]): Promise<void> {
    const { disk, logger } = this.#options;
    for (const path of paths) {
      try {
        await disk.remove(path);
      } catch (error) {
        logger.warn({ path }, `Deleted files could not be removed: ${errorText(error)}`);
      }
    }
  }

  cancel(): void {
    for (const timer of [...this.#rounds, ...this.#removals]) timer.cancel();
    this.#removals.clear();
  }
}
