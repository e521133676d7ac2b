/**
 * The content of one file of the simulated disk: what programs see, and per sector of 512 bytes what the platter has. Between two
 * syncs the kernel may write any dirty sector at any moment, so a power cut leaves of each sector the synced image or any later
 * one, independent of its neighbours, and any of the sizes the file has had (or, while it grew, one between them). Sectors are
 * written whole or not at all. ◇
 */
import type { Random } from '#core';

export const SECTOR_BYTES = 512;

/** An image of a sector, or a size of the file, and when it came to be. */
interface Version<T> {
  readonly sequence: number;
  readonly value: T;
}

const FIRST_FILE_BYTES = 4096;
const EMPTY = Buffer.alloc(0);

export class SimulatedContent {
  #bytes: Buffer = EMPTY;
  #sizeInBytes = 0;
  #durable: Buffer = EMPTY;
  #durableSize = 0;
  #sequence = 0;
  /** By sector; oldest first. */
  #images = new Map<number, Version<Buffer>[]>();
  #sizes: Version<number>[] = [];

  /** A file whose every byte is durable. */
  static of(bytes: Buffer): SimulatedContent {
    const content = new SimulatedContent();
    content.#bytes = bytes;
    content.#sizeInBytes = bytes.length;
    content.#durable = Buffer.from(bytes);
    content.#durableSize = bytes.length;
    return content;
  }

  get sizeInBytes(): number {
    return this.#sizeInBytes;
  }

  /** What programs see; borrowed until the next write. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#sizeInBytes);
  }

  write(bytes: Buffer, position: number): void {
    if (bytes.length === 0) return;
    this.#bytes = grown(this.#bytes, position + bytes.length);
    bytes.copy(this.#bytes, position);
    const end = position + bytes.length;
    // The size that a failed sync has lost comes with the next bytes that are written there.
    const knownSize = this.#sizes.at(-1)?.value ?? this.#durableSize;
    if (end > this.#sizeInBytes) this.#resize(end);
    else if (end > knownSize) this.#sizes.push({ sequence: ++this.#sequence, value: end });
    this.#dirty(position, end);
  }

  truncate(sizeInBytes: number): void {
    const before = this.#sizeInBytes;
    this.#bytes = grown(this.#bytes, sizeInBytes);
    this.#bytes.fill(0, Math.min(sizeInBytes, before));
    this.#resize(sizeInBytes);
    if (sizeInBytes < before) this.#dirty(sizeInBytes, before);
  }

  /** Begins an fdatasync. What is returned ends it: what was written until now is durable, or (with false) lost. */
  sync(): (isGood: boolean) => void {
    const upTo = this.#sequence;
    return (isGood) => {
      for (const [sector, images] of this.#images) {
        const rest = images.filter(({ sequence }) => sequence > upTo);
        const last = images[images.length - rest.length - 1];
        if (isGood && last !== undefined) this.#store(sector, last.value);
        if (rest.length === 0) this.#images.delete(sector);
        else this.#images.set(sector, rest);
      }
      const size = this.#sizes.findLast(({ sequence }) => sequence <= upTo);
      if (isGood && size !== undefined) this.#durableSize = size.value;
      this.#sizes = this.#sizes.filter(({ sequence }) => sequence > upTo);
    };
  }

  /** What a power cut leaves. Without `random`: nothing that was not synced. */
  afterCrash(random: Random | undefined): Buffer {
    if (random === undefined) return sized(this.#durable, this.#durableSize);
    const left = sized(this.#durable, this.#crashSize(random));
    // Some crashes keep nearly everything and some nearly nothing: both ends have defects of their own.
    const keptShare = [0, 0.1, 0.5, 0.9, 1][random.uint32() % 5];
    for (const [sector, images] of this.#images) {
      if (random.float() >= keptShare) continue;
      const isLatest = random.float() < 0.7;
      const image = images[isLatest ? images.length - 1 : random.uint32() % images.length].value;
      if (sector * SECTOR_BYTES < left.length) image.copy(left, sector * SECTOR_BYTES);
    }
    return left;
  }

  /** Another file that knows the same. */
  clone(): SimulatedContent {
    const copy = SimulatedContent.of(Buffer.from(this.view()));
    copy.#durable = Buffer.from(this.#durable);
    copy.#durableSize = this.#durableSize;
    copy.#sequence = this.#sequence;
    copy.#images = new Map(this.#images);
    copy.#sizes = [...this.#sizes];
    return copy;
  }

  #crashSize(random: Random): number {
    const sizes = [this.#durableSize, ...this.#sizes.map(({ value }) => value)];
    const last = sizes[sizes.length - 1];
    const choice = random.uint32() % 4;
    if (choice === 0) return last;
    if (choice === 1) return sizes[random.uint32() % sizes.length];
    if (choice === 2 || last <= this.#durableSize) return this.#durableSize;
    const size = this.#durableSize + Math.floor(random.float() * (last - this.#durableSize));
    return Math.min(last, Math.ceil(size / SECTOR_BYTES) * SECTOR_BYTES);
  }

  #resize(sizeInBytes: number): void {
    this.#sizeInBytes = sizeInBytes;
    this.#sizes.push({ sequence: ++this.#sequence, value: sizeInBytes });
  }

  #dirty(from: number, to: number): void {
    const sequence = ++this.#sequence;
    for (let sector = Math.floor(from / SECTOR_BYTES); sector * SECTOR_BYTES < to; sector++) {
      const image = sized(this.#bytes.subarray(sector * SECTOR_BYTES), SECTOR_BYTES);
      const images = this.#images.get(sector);
      if (images === undefined) this.#images.set(sector, [{ sequence, value: image }]);
      else images.push({ sequence, value: image });
    }
  }

  #store(sector: number, image: Buffer): void {
    this.#durable = grown(this.#durable, (sector + 1) * SECTOR_BYTES);
    image.copy(this.#durable, sector * SECTOR_BYTES);
  }
}

/** A copy of the first `sizeInBytes`, with zeros where there is nothing. */
function sized(bytes: Buffer, sizeInBytes: number): Buffer {
  const copy = Buffer.alloc(sizeInBytes);
  bytes.copy(copy, 0, 0, sizeInBytes);
  return copy;
}

function grown(bytes: Buffer, sizeInBytes: number): Buffer {
  if (sizeInBytes <= bytes.length) return bytes;
  const larger = Buffer.alloc(Math.max(sizeInBytes, bytes.length * 2, FIRST_FILE_BYTES));
  bytes.copy(larger);
  return larger;
}
