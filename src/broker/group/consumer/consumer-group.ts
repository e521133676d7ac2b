/**
 * One group of the consumer protocol, as its records tell it (KIP-848). Three numbers drive it:
 *
 *     group epoch        rises with every change of what members read, who they are, and of the topics they read
 *     assignment epoch   the group epoch for which an assignor has said who is to have what (the target)
 *     member epoch       how far a member has got on the way to the target
 *
 *     state         holds when
 *     Empty         there are no members; offsets may still be there
 *     Assigning     the target is older than the group epoch
 *     Reconciling   some member has not got to the target
 *     Stable        all have
 *
 * Stored state; `replay` alone changes it, but for `isTopicMetadataKnown`, which no record tells.
 */

import type { TopicIdPartitions } from '#assign';
import { assert, type Uuid } from '#core';
import { ZERO_HASH } from '#protocol';
import { type ConsumerMember, isReconciledTo, LEAVE_EPOCH, newMember, regexOf } from './consumer-member.ts';
import { NO_PARTITIONS, type OwnedPartitions } from './partitions.ts';

export type ConsumerGroupState = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable';

/** The topics that a pattern stood for. */
export interface ResolvedRegex {
  readonly topics: ReadonlySet<string>;
  /** Of the cluster's metadata. */
  readonly version: number;
  /** Wall time. */
  readonly timestampMs: number;
}

const NO_TARGET: TopicIdPartitions = new Map();

export class ConsumerGroup {
  readonly type = 'consumer';
  readonly groupId: string;
  groupEpoch = 1;
  /** Of the topics that members read. */
  metadataHash: string = ZERO_HASH;
  /** -1 when it was deleted. */
  assignmentEpoch = 1;
  /** Wall time; 0 when unknown. */
  assignmentTimestampMs = 0;
  readonly members = new Map<string, ConsumerMember>();
  /** By member id. */
  readonly target = new Map<string, TopicIdPartitions>();
  readonly regexes = new Map<string, ResolvedRegex>();
  /** A record of Kafka before 4.1 is there, to be deleted. */
  hasPartitionMetadata = false;
  /** Ephemeral: the hash was compared with the topics as they are now. */
  isTopicMetadataKnown = false;
  readonly #staticMemberIds = new Map<string, string>();
  /** How many members read each pattern. */
  readonly #regexReaders = new Map<string, number>();
  /** Topic id → partition → the epoch of the member that has it, or has not given it up. */
  readonly #owners = new Map<Uuid, Map<number, number>>();
  #subscribedTopics: ReadonlySet<string> | undefined;

  constructor(groupId: string) {
    this.groupId = groupId;
  }

  get isEmpty(): boolean {
    return this.members.size === 0;
  }

  get state(): ConsumerGroupState {
    if (this.isEmpty) return 'Empty';
    if (this.groupEpoch > this.assignmentEpoch) return 'Assigning';
    for (const member of this.members.values()) {
      if (!isReconciledTo(member, this.assignmentEpoch)) return 'Reconciling';
    }
    return 'Stable';
  }

  /** The protocol type that ListGroups shows. */
  get protocolType(): string {
    return 'consumer';
  }

  /** The member of this instance id. */
  staticMember(instanceId: string | null): ConsumerMember | undefined {
    const memberId = instanceId === null ? undefined : this.#staticMemberIds.get(instanceId);
    return memberId === undefined ? undefined : this.members.get(memberId);
  }

  /** What a member is to have; a static one that comes under a new id finds what its instance is to have. */
  targetOf(member: ConsumerMember): TopicIdPartitions {
    const memberId =
      member.instanceId === null
        ? member.memberId
        : (this.staticMember(member.instanceId)?.memberId ?? member.memberId);
    return this.target.get(memberId) ?? NO_TARGET;
  }

  isTaken(topicId: Uuid, partition: number): boolean {
    return this.#owners.get(topicId)?.has(partition) ?? false;
  }

  get hasRegexes(): boolean {
    return this.#regexReaders.size > 0;
  }

  /** Patterns that members read, with the number of readers. */
  get regexReaders(): ReadonlyMap<string, number> {
    return this.#regexReaders;
  }

