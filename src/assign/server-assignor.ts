/**
 * What an assignor of the coordinator is: it says who is to have which partitions in the end, given what everybody is to have now. How members
 * get there without two owners of one partition is the coordinator's business. Partitions are named by topic id. @see KIP-848
 */
import type { Uuid } from '#core';
import { compareText } from './assignor.ts';

/** Topic id → partitions, ascending. */
export type TopicIdPartitions = ReadonlyMap<Uuid, readonly number[]>;

/** One member, as the coordinator knows it. */
export interface ServerAssignorMember {
  readonly groupInstanceId: string | null;
  /** Topics that it reads; those that do not exist are left out. */
  readonly topicIds: ReadonlySet<Uuid>;
  /** What it was to have before. No partition is in two members' lists. */
  readonly partitions: TopicIdPartitions;
}

export interface ServerAssignorGroup {
  /** By member id, in the order in which ties are decided. */
  readonly members: ReadonlyMap<string, ServerAssignorMember>;
  /** Of every topic that a member reads. */
  readonly partitionCounts: ReadonlyMap<Uuid, number>;
}

export interface ServerAssignor {
  readonly name: 'uniform' | 'range';
  /** Every partition of the topics that somebody reads has one owner in the answer, and every member has an entry. */
  assign(group: ServerAssignorGroup): Map<string, TopicIdPartitions>;
}

/** The topics that all members read, or undefined when they do not read the same ones. */
export function commonTopics({ members }: ServerAssignorGroup): ReadonlySet<Uuid> | undefined {
  const [first, ...others] = members.values();
  const isSame = (member: ServerAssignorMember) =>
    member.topicIds.size === first.topicIds.size &&
    [...member.topicIds].every((topicId) => first.topicIds.has(topicId));
  return others.every(isSame) ? first?.topicIds : undefined;
}

/** Static members first, by instance id, then dynamic ones by member id. */
export function inServerOrder(members: ReadonlyMap<string, ServerAssignorMember>): string[] {
  return [...members.keys()].sort((left, right) => {
    const leftInstanceId = members.get(left)!.groupInstanceId;
    const rightInstanceId = members.get(right)!.groupInstanceId;
    if (leftInstanceId !== null && rightInstanceId !== null) return compareText(leftInstanceId, rightInstanceId);
    if (leftInstanceId !== null) return -1;
    return rightInstanceId !== null ? 1 : compareText(left, right);
  });
}

/** Collects partitions of one member; what it holds is copied when it changes. */
export class PartitionCollector {
  readonly #byTopic: Map<Uuid, readonly number[] | Set<number>>;

  constructor(partitions: TopicIdPartitions) {
    this.#byTopic = new Map(partitions);
  }

  add(topicId: Uuid, partition: number): void {
    this.#own(topicId).add(partition);
  }

  delete(topicId: Uuid, partition: number): void {
    const partitions = this.#own(topicId);
    partitions.delete(partition);
    if (partitions.size === 0) this.#byTopic.delete(topicId);
  }

  deleteTopic(topicId: Uuid): void {
    this.#byTopic.delete(topicId);
  }

  finish(): TopicIdPartitions {
    const sorted = [...this.#byTopic].map(
      ([topicId, partitions]) =>
        [topicId, partitions instanceof Set ? [...partitions].sort((a, b) => a - b) : partitions] as const,
    );
    return new Map(sorted);
  }

  #own(topicId: Uuid): Set<number> {
    const known = this.#byTopic.get(topicId);
    if (known instanceof Set) return known;
    const own = new Set(known);
    this.#byTopic.set(topicId, own);
    return own;
  }
}
