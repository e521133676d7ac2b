/**
 * The leader epochs of a log and their file. The file follows when a segment is finished and when the log is closed: epochs that are
 * newer have their records in the last segment, which a start after a crash reads anyway. So a start that leads every partition anew,
 * or the first record of each of a thousand partitions, writes no files.
 */
import { AtomicFile } from '../directory/atomic-file.ts';
import { formatEpochs } from '../directory/checkpoint-format.ts';
import { isShortage } from '../directory/shortage.ts';
import { EPOCH_FILE, type RestoredEpochs } from '../recovery/log-state.ts';
import type { LeaderEpochs } from './leader-epochs.ts';
import type { LogHome } from './log-home.ts';

export class EpochStore {
  readonly epochs: LeaderEpochs;
  readonly #home: LogHome;
  readonly #file: AtomicFile;
  #isStopped = false;
  /** The file lacks the latest epochs. */
  #isBehind: boolean;

  constructor(home: LogHome, folder: string, { epochs, areStored }: RestoredEpochs) {
    this.epochs = epochs;
    this.#isBehind = !areStored;
    this.#home = home;
    this.#file = new AtomicFile(home.disk, folder, EPOCH_FILE);
  }

  /** A leader with this epoch writes from `startOffset` on. */
  assign(leaderEpoch: number, startOffset: number): void {
    if (this.epochs.assign(leaderEpoch, startOffset)) this.#isBehind = true;
  }

  /** Has the file say all that is known, in the background. */
  store(): void {
    if (this.#isBehind) this.#store();
  }

  truncateFromStart(startOffset: number): void {
    if (this.epochs.truncateFromStart(startOffset)) this.#store();
  }

  truncateFromEnd(endOffset: number): void {
    if (this.epochs.truncateFromEnd(endOffset)) this.#store();
  }

  /** Resolves when what `store` asked for is durable. */
  settled(): Promise<void> {
    return this.#file.settled();
  }

  /** What goes wrong from now on is nobody's concern. */
  stop(): void {
    this.#isStopped = true;
  }

  #store(): void {
    this.#isBehind = false;
    this.#file.write(formatEpochs(this.epochs.entries)).catch((error: unknown) => {
      if (this.#isStopped) return;
      if (isShortage(error)) this.#home.shortage.began(error);
      else this.#home.fail(error);
    });
  }
}
