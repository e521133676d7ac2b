/**
 * For each key the last offset that it was seen at, in bounded memory. ◇
 *
 *   slot (24 bytes):  128 bits of SHA-256 of the key  |  offset + 1 as float64, 0 for a free slot
 *
 * Keys are told apart by their digests, so a digest that two keys share would lose a record: with MD5, as Kafka has it, somebody can
 * make such keys on purpose, with half of SHA-256 nobody can. Slots are in shards of their own size, each with open addressing: a
 * shard that grows moves a few thousand entries, never all of them, so no turn of the loop is long and the old and the new table
 * never exist side by side as a whole. About 0.7 µs a key, half of it the digest.
 */
import { assert, digestWords } from '#core';

export interface OffsetMapLimits {
  /** Bytes of all tables. */
  readonly bytesMax: number;
  /** Share of the slots of a table that may be taken, below 1. */
  readonly loadFactor: number;
}

export const OFFSET_SLOT_BYTES = 24;
const DIGEST_WORDS = 4;
const SHARDS_MAX = 256;
const SHARD_SLOTS_MIN = 16;
/** Below, one shard: a table this small grows fast enough. */
const SHARDED_FROM_BYTES = 1024 * 1024;
const GROWTH = 1.5;

interface Shard {
  slotCount: number;
  entryCount: number;
  /** Four words a slot. */
  digests: Uint32Array;
  offsets: Float64Array;
}

export class OffsetMap {
  readonly #limits: OffsetMapLimits;
  readonly #shards: Shard[];
  /** The digest of the key that is looked for. */
  readonly #words = new Uint32Array(DIGEST_WORDS);
  #bytes = 0;
  #entryCount = 0;

  constructor(limits: OffsetMapLimits) {
    assert(limits.loadFactor > 0 && limits.loadFactor < 1, 'a table needs a free slot');
    this.#limits = limits;
    const shardCount = limits.bytesMax < SHARDED_FROM_BYTES ? 1 : SHARDS_MAX;
    const slotCount = Math.max(
      2,
      Math.min(SHARD_SLOTS_MIN, Math.floor(limits.bytesMax / OFFSET_SLOT_BYTES / shardCount)),
    );
    this.#shards = Array.from({ length: shardCount }, () => newShard(slotCount));
    this.#bytes = shardCount * slotCount * OFFSET_SLOT_BYTES;
  }

  /** Keys in the map. */
  get size(): number {
    return this.#entryCount;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Notes that `key` (borrowed) is at `offset`, which is above all that were noted for it. False, and nothing happened: no room. */
  put(key: Uint8Array, offset: number): boolean {
    const words = this.#digestOf(key);
    const shard = this.#shardOf(words);
    let slot = findSlot(shard, words);
    if (shard.offsets[slot] === 0) {
      if (!this.#hasRoom(shard)) return false;
      slot = findSlot(shard, words);
      shard.digests.set(words, slot * 4);
      shard.entryCount++;
      this.#entryCount++;
    }
    assert(offset + 1 > shard.offsets[slot], `offset ${offset} was put after a later one`);
    shard.offsets[slot] = offset + 1;
    return true;
  }

  /** The last offset of `key` (borrowed); undefined when it was never put. */
  get(key: Uint8Array): number | undefined {
    const words = this.#digestOf(key);
    const shard = this.#shardOf(words);
    const stored = shard.offsets[findSlot(shard, words)];
    return stored === 0 ? undefined : stored - 1;
  }

  #digestOf(key: Uint8Array): Uint32Array {
    digestWords('sha256', key, this.#words);
    return this.#words;
  }

  #shardOf(words: Uint32Array): Shard {
    return this.#shards[words[3] % this.#shards.length];
  }

  /** Sees to it that one more entry fits, if it may. */
  #hasRoom(shard: Shard): boolean {
    const { loadFactor, bytesMax } = this.#limits;
    if (shard.entryCount + 1 <= shard.slotCount * loadFactor) return true;
    const slotCount = Math.ceil(shard.slotCount * GROWTH);
    // The old table is there until its entries are moved.
    if (this.#bytes + slotCount * OFFSET_SLOT_BYTES > bytesMax) return false;
    this.#bytes += (slotCount - shard.slotCount) * OFFSET_SLOT_BYTES;
    grow(shard, slotCount);
    return true;
  }
}

function newShard(slotCount: number): Shard {
  return {
    slotCount,
    entryCount: 0,
    digests: new Uint32Array(slotCount * 4),
    offsets: new Float64Array(slotCount),
  };
}

/** The slot of the digest, or the free one where it belongs. */
function findSlot(shard: Shard, words: Uint32Array): number {
  const { digests, offsets, slotCount } = shard;
  let slot = words[0] % slotCount;
  while (offsets[slot] !== 0) {
    const at = slot * 4;
    const isSame =
      digests[at] === words[0] &&
      digests[at + 1] === words[1] &&
      digests[at + 2] === words[2] &&
      digests[at + 3] === words[3];
    if (isSame) return slot;
    slot = slot + 1 === slotCount ? 0 : slot + 1;
  }
  return slot;
}

function grow(shard: Shard, slotCount: number): void {
  const grown = newShard(slotCount);
  for (let from = 0; from < shard.slotCount; from++) {
    if (shard.offsets[from] === 0) continue;
    const words = shard.digests.subarray(from * 4, from * 4 + 4);
    const to = findSlot(grown, words);
    grown.digests.set(words, to * 4);
    grown.offsets[to] = shard.offsets[from];
  }
  shard.slotCount = slotCount;
  shard.digests = grown.digests;
  shard.offsets = grown.offsets;
}
