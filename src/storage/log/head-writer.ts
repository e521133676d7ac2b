/**
 * Makes the fresh beginning of a stored batch, so that the received slice is never written to: 16 bytes (base offset, length, leader
 * epoch), or 43 when the broker stamps the time, which changes attributes, max timestamp and therefore the checksum. Heads are cut
 * from small slabs: a batch in the memory tail keeps its slab alive.
 */
import { crc32c } from '#core';
import {
  ATTRIBUTES_POSITION,
  CRC_POSITION,
  HEAD_BYTES,
  LOG_APPEND_TIME_BIT,
  MAX_TIMESTAMP_POSITION,
  STAMPED_HEAD_BYTES,
  writeHead,
} from '../segment/batch-frame.ts';

const SLAB_BYTES = 1024;

export class HeadWriter {
  #slab: Buffer = Buffer.alloc(0);
  #used = 0;

  /** The 16 bytes that come before `batch.subarray(16)`. */
  head(baseOffset: number, sizeInBytes: number, leaderEpoch: number): Buffer {
    const head = this.#take(HEAD_BYTES);
    writeHead(head, baseOffset, sizeInBytes, leaderEpoch);
    return head;
  }

  /** The 43 bytes that come before `batch.subarray(43)` when all its records are to have the time `timestamp`. */
  stampedHead(batch: Buffer, baseOffset: number, leaderEpoch: number, timestamp: number): Buffer {
    const head = this.#take(STAMPED_HEAD_BYTES);
    batch.copy(head, 0, 0, STAMPED_HEAD_BYTES);
    writeHead(head, baseOffset, batch.length, leaderEpoch);
    head.writeInt16BE(head.readInt16BE(ATTRIBUTES_POSITION) | LOG_APPEND_TIME_BIT, ATTRIBUTES_POSITION);
    head.writeInt32BE(Math.floor(timestamp / 0x1_0000_0000), MAX_TIMESTAMP_POSITION);
    head.writeUInt32BE(timestamp >>> 0, MAX_TIMESTAMP_POSITION + 4);
    const crc = crc32c(batch.subarray(STAMPED_HEAD_BYTES), crc32c(head.subarray(ATTRIBUTES_POSITION)));
    head.writeUInt32BE(crc, CRC_POSITION);
    return head;
  }

  #take(sizeInBytes: number): Buffer {
    if (this.#used + sizeInBytes > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#used = 0;
    }
    const head = this.#slab.subarray(this.#used, this.#used + sizeInBytes);
    this.#used += sizeInBytes;
    return head;
  }
}
