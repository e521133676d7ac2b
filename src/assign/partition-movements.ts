/**
 * Moves made while balancing, per topic and pair of members. When a partition is about to go from A to B although another one of the same
 * topic went from B to A before, the latter goes back instead: the same balance, two moves fewer.
 */
import { assert, javaStringHash } from '#core';
import { inJavaHashOrder } from './java-hash-order.ts';
import type { PartitionIndex } from './partition-index.ts';

interface Movement {
  readonly from: number;
  readonly to: number;
}

interface MovedSet {
  readonly partitions: Set<number>;
  /** The most it ever held: decides Java's table size, and thereby which one comes first. */
  peakCount: number;
}

export class PartitionMovements {
  readonly #index: PartitionIndex;
  readonly #movementOf = new Map<number, Movement>();
  /** `topic from to` → the partitions that moved so. */
  readonly #moved = new Map<string, MovedSet>();

  constructor(index: PartitionIndex) {
    this.#index = index;
  }

  /** The partition that should really move when `partition` is to go from member `from` to member `to`. */
  partitionToMove(partition: number, from: number, to: number): number {
    const earlier = this.#movementOf.get(partition);
    assert(earlier === undefined || earlier.to === from, 'a moved partition must be where it was moved to');
    const back = this.#moved.get(this.#key(partition, { from: to, to: earlier?.from ?? from }));
    if (back === undefined) return partition;
    return inJavaHashOrder([...back.partitions], (number) => this.#javaHash(number), back.peakCount)[0];
  }

  /** Notes that `partition` goes from member `from` to member `to`; a chain of moves counts as one, a way back as none. */
  record(partition: number, from: number, to: number): void {
    const earlier = this.#movementOf.get(partition);
    if (earlier !== undefined) this.#forget(partition, earlier);
    const movement = { from: earlier?.from ?? from, to };
    if (movement.from === movement.to) return;
    this.#movementOf.set(partition, movement);
    const key = this.#key(partition, movement);
    const moved = this.#moved.get(key) ?? { partitions: new Set(), peakCount: 0 };
    moved.partitions.add(partition);
    moved.peakCount = Math.max(moved.peakCount, moved.partitions.size);
    this.#moved.set(key, moved);
  }

  #forget(partition: number, movement: Movement): void {
    this.#movementOf.delete(partition);
    const key = this.#key(partition, movement);
    const moved = this.#moved.get(key)!;
    moved.partitions.delete(partition);
    if (moved.partitions.size === 0) this.#moved.delete(key);
  }

  #key(partition: number, movement: Movement): string {
    return `${this.#index.topicIndexOf(partition)} ${movement.from} ${movement.to}`;
  }

  /** `TopicPartition.hashCode()`. */
  #javaHash(number: number): number {
    const { topic, partition } = this.#index.idOf(number);
    return (31 * (31 + partition) + javaStringHash(topic)) | 0;
  }
}
