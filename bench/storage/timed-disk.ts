/** A disk that notes how long its syncs of files take: each one, and each group, from the first that begins to the last that ends. */
import { type Disk, type DiskFile, nodeDisk } from '#storage';

export class SyncTimes {
  fileMs: number[] = [];
  groupMs: number[] = [];
  #runningCount = 0;
  #groupStartMs = 0;

  clear(): void {
    this.fileMs = [];
    this.groupMs = [];
  }

  async time(sync: () => Promise<void>): Promise<void> {
    const startMs = performance.now();
    if (this.#runningCount++ === 0) this.#groupStartMs = startMs;
    await sync();
    const endMs = performance.now();
    this.fileMs.push(endMs - startMs);
    if (--this.#runningCount === 0) this.groupMs.push(endMs - this.#groupStartMs);
  }
}

export function timedDisk(times: SyncTimes): Disk {
  const disk = nodeDisk();
  return { ...disk, openSync: (path, options) => timedFile(disk.openSync(path, options), times) };
}

function timedFile(file: DiskFile, times: SyncTimes): DiskFile {
  return {
    path: file.path,
    sizeSync: () => file.sizeSync(),
    read: (into, position) => file.read(into, position),
    readSync: (into, position) => file.readSync(into, position),
    writeSync: (chunks, position) => file.writeSync(chunks, position),
    truncateSync: (sizeInBytes) => file.truncateSync(sizeInBytes),
    sync: () => times.time(() => file.sync()),
    close: () => file.close(),
  };
}
