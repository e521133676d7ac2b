/**
 * Snappy as Kafka frames it, which is the stream of the snappy-java library ("xerial"):
 *
 *     82 53 4e 41 50 50 59 00 | version int32 | compatible int32 | ( block length int32 | raw snappy block )*
 *
 * Some C and Go producers send one raw block without the framing; that is read too. A raw block begins with its
 * decompressed length, so the limit is checked before anything is allocated. The codec of raw blocks is handed in.
 */
import { tooLarge } from './decompression-limit.ts';
import { CorruptError } from './kafka-error.ts';

const MAGIC = Buffer.from('82534e4150505900', 'hex');
const HEADER_BYTES = 16;
/** What Java's writer puts into one block. */
const BLOCK_BYTES = 32 * 1024;

/** Works on one raw block. */
export type BlockCodec = (block: Buffer) => Buffer;

export function compressSnappy(bytes: Buffer, compressBlock: BlockCodec): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeInt32BE(1, 8);
  header.writeInt32BE(1, 12);
  const pieces: Buffer[] = [header];
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const block = compressBlock(bytes.subarray(at, at + BLOCK_BYTES));
    const length = Buffer.allocUnsafe(4);
    length.writeInt32BE(block.length);
    pieces.push(length, block);
  }
  return Buffer.concat(pieces);
}

export function decompressSnappy(bytes: Buffer, bytesMax: number, expandBlock: BlockCodec): Buffer {
  if (!startsWithMagic(bytes, 0)) {
    if (declaredLength(bytes) > bytesMax) throw tooLarge('snappy', bytes.length, bytesMax);
    return expandBlock(bytes);
  }
  const blocks: Buffer[] = [];
  let left = bytesMax;
  for (let at = HEADER_BYTES; at < bytes.length; ) {
    // Streams that were written one after the other each bring their header; snappy-java reads on.
    if (startsWithMagic(bytes, at)) {
      at += HEADER_BYTES;
      continue;
    }
    const length = at + 4 <= bytes.length ? bytes.readInt32BE(at) : -1;
    if (length < 0 || length > bytes.length - at - 4) {
      throw new CorruptError(`snappy block of ${length} bytes with ${bytes.length - at} left`, { position: at });
    }
    const block = bytes.subarray(at + 4, at + 4 + length);
    left -= declaredLength(block);
    if (left < 0) throw tooLarge('snappy', bytes.length, bytesMax);
    blocks.push(expandBlock(block));
    at += 4 + length;
  }
  return blocks.length === 1 ? blocks[0] : Buffer.concat(blocks);
}

/** The uvarint at the beginning of a raw block. */
function declaredLength(block: Buffer): number {
  let length = 0;
  for (let i = 0; i < 5 && i < block.length; i++) {
    length += (block[i] & 127) * 2 ** (7 * i);
    if (block[i] < 128) return length;
  }
  throw new CorruptError('snappy block without a length', { position: 0 });
}

function startsWithMagic(bytes: Buffer, at: number): boolean {
  return bytes.length >= at + HEADER_BYTES && bytes.compare(MAGIC, 0, 8, at, at + 8) === 0;
}
