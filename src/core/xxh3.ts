/**
 * XXH3 with 64 bits, without a seed: the hash by which Kafka's group coordinator tells whether the topics of a group have changed. For
 * short inputs that are hashed seldom: it computes in bigints, some 10 µs for 100 bytes.
 *
 *     length     mixed as
 *     0–16       one or two words
 *     17–240     16-byte pieces, multiplied in pairs
 *     > 240      64-byte stripes into eight accumulators, scrambled after every sixteenth
 */
const MASK = 0xffffffffffffffffn;
const MASK_32 = 0xffffffffn;

const PRIME32_1 = 0x9e3779b1n;
const PRIME32_2 = 0x85ebca77n;
const PRIME32_3 = 0xc2b2ae3dn;
const PRIME64_1 = 0x9e3779b185ebca87n;
const PRIME64_2 = 0xc2b2ae3d27d4eb4fn;
const PRIME64_3 = 0x165667b19e3779f9n;
const PRIME64_4 = 0x85ebca77c2b2ae63n;
const PRIME64_5 = 0x27d4eb2f165667c5n;
const PRIME_MX1 = 0x165667919e3779f9n;
const PRIME_MX2 = 0x9fb21c651e98df25n;

const STRIPE_BYTES = 64;
const STRIPES_PER_BLOCK = 16;

const SECRET = Buffer.from(
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221' +
    'b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8' +
    'a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb' +
    '170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e',
  'hex',
);

/** The hash as 16 hex digits. */
export function xxh3(input: Buffer): string {
  return hash(input).toString(16).padStart(16, '0');
}

function hash(input: Buffer): bigint {
  const { length } = input;
  if (length > 240) return hashLong(input);
  if (length > 128) return hash129To240(input);
  if (length > 16) return hash17To128(input);
  if (length > 8) return hash9To16(input);
  if (length >= 4) return hash4To8(input);
  return length > 0 ? hash1To3(input) : avalanche64(word(SECRET, 56) ^ word(SECRET, 64));
}

function hash1To3(input: Buffer): bigint {
  const { length } = input;
  const combined = ((input[0] << 16) | (input[length >> 1] << 24) | (length << 8) | input[length - 1]) >>> 0;
  return avalanche64(BigInt(combined) ^ BigInt((SECRET.readUInt32LE(0) ^ SECRET.readUInt32LE(4)) >>> 0));
}

function hash4To8(input: Buffer): bigint {
  const { length } = input;
  const both = BigInt(input.readUInt32LE(length - 4)) + (BigInt(input.readUInt32LE(0)) << 32n);
  let mixed = both ^ word(SECRET, 8) ^ word(SECRET, 16);
  mixed ^= rotate(mixed, 49n) ^ rotate(mixed, 24n);
  mixed = (mixed * PRIME_MX2) & MASK;
  mixed ^= (mixed >> 35n) + BigInt(length);
  mixed = (mixed * PRIME_MX2) & MASK;
  return mixed ^ (mixed >> 28n);
}

function hash9To16(input: Buffer): bigint {
  const { length } = input;
  const low = word(input, 0) ^ word(SECRET, 24) ^ word(SECRET, 32);
  const high = word(input, length - 8) ^ word(SECRET, 40) ^ word(SECRET, 48);
  return avalanche((BigInt(length) + swapped(low) + high + fold(low, high)) & MASK);
}

function hash17To128(input: Buffer): bigint {
  const { length } = input;
  let sum = BigInt(length) * PRIME64_1;
  for (let piece = (length - 1) >> 5; piece >= 0; piece--) {
    sum += mix(input, piece * 16, piece * 32) + mix(input, length - (piece + 1) * 16, piece * 32 + 16);
  }
  return avalanche(sum & MASK);
}

function hash129To240(input: Buffer): bigint {
  const { length } = input;
  let sum = BigInt(length) * PRIME64_1;
  for (let piece = 0; piece < 8; piece++) sum += mix(input, piece * 16, piece * 16);
  sum = avalanche(sum & MASK);
  for (let piece = 8; piece < length >> 4; piece++) sum += mix(input, piece * 16, (piece - 8) * 16 + 3);
  return avalanche((sum + mix(input, length - 16, 136 - 17)) & MASK);
}

function hashLong(input: Buffer): bigint {
  const { length } = input;
  const sums = [PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1];
  const stripeCount = Math.floor((length - 1) / STRIPE_BYTES);
  for (let stripe = 0; stripe < stripeCount; stripe++) {
    accumulate(sums, input, stripe * STRIPE_BYTES, (stripe % STRIPES_PER_BLOCK) * 8);
    if (stripe % STRIPES_PER_BLOCK === STRIPES_PER_BLOCK - 1) scramble(sums);
  }
  accumulate(sums, input, length - STRIPE_BYTES, SECRET.length - STRIPE_BYTES - 7);
  let merged = BigInt(length) * PRIME64_1;
  for (let pair = 0; pair < 4; pair++) {
    const at = 11 + pair * 16;
    merged += fold(sums[pair * 2] ^ word(SECRET, at), sums[pair * 2 + 1] ^ word(SECRET, at + 8));
  }
  return avalanche(merged & MASK);
}

function accumulate(sums: bigint[], input: Buffer, at: number, secretAt: number): void {
  for (let lane = 0; lane < 8; lane++) {
    const value = word(input, at + lane * 8);
    const key = value ^ word(SECRET, secretAt + lane * 8);
    sums[lane ^ 1] = (sums[lane ^ 1] + value) & MASK;
    sums[lane] = (sums[lane] + (key & MASK_32) * (key >> 32n)) & MASK;
  }
}

function scramble(sums: bigint[]): void {
  for (let lane = 0; lane < 8; lane++) {
    const sum = sums[lane] ^ (sums[lane] >> 47n) ^ word(SECRET, SECRET.length - STRIPE_BYTES + lane * 8);
    sums[lane] = (sum * PRIME32_1) & MASK;
  }
}

function mix(input: Buffer, at: number, secretAt: number): bigint {
  return fold(word(input, at) ^ word(SECRET, secretAt), word(input, at + 8) ^ word(SECRET, secretAt + 8));
}

/** Both halves of the product of 128 bits, over each other. */
function fold(left: bigint, right: bigint): bigint {
  const product = left * right;
  return (product & MASK) ^ (product >> 64n);
}

function avalanche(value: bigint): bigint {
  const mixed = ((value ^ (value >> 37n)) * PRIME_MX1) & MASK;
  return mixed ^ (mixed >> 32n);
}

/** The one of XXH64, which ends the shortest inputs. */
function avalanche64(value: bigint): bigint {
  let mixed = ((value ^ (value >> 33n)) * PRIME64_2) & MASK;
  mixed = ((mixed ^ (mixed >> 29n)) * PRIME64_3) & MASK;
  return mixed ^ (mixed >> 32n);
}

function rotate(value: bigint, bits: bigint): bigint {
  return ((value << bits) | (value >> (64n - bits))) & MASK;
}

function swapped(value: bigint): bigint {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes.readBigUInt64BE();
}

function word(bytes: Buffer, at: number): bigint {
  return bytes.readBigUInt64LE(at);
}