  isSubscribedTo(topic: string): boolean {
    this.#subscribedTopics ??= this.#findSubscribedTopics();
    return this.#subscribedTopics.has(topic);
  }

  /** Adds a member, or puts it in the place of the one with its id. */
  put(member: ConsumerMember): void {
    const old = this.members.get(member.memberId);
    if (old !== undefined) this.#forget(old);
    this.members.set(member.memberId, member);
    if (member.instanceId !== null) this.#staticMemberIds.set(member.instanceId, member.memberId);
    const regex = regexOf(member);
    if (regex !== undefined) this.#regexReaders.set(regex, (this.#regexReaders.get(regex) ?? 0) + 1);
    this.#own(member.assigned, member.memberEpoch);
    this.#own(member.revoking, member.memberEpoch);
    this.#subscribedTopics = undefined;
  }

  remove(memberId: string): void {
    const member = this.members.get(memberId);
    if (member === undefined) return;
    this.#forget(member);
    this.members.delete(memberId);
    this.#subscribedTopics = undefined;
  }

  /** The record of what the member has was deleted: it is about to go. */
  unassign(memberId: string): void {
    const member = this.members.get(memberId);
    if (member === undefined) return;
    const left = { memberEpoch: LEAVE_EPOCH, previousMemberEpoch: LEAVE_EPOCH };
    this.put({ ...member, ...left, assigned: NO_PARTITIONS, revoking: NO_PARTITIONS });
  }

  /** The member of that id, or a new one. */
  memberOf(memberId: string): ConsumerMember {
    return this.members.get(memberId) ?? newMember(memberId);
  }

  setRegex(regex: string, resolved: ResolvedRegex | undefined): void {
    if (resolved === undefined) this.regexes.delete(regex);
    else this.regexes.set(regex, resolved);
    this.#subscribedTopics = undefined;
  }

  /** Invariants that hold between records of a group whose log is whole. */
  check(): void {
    const owners = new Map<string, string>();
    for (const { memberId, assigned, revoking } of this.members.values()) {
      for (const partitions of [assigned, revoking]) {
        for (const [topicId, epochs] of partitions) {
          for (const partition of epochs.keys()) {
            const other = owners.get(`${topicId} ${partition}`);
            const text = `${topicId}-${partition} belongs to ${other} and ${memberId}`;
            assert(other === undefined, `group ${this.groupId}: ${text}`);
            owners.set(`${topicId} ${partition}`, memberId);
          }
        }
      }
    }
  }

  #forget(member: ConsumerMember): void {
    const { instanceId, memberId, memberEpoch } = member;
    if (instanceId !== null && this.#staticMemberIds.get(instanceId) === memberId) {
      this.#staticMemberIds.delete(instanceId);
    }
    const regex = regexOf(member);
    if (regex !== undefined) {
      const readers = this.#regexReaders.get(regex)! - 1;
      if (readers === 0) this.#regexReaders.delete(regex);
      else this.#regexReaders.set(regex, readers);
    }
    this.#disown(member.assigned, memberEpoch);
    this.#disown(member.revoking, memberEpoch);
  }

  /** Compaction may drop the record by which an owner gave a partition up: the one of the highest epoch has it. */
  #own(partitions: OwnedPartitions, epoch: number): void {
    for (const [topicId, epochs] of partitions) {
      let owners = this.#owners.get(topicId);
      if (owners === undefined) this.#owners.set(topicId, (owners = new Map()));
      for (const partition of epochs.keys()) owners.set(partition, Math.max(epoch, owners.get(partition) ?? epoch));
    }
  }

  #disown(partitions: OwnedPartitions, epoch: number): void {
    for (const [topicId, epochs] of partitions) {
      const owners = this.#owners.get(topicId);
      if (owners === undefined) continue;
      for (const partition of epochs.keys()) if (owners.get(partition) === epoch) owners.delete(partition);
      if (owners.size === 0) this.#owners.delete(topicId);
    }
  }

  #findSubscribedTopics(): ReadonlySet<string> {
    const topics = new Set<string>();
    for (const { subscribedTopicNames } of this.members.values())
      for (const name of subscribedTopicNames) topics.add(name);
    for (const resolved of this.regexes.values()) for (const name of resolved.topics) topics.add(name);
    return topics;
  }
}
