/** Reads a file front to back in large pieces and hands out slices. Memory is bounded by the window and the largest thing asked for. */
import { crc32c } from '#core';
import type { DiskFile } from '../disk/disk.ts';

const WINDOW_BYTES = 1024 * 1024;

export class LogWindow {
  readonly #file: DiskFile;
  #bytes: Buffer = Buffer.alloc(0);
  #position = 0;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  /** The bytes from `position` on, fewer only at the end of the file; borrowed until the next call. */
  async bytes(position: number, length: number): Promise<Buffer> {
    const at = position - this.#position;
    if (at < 0 || at + length > this.#bytes.length) await this.#load(position, Math.max(length, WINDOW_BYTES));
    const start = position - this.#position;
    return this.#bytes.subarray(start, start + length);
  }

  /** CRC-32C of a range of any size. */
  async crc(from: number, to: number): Promise<number> {
    let crc = crc32c(Buffer.alloc(0));
    for (let position = from; position < to; position += WINDOW_BYTES) {
      crc = crc32c(await this.bytes(position, Math.min(WINDOW_BYTES, to - position)), crc);
    }
    return crc;
  }

  async #load(position: number, length: number): Promise<void> {
    const buffer = this.#bytes.length === length ? this.#bytes : Buffer.allocUnsafe(length);
    const bytesRead = await this.#file.read(buffer, position);
    this.#bytes = buffer.subarray(0, bytesRead);
    this.#position = position;
  }
}
