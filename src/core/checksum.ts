/** CRC-32C (Castagnoli), the checksum of record batches and producer snapshots; about 5 GB/s. */
import { crc32c as native } from '@node-rs/crc32';

/** The uint32 checksum of `bytes`. With `initial`, the result for the bytes before, goes on from there. */
export function crc32c(bytes: Uint8Array, initial?: number): number {
  return native(bytes, initial);
}
