/** The segments of a log in order of their base offsets; the last one is written to. */
import { assert } from '#core';
import type { Segment } from './segment.ts';

export class SegmentList {
  #segments: Segment[];
  #changeCount = 0;

  constructor(segments: readonly Segment[]) {
    this.#segments = [...segments];
  }

  get all(): readonly Segment[] {
    return this.#segments;
  }

  /** Grows when segments are taken out or replaced. */
  get changeCount(): number {
    return this.#changeCount;
  }

  get first(): Segment {
    return this.#segments[0];
  }

  get active(): Segment {
    return this.#segments[this.#segments.length - 1];
  }

  get sizeInBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.sizeInBytes, 0);
  }

  add(segment: Segment): void {
    assert(
      this.#segments.length === 0 || segment.baseOffset > this.active.baseOffset,
      `segment ${segment.baseOffset} does not come after the last one`,
    );
    this.#segments.push(segment);
  }

  has(segment: Segment): boolean {
    return this.#segments[this.#floorIndex(segment.baseOffset)] === segment;
  }

  /** Takes the oldest ones out, but never the last. Readers that hold `all` keep what they hold. */
  removeFirst(count: number): Segment[] {
    assert(count < this.#segments.length, `cannot take ${count} of ${this.#segments.length} segments`);
    const removed = this.#segments.slice(0, count);
    this.#changeCount++;
    this.#segments = this.#segments.slice(count);
    return removed;
  }

  /** The last segment that begins at or below `offset`; the first one when all begin above. */
  floor(offset: number): Segment | undefined {
    return this.#segments[Math.max(0, this.#floorIndex(offset))];
  }

  /** The one that may hold `offset`, and all behind it. */
  *from(offset: number): Generator<Segment, void> {
    const segments = this.#segments;
    for (let index = Math.max(0, this.#floorIndex(offset)); index < segments.length; index++) yield segments[index];
  }

  /** The next one; for a segment that is no longer in the list, the one that took its place. */
  after(segment: Segment): Segment | undefined {
    const index = this.#floorIndex(segment.baseOffset);
    return this.#segments[index] === segment || index < 0 ? this.#segments[index + 1] : this.#segments[index];
  }

  /** Whether `segments` are in the list, one behind the other, and the last one is not the active one. */
  holds(segments: readonly Segment[]): boolean {
    const first = this.#segments.indexOf(segments[0]);
    if (first < 0 || first + segments.length >= this.#segments.length) return false;
    return segments.every((segment, index) => this.#segments[first + index] === segment);
  }

  /** Puts `fresh`, which has the base offset of the first, in the place of `replaced`. */
  replace(replaced: readonly Segment[], fresh: Segment): void {
    assert(
      this.holds(replaced) && fresh.baseOffset === replaced[0].baseOffset,
      'segments that are replaced are in the log',
    );
    const first = this.#segments.indexOf(replaced[0]);
    this.#changeCount++;
    this.#segments = this.#segments.toSpliced(first, replaced.length, fresh);
  }

  /** Where `segment` ends: the base of the next one, or `logEndOffset`. */
  endOffsetOf(segment: Segment, logEndOffset: number): number {
    return this.after(segment)?.baseOffset ?? logEndOffset;
  }

  #floorIndex(offset: number): number {
    let low = 0;
    let high = this.#segments.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      if (this.#segments[middle].baseOffset <= offset) low = middle + 1;
      else high = middle - 1;
    }
    return high;
  }
}
