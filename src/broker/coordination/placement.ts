/** Which partition of its internal topic looks after a group or a transactional id. ◇ */
import { javaStringHash } from '#core';

/**
 * The absolute value of Java's `String.hashCode`, modulo the partition count; the one int32 without an absolute value counts as 0. It is not
 * the mask that the partitioner of keys uses. Transactional ids are placed the same way in `__transaction_state`.
 */
export function coordinatorPartition(key: string, partitionCount: number): number {
  const hash = javaStringHash(key);
  return (hash === -2147483648 ? 0 : Math.abs(hash)) % partitionCount;
}
