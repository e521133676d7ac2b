/**
 * `.snapshot`: what `ProducerState` knew at the offset in the file's name, so that recovery reads only the batches after it. ◇
 *
 *   int16 version = 1 | uint32 CRC-32C of what follows | int32 count | count × 46 bytes:
 *   int64 producerId | int16 epoch | int32 lastSequence | int64 lastOffset | int32 offsetDelta | int64 timestamp |
 *   int32 coordinatorEpoch | int64 currentTxnFirstOffset (-1 none)
 *
 * Of the cached batches only the last one is kept, as in Kafka. Sequence and offset are -1 where there is no batch (after a
 * transaction marker).
 */
import { ByteReader, ByteWriter, CorruptError, crc32c } from '#core';
import type { ProducerBatch, ProducerEntry } from './producer-entry.ts';

const VERSION = 1;
const CRC_POSITION = 2;
const COUNT_POSITION = 6;
const HEADER_BYTES = 10;
const ENTRY_BYTES = 46;

export function encodeProducerSnapshot(entries: Iterable<ProducerEntry>): Buffer {
  const writer = new ByteWriter();
  writer.int16(VERSION);
  writer.int32(0);
  writer.int32(0);
  let count = 0;
  for (const entry of entries) {
    writeEntry(writer, entry);
    count++;
  }
  const bytes = writer.finish();
  bytes.writeInt32BE(count, COUNT_POSITION);
  bytes.writeUInt32BE(crc32c(bytes.subarray(COUNT_POSITION)), CRC_POSITION);
  return bytes;
}

/** Throws `CorruptError` naming `file` when version, checksum or length are not right. */
export function decodeProducerSnapshot(bytes: Buffer, file: string): ProducerEntry[] {
  if (bytes.length < HEADER_BYTES) throw new CorruptError(`${file} is cut off`, { file });
  const reader = new ByteReader(bytes);
  const version = reader.int16();
  if (version !== VERSION) throw new CorruptError(`${file} has version ${version}, not ${VERSION}`, { file });
  if (reader.uint32() !== crc32c(bytes.subarray(COUNT_POSITION)))
    throw new CorruptError(`${file} fails its checksum`, { file });
  const count = reader.int32();
  if (reader.remaining !== count * ENTRY_BYTES)
    throw new CorruptError(`${file} does not hold ${count} producers`, { file });
  return Array.from({ length: count }, () => readEntry(reader));
}

function writeEntry(writer: ByteWriter, entry: ProducerEntry): void {
  const last = entry.batches.at(-1);
  writer.int64(entry.producerId);
  writer.int16(entry.epoch);
  writer.int32(last?.lastSequence ?? -1);
  writer.int64(last?.lastOffset ?? -1);
  writer.int32(last === undefined ? 0 : last.lastOffset - last.baseOffset);
  writer.int64(entry.lastTimestamp);
  writer.int32(entry.coordinatorEpoch);
  writer.int64(entry.currentTxnFirstOffset);
}

function readEntry(reader: ByteReader): ProducerEntry {
  const producerId = reader.int64();
  const epoch = reader.int16();
  const lastSequence = reader.int32();
  const lastOffset = reader.int64();
  const offsetDelta = reader.int32();
  const lastTimestamp = reader.int64();
  const batches = lastOffset < 0 ? [] : [batchOf(lastSequence, lastOffset, offsetDelta, lastTimestamp)];
  const coordinatorEpoch = reader.int32();
  const currentTxnFirstOffset = reader.int64();
  return { producerId, epoch, batches, coordinatorEpoch, lastTimestamp, currentTxnFirstOffset };
}

function batchOf(lastSequence: number, lastOffset: number, offsetDelta: number, timestamp: number): ProducerBatch {
  // The first sequence may lie on the other side of the wrap from 2³¹−1 to 0.
  const difference = lastSequence - offsetDelta;
  const baseSequence = difference >= 0 ? difference : difference + 2 ** 31;
  return { baseSequence, lastSequence, baseOffset: lastOffset - offsetDelta, lastOffset, timestamp };
}
