/**
 * Hashes by which a group notices that its topics have changed, bit for bit Kafka's (4.1 and later), so that a group that is taken over does
 * not see a change where there is none. All of it XXH3 of little-endian fields; a text is its UTF-16 units and their count.
 *
 *     topic   magic byte 0, topic id as two longs, name, partition count, per partition its number and its racks (length, text), sorted
 *     group   the hashes of its topics that exist, in order of their names; 0 when there are none
 */
import { type Uuid, uuidToBytes, xxh3 } from '#core';
import { ZERO_HASH } from '#protocol';

const MAGIC = 0;

/** `racks`: of the replicas of each partition, by its number; those of brokers without a rack are left out. */
export function topicHash(name: string, topicId: Uuid, racks: readonly (readonly string[])[]): string {
  const id = uuidToBytes(topicId);
  const parts = [Buffer.of(MAGIC), swap64(id.subarray(0, 8)), swap64(id.subarray(8)), text(name), int32(racks.length)];
  for (const [partition, ofPartition] of racks.entries()) {
    parts.push(int32(partition));
    for (const rack of [...ofPartition].sort()) parts.push(int32(rack.length), text(rack));
  }
  return xxh3(Buffer.concat(parts));
}

/** `hashOf`: of a topic, undefined when there is none of that name. */
export function groupHash(names: Iterable<string>, hashOf: (name: string) => string | undefined): string {
  const hashes: Buffer[] = [];
  for (const name of [...names].sort()) {
    const hash = hashOf(name);
    if (hash !== undefined) hashes.push(swap64(Buffer.from(hash, 'hex')));
  }
  return hashes.length === 0 ? ZERO_HASH : xxh3(Buffer.concat(hashes));
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from(value, 'utf16le'), int32(value.length)]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function swap64(bytes: Buffer): Buffer {
  return Buffer.from(bytes).swap64();
}
