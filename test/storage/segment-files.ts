/** Looks at segment files behind the engine's back. */
import { batches } from '#protocol';
import type { Disk, PartitionLog } from '#storage';

export interface FoundBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly position: number;
}

/** The batches of a log, through its own reads. */
export async function readBatches(log: PartitionLog): Promise<FoundBatch[]> {
  const found: FoundBatch[] = [];
  for await (const chunk of log.readAll(log.logStartOffset, log.durableEndOffset)) {
    for (const { position, header } of batches(chunk))
      found.push({ baseOffset: header.baseOffset, lastOffset: header.lastOffset, position });
  }
  return found;
}

/** Throws when an entry of an index file of a segment that is not written to any more does not name the batch at its position. */
export async function checkIndexFiles(disk: Disk, log: PartitionLog): Promise<void> {
  const names = (await disk.list(log.folder)).map(({ name }) => name).sort();
  const logs = names.filter((name) => name.endsWith('.log'));
  for (const name of logs.slice(0, -1)) {
    const base = Number(name.slice(0, 20));
    const content = (await disk.readFile(`${log.folder}/${name}`)) ?? Buffer.alloc(0);
    const found = new Map<number, FoundBatch>();
    for (const { position, header } of batches(content)) {
      found.set(position, { baseOffset: header.baseOffset, lastOffset: header.lastOffset, position });
    }
    const index = (await disk.readFile(`${log.folder}/${name.replace('.log', '.index')}`)) ?? Buffer.alloc(0);
    for (let at = 0; at + 8 <= index.length; at += 8) {
      const lastOffset = base + index.readInt32BE(at);
      const position = index.readInt32BE(at + 4);
      // No batch at position 0 is indexed: such an entry is padding, which a cut before the sync of the file may leave.
      if (position > 0 && found.get(position)?.lastOffset !== lastOffset)
        throw new Error(`${log.folder}/${name}: the index says ${lastOffset} at ${position}, where it is not`);
    }
  }
}
