/**
 * Chance as an argument: `systemRandom` in production, `seededRandom(seed)` wherever a run must be repeatable. With
 * `clock.ts` the only file that touches the real world's entropy.
 */
import { type Uuid, uuidFromBytes } from './uuid.ts';

export interface Random {
  /** 0 … 2³²−1, uniform. */
  uint32(): number;
  /** A fresh buffer. */
  bytes(length: number): Buffer;
  /** 0 ≤ x < 1, uniform, 53 bits. */
  float(): number;
  /** A random uuid (version 4) in Kafka's text form, never with a leading `-`, which tools would take for a flag. */
  uuid(): Uuid;
}

/** Web Crypto fills at most this many bytes per call. */
const ENTROPY_BYTES_MAX = 65536;

/** Drawn in blocks: one call into the system per 4 KiB. */
export const systemRandom: Random = fromBytes(systemBytes());

/** The same numbers for the same seed, on every machine (xoshiro128**, seeded by splitmix32). Not for secrets. */
export function seededRandom(seed: number): Random {
  const next = xoshiro(seed);
  const bytes = (length: number): Buffer => {
    const result = Buffer.allocUnsafe(length);
    for (let i = 0; i < length; i++) result[i] = next() >>> 24;
    return result;
  };
  return fromBytes({ uint32: next, bytes });
}

interface Source {
  uint32(): number;
  bytes(length: number): Buffer;
}

function fromBytes(source: Source): Random {
  return {
    uint32: source.uint32,
    bytes: source.bytes,
    float: () => ((source.uint32() >>> 5) * 67108864 + (source.uint32() >>> 6)) / 9007199254740992,
    uuid: () => randomUuid(source),
  };
}

function systemBytes(): Source {
  const block = Buffer.alloc(4096);
  let used = block.length;
  return {
    uint32() {
      if (used === block.length) {
        crypto.getRandomValues(block);
        used = 0;
      }
      used += 4;
      return block.readUInt32BE(used - 4);
    },
    bytes(length) {
      const result = Buffer.alloc(length);
      for (let at = 0; at < length; at += ENTROPY_BYTES_MAX) {
        crypto.getRandomValues(result.subarray(at, at + ENTROPY_BYTES_MAX));
      }
      return result;
    },
  };
}

function randomUuid(source: Source): Uuid {
  for (;;) {
    const bytes = source.bytes(16);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const text = uuidFromBytes(bytes);
    if (!text.startsWith('-')) return text;
  }
}

function xoshiro(seed: number): () => number {
  let mix = seed | 0;
  const state = new Int32Array(4);
  for (let i = 0; i < 4; i++) {
    mix = (mix + 0x9e3779b9) | 0;
    let z = Math.imul(mix ^ (mix >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    state[i] = z ^ (z >>> 15);
  }
  return () => {
    const scrambled = Math.imul(rotate(Math.imul(state[1], 5), 7), 9);
    const shifted = state[1] << 9;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate(state[3], 11);
    return scrambled >>> 0;
  };
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
