/**
 * The records of a log on their way to who hears of those that are committed: in order, each once, though a machine that is discarded and
 * loaded again replays them all.
 */
interface HeldRecord<R> {
  readonly record: R;
  readonly offset: number;
}

export class CommittedRecords<R> {
  readonly #committed: ((record: R, offset: number) => void) | undefined;
  #held: HeldRecord<R>[] = [];
  /** Offset up to which `committed` was told. */
  #toldEndOffset = 0;

  /** @param committed undefined: nobody wants to hear */
  constructor(committed: ((record: R, offset: number) => void) | undefined) {
    this.#committed = committed;
  }

  hold(record: R, offset: number): void {
    if (this.#committed !== undefined) this.#held.push({ record, offset });
  }

  release(highWatermark: number): void {
    let count = 0;
    while (count < this.#held.length && this.#held[count].offset < highWatermark) count++;
    if (count === 0) return;
    // Taken out first: whoever hears of a record may append another, and come here again.
    for (const { record, offset } of this.#held.splice(0, count)) {
      if (offset < this.#toldEndOffset) continue;
      this.#toldEndOffset = offset + 1;
      this.#committed?.(record, offset);
    }
  }

  discard(): void {
    this.#held = [];
  }
}
