/**
 * Which leader epoch wrote which offsets of a log: the content of `leader-epoch-checkpoint`. Epochs and start offsets both grow
 * strictly. ◇
 * @see KIP-101, KIP-279
 */
import { assert } from '#core';
import type { EpochEntry } from '../directory/checkpoint-format.ts';

export interface EpochEnd {
  readonly epoch: number;
  readonly endOffset: number;
}

export class LeaderEpochs {
  #entries: EpochEntry[];

  constructor(entries: readonly EpochEntry[] = []) {
    this.#entries = [];
    for (const entry of entries) this.assign(entry.epoch, entry.startOffset);
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries;
  }

  get latest(): EpochEntry | undefined {
    return this.#entries.at(-1);
  }

  /**
   * Notes that `epoch` writes from `startOffset` on. Entries that this contradicts (a later epoch, or no offset of their own) go
   * away. Returns whether anything changed.
   */
  assign(epoch: number, startOffset: number): boolean {
    assert(epoch >= 0 && startOffset >= 0, `leader epoch ${epoch} cannot start at offset ${startOffset}`);
    const latest = this.latest;
    if (latest !== undefined && latest.epoch === epoch && latest.startOffset <= startOffset) return false;
    this.#entries = this.#entries.filter((entry) => entry.epoch < epoch && entry.startOffset < startOffset);
    this.#entries.push({ epoch, startOffset });
    return true;
  }

  /** The epoch of the record at `offset`, undefined below the first entry. */
  epochAt(offset: number): number | undefined {
    return this.#entries.findLast((entry) => entry.startOffset <= offset)?.epoch;
  }

  /**
   * Where `epoch` ended: the largest epoch known that is not above it, and the offset after its last record. Undefined for an
   * epoch that is above all known ones.
   */
  endOffsetFor(epoch: number, logStartOffset: number, logEndOffset: number): EpochEnd | undefined {
    const latest = this.latest;
    if (latest === undefined || epoch > latest.epoch) return undefined;
    if (epoch === latest.epoch) return { epoch, endOffset: logEndOffset };
    const index = this.#entries.findLastIndex((entry) => entry.epoch <= epoch);
    if (index < 0) return { epoch, endOffset: Math.max(this.#entries[0].startOffset, logStartOffset) };
    return { epoch: this.#entries[index].epoch, endOffset: this.#entries[index + 1].startOffset };
  }

  /** Forgets what lies at or after `endOffset`. Returns whether anything changed. */
  truncateFromEnd(endOffset: number): boolean {
    const kept = this.#entries.filter((entry) => entry.startOffset < endOffset);
    const isChanged = kept.length !== this.#entries.length;
    this.#entries = kept;
    return isChanged;
  }

  /** Forgets what lies before `startOffset`; the epoch that spans it starts there from now on. */
  truncateFromStart(startOffset: number): boolean {
    const spanning = this.#entries.findLastIndex((entry) => entry.startOffset <= startOffset);
    if (spanning < 0 || (spanning === 0 && this.#entries[0].startOffset === startOffset)) return false;
    const [first, ...rest] = this.#entries.slice(spanning);
    this.#entries = [{ epoch: first.epoch, startOffset }, ...rest];
    return true;
  }
}
