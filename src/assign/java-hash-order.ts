/**
 * The order in which Java's `HashMap` and `HashSet` hand out their keys. Kafka's sticky assignors iterate such maps, and where two members
 * have equal claims the first one met keeps more. Doing it in the same order makes a springtide leader and a Java leader agree on every
 * assignment, so partitions stay where they are when the leader changes.
 *
 * A table has a power of two of buckets, at least 16, and doubles when it is more than three quarters full; it never shrinks. A key's bucket
 * is `(h ^ h >>> 16) & (buckets - 1)`; within a bucket keys keep their order of insertion.
 */

/**
 * Sorts `keys`, given in order of insertion, into iteration order. `peakCount` is the largest number of keys the table ever held
 * (default: all of these).
 */
export function inJavaHashOrder<Key>(
  keys: readonly Key[],
  hashOf: (key: Key) => number,
  peakCount: number = keys.length,
): Key[] {
  const mask = bucketCount(peakCount) - 1;
  return keys
    .map((key, position) => ({ key, position, bucket: bucketOf(hashOf(key), mask) }))
    .sort((left, right) => left.bucket - right.bucket || left.position - right.position)
    .map((entry) => entry.key);
}

function bucketOf(hash: number, mask: number): number {
  return (hash ^ (hash >>> 16)) & mask;
}

function bucketCount(keyCount: number): number {
  let buckets = 16;
  while (keyCount > buckets * 0.75) buckets *= 2;
  return buckets;
}
