/**
 * What of a log is known to be damaged, in memory: reads of these offsets are answered without looking again, and each place is told
 * once. Whoever reads a log (consumers, recovery, the scrub) writes into it. ◇
 */
import type { DamagedPlace } from '../segment/batch-scan.ts';

export interface DamagedRange extends DamagedPlace {
  /** The `.log` file. */
  readonly file: string;
}

/** Those that were found first are forgotten then, and found again by whoever reads there. */
const RANGES_MAX = 1000;

export class DamageBook {
  /** By start offset; the same offsets may be found more than once as more is known. */
  readonly #ranges = new Map<number, DamagedRange>();

  constructor(ranges: readonly DamagedRange[] = []) {
    for (const range of ranges) this.note(range);
  }

  get ranges(): readonly DamagedRange[] {
    return [...this.#ranges.values()].sort((a, b) => a.startOffset - b.startOffset);
  }

  get count(): number {
    return this.#ranges.size;
  }

  /** Whether this is news. */
  note(range: DamagedRange): boolean {
    const known = this.#ranges.get(range.startOffset);
    if (known?.file === range.file && known.endOffset === range.endOffset) return false;
    this.#ranges.delete(range.startOffset);
    this.#ranges.set(range.startOffset, range);
    if (this.#ranges.size > RANGES_MAX) this.#ranges.delete(this.#ranges.keys().next().value as number);
    return true;
  }

  /** The damage that `offset` lies in. */
  at(offset: number): DamagedRange | undefined {
    if (this.#ranges.size === 0) return undefined;
    for (const range of this.#ranges.values()) {
      if (range.startOffset <= offset && offset < range.endOffset) return range;
    }
    return undefined;
  }

  /** Whether anything from `startOffset` on and below `endOffset` is damaged. */
  touches(startOffset: number, endOffset: number): boolean {
    for (const range of this.#ranges.values())
      if (range.startOffset < endOffset && startOffset < range.endOffset) return true;
    return false;
  }

  /** Nothing below `offset` is in the log any more. */
  forgetBelow(offset: number): void {
    for (const [start, range] of this.#ranges) if (range.endOffset <= offset) this.#ranges.delete(start);
  }
}

/** `00000000000000000000.log is damaged at position 812 (offsets 4 to 6): a wrong checksum`. */
export function damageText({ file, position, startOffset, endOffset, damage }: DamagedRange): string {
  const name = file.slice(file.lastIndexOf('/') + 1);
  const offsets =
    endOffset - startOffset === 1 ? `offset ${startOffset}` : `offsets ${startOffset} to ${endOffset - 1}`;
  return `${name} is damaged at position ${position} (${offsets}): ${damage}`;
}

/** What to tell who can do something about a log in `folder`. */
export function remedyText(folder: string): string {
  const end = folder.lastIndexOf('/');
  const parent = folder.slice(0, end);
  // As a shell takes it.
  const quoted = /^[\w./:@-]+$/.test(parent) ? parent : `'${parent.replaceAll("'", "'\\''")}'`;
  return `What can be done, with the broker stopped: springtide repair ${quoted} ${folder.slice(end + 1)}`;
}
