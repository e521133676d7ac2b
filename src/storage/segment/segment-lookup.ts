/**
 * Finds the place of an offset in a segment where nothing is believed unread: from an index entry that names the batch it leads to,
 * through batches that are all verified, past damage. So it can tell a damaged index from a damaged log, and the damaged offsets from
 * their neighbours.
 */
import { BATCH_HEADER_BYTES } from '#protocol';
import { baseOffsetAt, lastOffsetAt, MAGIC, MAGIC_POSITION, PLACE_BYTES } from './batch-frame.ts';
import { type DamagedPlace, scanThrough } from './batch-scan.ts';
import type { OffsetIndex } from './offset-index.ts';
import type { Segment } from './segment.ts';

export type Location =
  /** The batch that holds the offset, or the first one after it. */
  | { readonly kind: 'batch'; readonly position: number; readonly baseOffset: number }
  | { readonly kind: 'damage'; readonly place: DamagedPlace }
  /** The segment ends below the offset. */
  | { readonly kind: 'end'; readonly nextOffset: number };

export interface Lookup {
  readonly location: Location;
  /** All that was found on the way. */
  readonly places: readonly DamagedPlace[];
  /** The index led somewhere else though the log is right there. */
  readonly isIndexWrong: boolean;
}

export interface Anchor {
  /** Of a batch. */
  readonly position: number;
  readonly baseOffset: number;
  /** Index entries that were nearer and name no batch. */
  readonly wrongCount: number;
}

/** So many entries are tried; behind them the segment is read from its start. */
const ENTRIES_TRIED_MAX = 8;

/** @param endOffset where the segment ends. Its indexes must be there. */
export async function lookUp(segment: Segment, offset: number, endOffset: number): Promise<Lookup> {
  const anchor = await anchorOf(segment, segment.indexes?.offsets, offset);
  const places: DamagedPlace[] = [];
  let location: Location | undefined;
  const range = { position: anchor.position, endPosition: segment.writtenBytes, nextOffset: anchor.baseOffset };
  const end = await scanThrough(
    segment.file(),
    { ...range, endOffset },
    (buffer, at, _, position) => {
      if (lastOffsetAt(buffer, at) < offset) return false;
      location = { kind: 'batch', position, baseOffset: baseOffsetAt(buffer, at) };
      return true;
    },
    (place) => {
      places.push(place);
      if (place.endOffset > offset) location = { kind: 'damage', place };
      return location !== undefined;
    },
  );
  location ??= { kind: 'end', nextOffset: end.nextOffset };
  return { location, places, isIndexWrong: anchor.wrongCount > 0 && places.length === 0 };
}

/** The nearest batch at or below `offset` that `index` names rightly; the start of the segment when there is none. */
export async function anchorOf(segment: Segment, index: OffsetIndex | undefined, offset: number): Promise<Anchor> {
  const head = Buffer.alloc(PLACE_BYTES);
  for (let wrongCount = 0; wrongCount < ENTRIES_TRIED_MAX; wrongCount++) {
    const entry = index?.floorEntry(offset, wrongCount);
    if (entry === undefined) return { position: 0, baseOffset: segment.baseOffset, wrongCount };
    const isThere = entry.position + BATCH_HEADER_BYTES <= segment.writtenBytes;
    const bytesRead = isThere ? await segment.file().read(head, entry.position) : 0;
    const isNamed =
      bytesRead === head.length && head[MAGIC_POSITION] === MAGIC && lastOffsetAt(head, 0) === entry.offset;
    const baseOffset = baseOffsetAt(head, 0);
    if (isNamed && baseOffset >= segment.baseOffset && baseOffset <= entry.offset)
      return { position: entry.position, baseOffset, wrongCount };
  }
  return { position: 0, baseOffset: segment.baseOffset, wrongCount: ENTRIES_TRIED_MAX };
}
