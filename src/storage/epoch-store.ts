/**
 * The leader epochs of a log and their file, which follows in the background: the epochs are in the batches too. An epoch is in the
 * file once it has a record; one that has none gives way to the next one anyway, so a start that leads every partition anew writes
 * nothing.
 */
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
  /** The latest epoch is not in the file: nothing was written in it. */
  #isAnnounced = false;

  constructor(home: LogHome, folder: string, epochs: LeaderEpochs) {
    this.epochs = epochs;
    this.#home = home;
    this.#file = new AtomicFile(home.disk, folder, EPOCH_FILE);
  }

  /** A leader with this epoch is about to write at `startOffset`. */
  announce(leaderEpoch: number, startOffset: number): void {
    if (this.epochs.assign(leaderEpoch, startOffset)) this.#isAnnounced = true;
  }

  /** A batch with this epoch is appended at `baseOffset`. */
  appended(leaderEpoch: number, baseOffset: number): void {
    const isNew = leaderEpoch > (this.epochs.latest?.epoch ?? -1);
    if (isNew) this.epochs.assign(leaderEpoch, baseOffset);
    if (isNew || this.#isAnnounced) this.#store();
  }

  /** Has the file say all that is known. */
  storeAnnounced(): void {
    if (this.#isAnnounced) this.#store();
  }

  truncateFromStart(startOffset: number): void {
    if (this.epochs.truncateFromStart(startOffset)) this.#store();
  }

  truncateFromEnd(endOffset: number): void {
    if (this.epochs.truncateFromEnd(endOffset)) this.#store();
  }

  /** Resolves when the file has the epochs of all records. */
  settled(): Promise<void> {
    return this.#file.settled();
  }

  /** What goes wrong from now on is nobody's concern. */
  stop(): void {
    this.#isStopped = true;
  }

  #store(): void {
    this.#isAnnounced = false;
    this.#file.write(formatEpochs(this.epochs.entries)).catch((error: unknown) => {
      if (this.#isStopped) return;
      if (isShortage(error)) this.#home.shortage.began(error);
      else this.#home.fail(error);
    });
  }
}
