/** The leader epochs of a log and their file, which follows every change in the background: the epochs are in the batches too. */
import { AtomicFile } from './atomic-file.ts';
import { formatEpochs } from './checkpoint-format.ts';
import type { LeaderEpochs } from './leader-epochs.ts';
import type { LogHome } from './log-home.ts';
import { EPOCH_FILE } from './log-state.ts';
import { isShortage } from './shortage.ts';

export class EpochStore {
  readonly epochs: LeaderEpochs;
  readonly #home: LogHome;
  readonly #file: AtomicFile;
  #isStopped = false;

  constructor(home: LogHome, folder: string, epochs: LeaderEpochs) {
    this.epochs = epochs;
    this.#home = home;
    this.#file = new AtomicFile(home.disk, folder, EPOCH_FILE);
  }

  /** A leader with this epoch begins to write at `startOffset`. */
  assign(leaderEpoch: number, startOffset: number): void {
    if (this.epochs.assign(leaderEpoch, startOffset)) this.#store();
  }

  truncateFromStart(startOffset: number): void {
    if (this.epochs.truncateFromStart(startOffset)) this.#store();
  }

  truncateFromEnd(endOffset: number): void {
    if (this.epochs.truncateFromEnd(endOffset)) this.#store();
  }

  /** Resolves when the file is as new as the log. */
  settled(): Promise<void> {
    return this.#file.settled();
  }

  /** What goes wrong from now on is nobody's concern. */
  stop(): void {
    this.#isStopped = true;
  }

  #store(): void {
    this.#file.write(formatEpochs(this.epochs.entries)).catch((error: unknown) => {
      if (this.#isStopped) return;
      if (isShortage(error)) this.#home.shortage.began(error);
      else this.#home.fail(error);
    });
  }
}
