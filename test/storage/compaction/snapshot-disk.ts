/** A simulated disk that keeps, from before every change, what a power cut and what `kill -9` would leave. */
import { type Disk, type DiskFile, type SimulatedDisk, simulatedDisk } from '#storage';

export interface CutPoint {
  /** The change that did not happen any more. */
  readonly step: string;
  readonly crashed: SimulatedDisk;
  readonly killed: SimulatedDisk;
}

export class SnapshotDisk implements Disk {
  readonly below: SimulatedDisk = simulatedDisk();
  readonly cutPoints: CutPoint[] = [];
  isRecording = false;

  openSync(path: string, options: { create: boolean }): DiskFile {
    if (options.create) this.#before('open', path);
    const file = this.below.openSync(path, options);
    return {
      path,
      sizeSync: () => file.sizeSync(),
      read: (into, position) => file.read(into, position),
      readSync: (into, position) => file.readSync(into, position),
      writeSync: (chunks, position) => {
        this.#before('write', path);
        file.writeSync(chunks, position);
      },
      truncateSync: (sizeInBytes) => {
        this.#before('truncate', path);
        file.truncateSync(sizeInBytes);
      },
      sync: () => {
        this.#before('sync', path);
        return file.sync();
      },
      close: () => file.close(),
    };
  }

  readFile(path: string) {
    return this.below.readFile(path);
  }

  list(path: string) {
    return this.below.list(path);
  }

  makeDirectorySync(path: string): number {
    return this.below.makeDirectorySync(path);
  }

  rename(from: string, to: string): Promise<void> {
    this.#before('rename', `${from} to ${to}`);
    return this.below.rename(from, to);
  }

  remove(path: string): Promise<void> {
    this.#before('remove', path);
    return this.below.remove(path);
  }

  syncDirectory(path: string): Promise<void> {
    this.#before('syncDirectory', path);
    return this.below.syncDirectory(path);
  }

  lock(path: string) {
    return this.below.lock(path);
  }

  #before(step: string, path: string): void {
    if (!this.isRecording) return;
    // What survives of that which was not synced differs from one cut to the next.
    const crashed = this.below.crash(this.cutPoints.length);
    this.cutPoints.push({ step: `${step} ${path}`, crashed, killed: this.below.kill() });
  }
}
