/**
 * One limit for the bytes that all logs of a directory keep in memory. When it is exceeded, whoever was used longest ago gives
 * up bytes first.
 */
import { RecencyList, type Recent } from '#core';

export interface MemoryHolder extends Recent<MemoryHolder> {
  readonly heldBytes: number;
  /** Gives up its oldest bytes and returns how many; 0 when there are none that it may give now. */
  shed(): number;
}

export class MemoryBudget {
  readonly bytesMax: number;
  #heldBytes = 0;
  readonly #holders = new RecencyList<MemoryHolder>();

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** `holder` has taken `bytes` more: others, and at last the holder itself, shed what is over the limit. */
  take(holder: MemoryHolder, bytes: number): void {
    this.#heldBytes += bytes;
    this.#holders.touch(holder);
    if (this.#heldBytes > this.bytesMax) this.trim();
  }

  /** Sheds what is over the limit, as far as holders may. */
  trim(): void {
    for (let holder = this.#holders.oldest; holder !== undefined; ) {
      const { newer }: MemoryHolder = holder;
      while (this.#heldBytes > this.bytesMax) {
        const shedBytes = holder.shed();
        this.#heldBytes -= shedBytes;
        if (shedBytes === 0) break;
      }
      if (holder.heldBytes === 0) this.#holders.remove(holder);
      if (this.#heldBytes <= this.bytesMax) return;
      holder = newer;
    }
  }

  /** `holder` gave up `bytes` of its own accord. */
  give(bytes: number): void {
    this.#heldBytes -= bytes;
  }

  /** `holder` is gone, and with it the last `bytes`. */
  leave(holder: MemoryHolder, bytes: number): void {
    this.#holders.remove(holder);
    this.#heldBytes -= bytes;
  }
}
