/** Writes chunks whole on top of a write that may take only a part of them, as `writev` of every system may. */

/** Writes as much of `chunks`, back to back from `position` on, as it can; returns the bytes written. Throws when it can write none. */
export type PartialWrite = (chunks: readonly Buffer[], position: number) => number;

/** IOV_MAX of Linux and macOS: one writev takes no more chunks than this. */
const CHUNKS_PER_WRITE_MAX = 1024;

/** A short write is followed by another one, which then tells why (ENOSPC). */
export function writeAll(write: PartialWrite, chunks: readonly Buffer[], position: number): void {
  let index = 0;
  let skip = 0;
  let at = position;
  while (index < chunks.length) {
    const isAll = at === position && chunks.length <= CHUNKS_PER_WRITE_MAX;
    let written = write(isAll ? chunks : chunksFrom(chunks, index, skip), at);
    at += written;
    written += skip;
    while (index < chunks.length && written >= chunks[index].length) written -= chunks[index++].length;
    skip = written;
  }
}

/** What the next write takes, `skip` bytes of whose first chunk are written. */
function chunksFrom(chunks: readonly Buffer[], index: number, skip: number): Buffer[] {
  const next = chunks.slice(index, index + CHUNKS_PER_WRITE_MAX);
  if (skip > 0) next[0] = next[0].subarray(skip);
  return next;
}
