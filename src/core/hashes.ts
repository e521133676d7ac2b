/** Kafka's hash functions, bit for bit: keys and groups must land on the partitions where Java puts them. */

/** Kafka's murmur2 (`Utils.murmur2`): an int32, may be negative. Partition = `(murmur2(key) & 0x7fffffff) % count`. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length;
  const words = length & ~3;
  let hash = 0x9747b28c ^ length;
  for (let i = 0; i < words; i += 4) {
    let word = bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    word = Math.imul(word, 0x5bd1e995);
    word = Math.imul(word ^ (word >>> 24), 0x5bd1e995);
    hash = Math.imul(hash, 0x5bd1e995) ^ word;
  }
  if (length > words) {
    if (length - words > 2) hash ^= bytes[words + 2] << 16;
    if (length - words > 1) hash ^= bytes[words + 1] << 8;
    hash = Math.imul(hash ^ bytes[words], 0x5bd1e995);
  }
  hash = Math.imul(hash ^ (hash >>> 13), 0x5bd1e995);
  return hash ^ (hash >>> 15);
}

/** Java's `String.hashCode`: an int32. The partition of a group is its absolute value modulo the count, see broker/group. */
export function javaStringHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}
