/** Committed offsets of all groups of one offsets partition: group → topic → partition → what was committed. Stored state: only replay writes. */
import type { Uuid } from '#core';

export interface CommittedOffset {
  readonly offset: number;
  /** Leader epoch of the last consumed record; -1 when unknown. */
  readonly leaderEpoch: number;
  readonly metadata: string;
  /** Wall time. */
  readonly commitTimestampMs: number;
  /** Wall time, from records of old clients that asked for a retention of their own; -1 otherwise. */
  readonly expireTimestampMs: number;
  /** The zero id when the commit did not know it. */
  readonly topicId: Uuid;
}

interface StoredOffset extends CommittedOffset {
  /** Of the record that says so. */
  readonly recordOffset: number;
}

type ByPartition = Map<number, StoredOffset>;

export class OffsetTable {
  readonly #byGroup = new Map<string, Map<string, ByPartition>>();

  get(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#byGroup.get(groupId)?.get(topic)?.get(partition);
  }

  /** A record of a transaction is taken over when that is committed: what was committed by a later record stays then. */
  set(groupId: string, topic: string, partition: number, committed: CommittedOffset, recordOffset: number): void {
    let byTopic = this.#byGroup.get(groupId);
    if (byTopic === undefined) this.#byGroup.set(groupId, (byTopic = new Map()));
    let byPartition = byTopic.get(topic);
    if (byPartition === undefined) byTopic.set(topic, (byPartition = new Map()));
    const known = byPartition.get(partition);
    if (known === undefined || known.recordOffset <= recordOffset)
      byPartition.set(partition, { ...committed, recordOffset });
  }

  delete(groupId: string, topic: string, partition: number): void {
    const byTopic = this.#byGroup.get(groupId);
    const byPartition = byTopic?.get(topic);
    if (byTopic === undefined || byPartition === undefined || !byPartition.delete(partition)) return;
    if (byPartition.size > 0) return;
    byTopic.delete(topic);
    if (byTopic.size === 0) this.#byGroup.delete(groupId);
  }

  /** The group's topics with their offsets; an empty map when it has none. Not to be changed. */
  topics(groupId: string): ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>> {
    return this.#byGroup.get(groupId) ?? new Map();
  }

  /** Groups that have offsets. */
  groupIds(): Iterable<string> {
    return this.#byGroup.keys();
  }
}
