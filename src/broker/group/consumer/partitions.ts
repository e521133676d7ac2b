/** Sets of partitions by topic id, with and without the epoch in which a member was given each. Immutable. */

import type { TopicIdPartitions } from '#assign';
import type { Uuid } from '#core';

/** Topic id → partition → the member epoch in which it was given. A commit of that epoch or a later one is heard. @see KIP-1251 */
export type OwnedPartitions = ReadonlyMap<Uuid, ReadonlyMap<number, number>>;

/** As messages have it. */
export interface TopicPartitions {
  readonly topicId: Uuid;
  readonly partitions: readonly number[];
}

export const NO_PARTITIONS: OwnedPartitions = new Map();

export function isSamePartitions(left: OwnedPartitions, right: OwnedPartitions): boolean {
  if (left === right) return true;
  if (left.size !== right.size) return false;
  for (const [topicId, epochs] of left) {
    const others = right.get(topicId);
    if (others === undefined || others.size !== epochs.size) return false;
    for (const [partition, epoch] of epochs) if (others.get(partition) !== epoch) return false;
  }
  return true;
}

export function isSameTarget(left: TopicIdPartitions | undefined, right: TopicIdPartitions): boolean {
  if (left === undefined || left.size !== right.size) return false;
  for (const [topicId, partitions] of left) {
    const others = right.get(topicId);
    if (others === undefined || others.length !== partitions.length) return false;
    if (partitions.some((partition, index) => partition !== others[index])) return false;
  }
  return true;
}

/** Whether a member says that it has nothing but these; one that says nothing does not. */
export function isSubset(owned: readonly TopicPartitions[] | null, partitions: OwnedPartitions): boolean {
  if (owned === null) return false;
  return owned.every((topic) => topic.partitions.every((partition) => partitions.get(topic.topicId)?.has(partition)));
}

/** Whether a member may still use one of these; one that says nothing may. */
export function ownsAny(owned: readonly TopicPartitions[] | null, partitions: OwnedPartitions): boolean {
  if (owned === null) return true;
  return owned.some((topic) => topic.partitions.some((partition) => partitions.get(topic.topicId)?.has(partition)));
}

/** All of them given in this epoch. */
export function inEpoch(partitions: TopicIdPartitions, epoch: number): OwnedPartitions {
  return new Map(
    [...partitions].map(([topicId, owned]) => [topicId, new Map(owned.map((partition) => [partition, epoch]))]),
  );
}

export function withoutEpochs(partitions: OwnedPartitions): TopicIdPartitions {
  return new Map([...partitions].map(([topicId, epochs]) => [topicId, [...epochs.keys()].sort((a, b) => a - b)]));
}

/** As messages have it: topics in order of their ids, partitions ascending. */
export function listPartitions(partitions: TopicIdPartitions): TopicPartitions[] {
  const topics = [...partitions].map(([topicId, owned]) => ({ topicId, partitions: owned }));
  return topics.sort((left, right) => (left.topicId < right.topicId ? -1 : 1));
}

/** Collects owned partitions; topics without any do not stand in the result. */
export class OwnedCollector {
  readonly #topics = new Map<Uuid, Map<number, number>>();

  get isEmpty(): boolean {
    return this.#topics.size === 0;
  }

  add(topicId: Uuid, partition: number, epoch: number): void {
    const known = this.#topics.get(topicId);
    if (known === undefined) this.#topics.set(topicId, new Map([[partition, epoch]]));
    else known.set(partition, epoch);
  }

  addAll(partitions: OwnedPartitions): void {
    for (const [topicId, epochs] of partitions)
      for (const [partition, epoch] of epochs) this.add(topicId, partition, epoch);
  }

  finish(): OwnedPartitions {
    return this.#topics;
  }
}
