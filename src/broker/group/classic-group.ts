/**
 * One group of the classic protocol, alive: its members, its state and the moves that are legal.
 *
 *     state                entered from                       meaning
 *     Empty                PreparingRebalance                 no members; offsets may still be there. New groups start here
 *     PreparingRebalance   Empty, CompletingRebalance,        members are to (re)join; JoinGroup is parked
 *                          Stable
 *     CompletingRebalance  PreparingRebalance                 a generation is made; SyncGroup is parked until the leader's comes
 *     Stable               CompletingRebalance                the assignment is handed out
 *     Dead                 any                                deleted; nobody may hold on to it
 *
 * Two kinds of state live here. *Stored*: generation, protocol, leader, members with subscription and assignment as of the last stable or
 * empty moment; only `restore` (called by replay) brings it about, and a group replayed from its record is exactly that. *Ephemeral*: a
 * rebalance under way, members' further protocols, parked tokens, pending members. `handle` changes it at once, because no record describes
 * it; when the machine is thrown away it is lost, and members find out by an error that makes them join again, as with Kafka.
 */
import { assert } from '#core';
import { Errors, type KafkaErrorRow } from '#protocol';
import { type Alarm, newAlarm } from './alarms.ts';
import { readSubscribedTopics, type StoredGroup } from './records.ts';

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead';

const legalMoves: Readonly<Record<GroupState, readonly GroupState[]>> = {
  Empty: ['PreparingRebalance', 'Dead'],
  PreparingRebalance: ['Empty', 'CompletingRebalance', 'Dead'],
  CompletingRebalance: ['PreparingRebalance', 'Stable', 'Dead'],
  Stable: ['PreparingRebalance', 'Dead'],
  Dead: [],
};

/** The protocol type of consumers; others (Connect, Schema Registry) keep their own bytes in the blobs. */
export const CONSUMER_PROTOCOL_TYPE = 'consumer';

const EMPTY_BYTES = Buffer.alloc(0);

export interface MemberProtocol {
  readonly name: string;
  readonly metadata: Buffer;
}

export interface Member {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  rebalanceTimeoutMs: number;
  sessionTimeoutMs: number;
  /** Preferred first. A member restored from a record knows only the one that was chosen. */
  protocols: readonly MemberProtocol[];
  assignment: Buffer;
  /** Ephemeral: parked for its first generation; its session counts although it is parked. */
  isNew: boolean;
  /** Ephemeral: the token of a parked JoinGroup, SyncGroup. */
  joinToken: number | null;
  syncToken: number | null;
  readonly session: Alarm;
}

export class ClassicGroup {
  readonly type = 'classic';
  readonly groupId: string;
  state: GroupState = 'Empty';
  previousState: GroupState = 'Dead';
  generationId = 0;
  protocolType: string | null = null;
  protocolName: string | null = null;
  leaderId: string | null = null;
  /** Wall time of the last change of state; -1 when unknown (old records). */
  stateTimestampMs = -1;
  /** In order of joining. */
  readonly members = new Map<string, Member>();
  /** Ephemeral: ids handed out with MEMBER_ID_REQUIRED whose owner has not come back. */
  readonly pendingMembers = new Map<string, Alarm>();
  /** Ephemeral: members of this generation that have not sent SyncGroup yet. */
  readonly pendingSync = new Set<string>();
  /** Ephemeral: somebody joined since the initial delay began. */
  hasNewMember = false;
  /** Ephemeral: what the initial delay may still be extended by. */
  initialDelayLeftMs = 0;
  /** Ephemeral: and by that at most, when only ids that were sent out are waited for. */
  pendingGraceLeftMs = 0;
  readonly joinAlarm: Alarm;
  readonly syncAlarm: Alarm;
  readonly #staticMemberIds = new Map<string, string>();
  #subscribedTopics: ReadonlySet<string> | undefined;

  constructor(groupId: string) {
    this.groupId = groupId;
    this.joinAlarm = newAlarm({ kind: 'join', groupId });
    this.syncAlarm = newAlarm({ kind: 'sync', groupId });
  }

  /** Whether consumers (and not Connect workers or the like) are its members. */
  get isConsumer(): boolean {
    return this.protocolType === CONSUMER_PROTOCOL_TYPE;
  }

  isLeader(memberId: string): boolean {
    return this.leaderId === memberId;
  }

  staticMemberId(groupInstanceId: string): string | undefined {
    return this.#staticMemberIds.get(groupInstanceId);
  }

  transitionTo(state: GroupState, wallMs: number): void {
    assert(legalMoves[this.state].includes(state), `group ${this.groupId}: ${this.state} → ${state} is no legal move`);
    this.previousState = this.state;
    this.state = state;
    this.stateTimestampMs = wallMs;
  }

