/**
 * Offsets that producers commit with their transactions, until these are decided: producer → group → topic → partition. What is committed
 * without a transaction meanwhile, by a later record, stays. Stored state: only replay writes.
 *
 * @see KIP-98, KIP-447
 */
import type { CommittedOffset, OffsetTable } from './offset-table.ts';

interface Pending {
  readonly groupId: string;
  readonly topic: string;
  readonly partition: number;
  readonly committed: CommittedOffset;
  /** Of the record that says so. */
  readonly recordOffset: number;
}

export class PendingOffsets {
  /** By producer id; a producer has one transaction at a time. */
  readonly #byProducer = new Map<number, Map<string, Pending>>();
  /** Producers with an offset pending, by group, topic and partition. */
  readonly #producers = new Map<string, Map<string, Map<number, Set<number>>>>();

  set(producerId: number, pending: Pending): void {
    const { groupId, topic, partition } = pending;
    let offsets = this.#byProducer.get(producerId);
    if (offsets === undefined) this.#byProducer.set(producerId, (offsets = new Map()));
    offsets.set(keyOf(groupId, topic, partition), pending);
    const byTopic = this.#producers.get(groupId) ?? new Map<string, Map<number, Set<number>>>();
    const byPartition = byTopic.get(topic) ?? new Map<number, Set<number>>();
    const producers = byPartition.get(partition) ?? new Set<number>();
    this.#producers.set(groupId, byTopic.set(topic, byPartition.set(partition, producers.add(producerId))));
  }

  has(groupId: string, topic: string, partition: number): boolean {
    return this.#producers.get(groupId)?.get(topic)?.has(partition) ?? false;
  }

  hasGroup(groupId: string): boolean {
    return this.#producers.has(groupId);
  }

  groupIds(): Iterable<string> {
    return this.#producers.keys();
  }

  /** Partitions of the group for which something is pending. */
  *partitions(groupId: string): Generator<{ readonly topic: string; readonly partition: number }> {
    for (const [topic, byPartition] of this.#producers.get(groupId) ?? []) {
      for (const partition of byPartition.keys()) yield { topic, partition };
    }
  }

  /** The offset was deleted: what is pending for it goes too. */
  delete(groupId: string, topic: string, partition: number): void {
    for (const producerId of [...(this.#producers.get(groupId)?.get(topic)?.get(partition) ?? [])]) {
      const offsets = this.#byProducer.get(producerId)!;
      offsets.delete(keyOf(groupId, topic, partition));
      if (offsets.size === 0) this.#byProducer.delete(producerId);
      this.#forget(producerId, groupId, topic, partition);
    }
  }

  /** The transaction of this producer is decided; when it is committed its offsets go into `offsets`. */
  end(producerId: number, type: 'abort' | 'commit', offsets: OffsetTable): void {
    for (const pending of this.#byProducer.get(producerId)?.values() ?? []) {
      const { groupId, topic, partition, committed, recordOffset } = pending;
      this.#forget(producerId, groupId, topic, partition);
      if (type === 'commit') offsets.set(groupId, topic, partition, committed, recordOffset);
    }
    this.#byProducer.delete(producerId);
  }

  #forget(producerId: number, groupId: string, topic: string, partition: number): void {
    const byTopic = this.#producers.get(groupId);
    const byPartition = byTopic?.get(topic);
    const producers = byPartition?.get(partition);
    if (byTopic === undefined || byPartition === undefined || producers === undefined) return;
    producers.delete(producerId);
    if (producers.size === 0) byPartition.delete(partition);
    if (byPartition.size === 0) byTopic.delete(topic);
    if (byTopic.size === 0) this.#producers.delete(groupId);
  }
}

function keyOf(groupId: string, topic: string, partition: number): string {
  return JSON.stringify([groupId, topic, partition]);
}