  /** Whether a member with this protocol type and these protocols fits in: something must be common to all. */
  supports(protocolType: string, protocols: readonly MemberProtocol[]): boolean {
    if (protocolType === '' || protocols.length === 0) return false;
    if (this.state === 'Empty') return true;
    if (protocolType !== this.protocolType) return false;
    return protocols.some(({ name }) => this.#isCommon(name));
  }

  /** Adds a member whose `groupInstanceId`, if any, is not taken. */
  add(member: Member): void {
    assert(!this.members.has(member.memberId), `group ${this.groupId}: member ${member.memberId} is already there`);
    if (member.groupInstanceId !== null) {
      assert(!this.#staticMemberIds.has(member.groupInstanceId), `instance ${member.groupInstanceId} is already there`);
      this.#staticMemberIds.set(member.groupInstanceId, member.memberId);
    }
    this.members.set(member.memberId, member);
    this.leaderId ??= member.memberId;
  }

  /** Removes a member; the longest-serving of the others becomes leader if it was the leader. */
  remove(memberId: string): void {
    const member = this.members.get(memberId);
    this.members.delete(memberId);
    this.pendingSync.delete(memberId);
    if (member?.groupInstanceId != null) this.#staticMemberIds.delete(member.groupInstanceId);
    if (this.leaderId === memberId) this.leaderId = this.members.keys().next().value ?? null;
  }

  /** Gives a static member a new id, in its old place; returns the new member, without parked tokens. @see KIP-345 */
  replaceStatic(old: Member, memberId: string): Member {
    const session = newAlarm({ kind: 'session', groupId: this.groupId, memberId });
    const renamed: Member = { ...old, memberId, isNew: false, joinToken: null, syncToken: null, session };
    const members = [...this.members.values()];
    this.members.clear();
    for (const member of members)
      this.members.set(member === old ? memberId : member.memberId, member === old ? renamed : member);
    this.#staticMemberIds.set(renamed.groupInstanceId!, memberId);
    if (this.leaderId === old.memberId) this.leaderId = memberId;
    this.pendingSync.delete(old.memberId);
    return renamed;
  }

  /** Why this member may not speak for itself, or undefined. */
  refuse(memberId: string, groupInstanceId: string | null): KafkaErrorRow | undefined {
    if (groupInstanceId !== null) {
      const known = this.staticMemberId(groupInstanceId);
      if (known === undefined) return Errors.UNKNOWN_MEMBER_ID;
      if (known !== memberId) return Errors.FENCED_INSTANCE_ID;
    }
    return this.members.has(memberId) ? undefined : Errors.UNKNOWN_MEMBER_ID;
  }

  /** How many members are parked in the join phase. */
  get joinedCount(): number {
    let count = 0;
    for (const member of this.members.values()) if (member.joinToken !== null) count += 1;
    return count;
  }

  get hasEverybodyJoined(): boolean {
    return this.pendingMembers.size === 0 && this.joinedCount === this.members.size;
  }

  /** The longest rebalance timeout of the members. */
  get rebalanceTimeoutMs(): number {
    let timeoutMs = 0;
    for (const member of this.members.values()) timeoutMs = Math.max(timeoutMs, member.rebalanceTimeoutMs);
    return timeoutMs;
  }

  /** Makes sure that a member who joined leads; false when nobody did. */
  electJoinedLeader(): boolean {
    const leader = this.leaderId === null ? undefined : this.members.get(this.leaderId);
    if (leader === undefined) return false;
    if (leader.joinToken !== null) return true;
    for (const member of this.members.values()) {
      if (member.joinToken === null) continue;
      this.leaderId = member.memberId;
      return true;
    }
    return false;
  }

  /** The protocol that most members prefer among those all can speak. The group must not be empty. */
  selectProtocol(): string {
    const [first] = this.members.values();
    const common = new Set(first.protocols.map(({ name }) => name).filter((name) => this.#isCommon(name)));
    const votes = new Map<string, number>();
    for (const member of this.members.values()) {
      const vote = member.protocols.find(({ name }) => common.has(name));
      assert(vote !== undefined, `group ${this.groupId}: member ${member.memberId} has no protocol in common`);
      votes.set(vote.name, (votes.get(vote.name) ?? 0) + 1);
    }
    let selected: [name: string, count: number] = ['', 0];
    for (const [name, count] of votes) if (count > selected[1]) selected = [name, count];
    return selected[0];
  }

  /** A group that was another kind of group until now: the members have their protocols, and choose. */
  chooseProtocol(): void {
    this.protocolName = this.selectProtocol();
    this.#subscribedTopics = undefined;
  }

  /** Ephemeral: the next generation of a group with members, protocol chosen, waiting for the leader's SyncGroup. */
  beginGeneration(wallMs: number): void {
    this.generationId = nextGenerationId(this.generationId);
    this.chooseProtocol();
    this.pendingSync.clear();
    this.transitionTo('CompletingRebalance', wallMs);
  }

  /** The subscription of a member in the chosen protocol. */
  metadataOf(member: Member): Buffer {
    return member.protocols.find(({ name }) => name === this.protocolName)?.metadata ?? EMPTY_BYTES;
  }

  /** Whether members read this topic; when their subscriptions cannot be read, consumers are taken to read all. */
  isSubscribedTo(topic: string): boolean {
    if (!this.isConsumer) return false;
    const topics = this.#topics();
    return topics === undefined || topics.has(topic);
  }

  /** Whether the topics that members read are known. */
  get hasReadableSubscriptions(): boolean {
    return this.isConsumer && this.#topics() !== undefined;
  }

  /** The group as its record will tell it, were it stable (or empty) with these assignments. */
  toStored(assignments: ReadonlyMap<string, Buffer>, wallMs: number): StoredGroup {
    return {
      protocolType: this.protocolType ?? '',
      generation: this.generationId,
      protocol: this.protocolName,
      leader: this.leaderId,
      currentStateTimestamp: wallMs,
      members: [...this.members.values()].map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: member.sessionTimeoutMs,
        subscription: this.metadataOf(member),
        assignment: assignments.get(member.memberId) ?? EMPTY_BYTES,
      })),
    };
  }

  /**
   * Takes over what a record says. The record of a new group may come while that group's first rebalance is already under way: it is older
   * than what lives here and changes nothing. Members that are alive keep what is not stored.
   */
  restore(stored: StoredGroup): void {
    if (this.#isAheadOf(stored)) return;
    const living = new Map(this.members);
    this.members.clear();
    this.#staticMemberIds.clear();
    this.previousState = this.state;
    this.generationId = stored.generation;
    this.protocolType = stored.protocolType === '' ? null : stored.protocolType;
    this.protocolName = stored.protocol;
    this.stateTimestampMs = stored.currentStateTimestamp;
    this.#subscribedTopics = undefined;
    for (const row of stored.members) this.#restoreMember(row, living.get(row.memberId));
    const hasLeader = stored.leader !== null && this.members.has(stored.leader);
    this.leaderId = hasLeader ? stored.leader : (this.members.keys().next().value ?? null);
    this.state = this.members.size === 0 ? 'Empty' : 'Stable';
    this.check();
  }

  /** Invariants, asserted after every replay. */
  check(): void {
    const where = `group ${this.groupId} (${this.state})`;
    assert(
      (this.state === 'Stable') === this.members.size > 0,
      `${where}: a stored group is stable iff it has members`,
    );
    assert(this.leaderId === null || this.members.has(this.leaderId), `${where}: leader ${this.leaderId} is no member`);
    for (const memberId of this.#staticMemberIds.values())
      assert(this.members.has(memberId), `${where}: stale instance`);
  }

  #isAheadOf(stored: StoredGroup): boolean {
    if (this.state === 'PreparingRebalance') return stored.generation <= this.generationId;
    if (this.state === 'CompletingRebalance') return stored.generation < this.generationId;
    return false;
  }

  /** A record is foreign bytes: where it names a member or an instance twice, the last one counts. */
  #restoreMember(row: StoredGroup['members'][number], alive: Member | undefined): void {
    const namesake = row.groupInstanceId === null ? undefined : this.staticMemberId(row.groupInstanceId);
    if (namesake !== undefined) this.remove(namesake);
    this.remove(row.memberId);
    const member = this.#newMember(row);
    if (alive === undefined) {
      this.add(member);
      return;
    }
    const { isNew, joinToken, syncToken, session } = alive;
    const isSame = this.metadataOf(alive).equals(row.subscription);
    const protocols = isSame ? alive.protocols : member.protocols;
    this.add({ ...member, protocols, isNew, joinToken, syncToken, session });
  }

  #newMember(row: StoredGroup['members'][number]): Member {
    return {
      memberId: row.memberId,
      groupInstanceId: row.groupInstanceId,
      clientId: row.clientId,
      clientHost: row.clientHost,
      rebalanceTimeoutMs: row.rebalanceTimeout < 0 ? row.sessionTimeout : row.rebalanceTimeout,
      sessionTimeoutMs: row.sessionTimeout,
      protocols: [{ name: this.protocolName ?? '', metadata: Buffer.from(row.subscription) }],
      assignment: Buffer.from(row.assignment),
      isNew: false,
      joinToken: null,
      syncToken: null,
      session: newAlarm({ kind: 'session', groupId: this.groupId, memberId: row.memberId }),
    };
  }

  #isCommon(protocolName: string): boolean {
    for (const member of this.members.values()) {
      if (!member.protocols.some(({ name }) => name === protocolName)) return false;
    }
    return true;
  }

  #topics(): ReadonlySet<string> | undefined {
    if (this.#subscribedTopics !== undefined) return this.#subscribedTopics;
    const topics = new Set<string>();
    for (const member of this.members.values()) {
      const subscription = readSubscribedTopics(this.metadataOf(member));
      if (subscription === undefined) return undefined;
      for (const topic of subscription) topics.add(topic);
    }
    this.#subscribedTopics = topics;
    return topics;
  }
}

/** Generations count up from 1 and start again after the largest int32. */
export function nextGenerationId(generationId: number): number {
  return generationId >= 2147483647 ? 1 : generationId + 1;
}
