/**
 * One group whose members speak either protocol, played around one machine: they join, read, give partitions up slowly, commit, leave, die, fall silent
 * and come back, lose answers, while topics grow and the machine is thrown away and replayed. Every step is judged by named invariants:
 *
 *     one owner          no partition is read by two members that the coordinator has not given up
 *     no fenced commit   a commit is taken only from a member of the group, for what it may read
 *     epochs rise        group, target and member epochs never go down
 *     target reached     when nothing more happens, all members read all partitions, each what it is to have
 */
import { type GroupEvent, GroupMachine, type GroupSettings } from '#broker/group';
import type { Random } from '#core';
import {
  type ConsumerGroupDescribeResponse,
  type ConsumerGroupHeartbeatResponse,
  decodeAssignment,
  decodeSubscription,
  Errors,
  encodeAssignment,
  encodeSubscription,
  errorByCode,
  type HeartbeatResponse,
  type JoinGroupResponse,
  type ListGroupsResponse,
  type OffsetCommitResponse,
  type SyncGroupResponse,
} from '#protocol';
import type { CoordinatorRecord } from '../../../src/broker/coordination/machine.ts';
import { FakeCluster } from './fake-cluster.ts';

const TOPIC = 't';
const GROUP = 'g';
const STEP_MS = 250;
const REBALANCE_MS = 20_000;
const CLASSIC_SESSION_MS = 10_000;

type Body = ConsumerGroupHeartbeatResponse & JoinGroupResponse & SyncGroupResponse & HeartbeatResponse;

interface Client {
  readonly name: string;
  readonly protocol: 'consumer' | 'classic';
  readonly instanceId: string | null;
  memberId: string;
  /** Epoch or generation; 0 = it has to join. */
  epoch: number;
  /** What it reads now. */
  owned: Set<number>;
  /** What it was told last that it may read. */
  assigned: Set<number>;
  /** It reads no further until it has spoken, or not at all. */
  isSilent: boolean;
  nextHeartbeatMs: number;
  /** When it is done with giving up. */
  revokedMs: number;
  /** It says everything, because it is not sure what was heard. */
  mustTellAll: boolean;
  isWaiting: boolean;
}

export class SimulatedMembers {
  readonly clients: Client[] = [];
  readonly log: CoordinatorRecord[] = [];
  readonly #settings: GroupSettings;
  readonly #random: Random;
  readonly #cluster = new FakeCluster();
  readonly #timers = new Map<string, number>();
  readonly #askers = new Map<number, (body: Body) => void>();
  readonly #highestEpochs = new Map<string, number>();
  #machine: GroupMachine;
  #partitionCount = 4;
  #nowMs = 0;
  #nextId = 1;

  constructor(settings: GroupSettings, random: Random) {
    this.#settings = settings;
    this.#random = random;
    this.#cluster.config = { sessionTimeoutMs: 15_000, heartbeatIntervalMs: 3_000, assignmentIntervalMs: 1_000 };
    this.#cluster.put(TOPIC, this.#partitionCount);
    this.#machine = this.#load(this.log);
  }

  /** One random mishap, or none. */
  disturb(): void {
    const what = this.#random.uint32() % 16;
    const speaking = this.clients.filter(({ isSilent }) => !isSilent);
    const client = this.clients[this.#random.uint32() % Math.max(this.clients.length, 1)];
    if (what < 3 && speaking.length < 5) this.#start();
    else if (what === 3 && client !== undefined) this.#leave(client);
    else if (what === 4 && client !== undefined) this.#kill(client);
    else if (what === 5 && client !== undefined) client.isSilent = !client.isSilent;
    else if (what === 6 && client !== undefined) client.mustTellAll = true;
    else if (what === 7 && this.#partitionCount < 12) this.#grow();
    else if (what === 8) this.#crash();
    else if (what < 12 && client !== undefined) this.#commit(client);
  }

  /** Time passes; everybody does what is due. */
  run(durationMs: number): void {
    for (const endMs = this.#nowMs + durationMs; this.#nowMs < endMs; this.#nowMs += STEP_MS) {
      this.#fireDue();
      for (const client of [...this.clients]) this.#act(client);
      this.#checkOwners();
      this.#checkEpochs();
    }
  }

  /** Everybody who was silent speaks again. */
  wake(): void {
    for (const client of this.clients) client.isSilent = false;
    this.#rejoinClassic();
  }

  /** What is wrong with the group when nothing more happens; undefined when the target is reached. */
  get unrest(): string | undefined {
    if (this.clients.length === 0) return undefined;
    const read = this.clients.flatMap(({ owned }) => [...owned]).sort((left, right) => left - right);
    const all = Array.from({ length: this.#partitionCount }, (_, partition) => partition);
    if (read.join() !== all.join()) return `${read.join()} of ${this.#partitionCount} are read`;
    const { groupState } = this.#ask<ListGroupsResponse>('list-groups', { statesFilter: [], typesFilter: [] }, 5)
      .groups[0];
    return groupState === 'Stable' ? undefined : groupState;
  }

  /** Replays each beginning of the log: what any crash would leave. Throws when one of them cannot be. */
  replayEveryPrefix(): void {
    const machine = new GroupMachine(this.#settings, this.#cluster);
    for (const [offset, record] of this.log.entries()) {
      machine.replay(record, offset);
      this.#load(this.log.slice(0, offset + 1));
    }
  }

  /** The machine as it is, and one that is replayed from the log, as they describe the group. */
  portraits(): readonly [actual: string, replayed: string] {
    return [this.#portrait(this.#machine), this.#portrait(this.#load(this.log))];
  }

  #start(): void {
    const protocol = this.#random.uint32() % 3 === 0 ? 'classic' : 'consumer';
    const isStatic = this.#random.uint32() % 4 === 0;
    const name = `c${this.#nextId++}`;
    this.clients.push({
      name,
      protocol,
      instanceId: isStatic ? `i-${name}` : null,
      memberId: protocol === 'consumer' ? `m-${name}` : '',
      epoch: 0,
      owned: new Set(),
      assigned: new Set(),
      isSilent: false,
      nextHeartbeatMs: this.#nowMs,
      revokedMs: 0,
      mustTellAll: true,
      isWaiting: false,
    });
  }

  #kill(client: Client): void {
    this.clients.splice(this.clients.indexOf(client), 1);
  }

  #leave(client: Client): void {
    this.#kill(client);
    if (client.protocol === 'consumer') {
      const memberEpoch = client.instanceId !== null && this.#random.uint32() % 2 === 0 ? -2 : -1;
      this.#send(client, 'consumer-heartbeat', { ...this.#heartbeatOf(client), memberEpoch }, 1, () => {});
      if (memberEpoch === -2) this.#comeBack(client);
      return;
    }
    const members = [{ memberId: client.memberId, groupInstanceId: client.instanceId, reason: null }];
    this.#send(client, 'leave', { groupId: GROUP, memberId: client.memberId, members }, 5, () => {});
  }

  /** A static member that left for a while comes back under a new id. */
  #comeBack(client: Client): void {
    const memberId = `m-${client.name}-${this.#nextId++}`;
    this.clients.push({ ...client, memberId, epoch: 0, owned: new Set(), assigned: new Set(), mustTellAll: true });
  }

  #grow(): void {
    this.#partitionCount += 1 + (this.#random.uint32() % 2);
    this.#cluster.put(TOPIC, this.#partitionCount);
    this.#handle({ type: 'topics-changed', topics: [TOPIC] });
    this.#rejoinClassic();
  }

  /** Consumers of the classic protocol see for themselves that a topic has grown. */
  #rejoinClassic(): void {
    for (const client of this.clients) {
      if (client.protocol === 'classic' && !client.isSilent && !client.isWaiting) this.#lose(client);
    }
  }

  /** The machine is thrown away and replayed; whoever waited asks again. */
  #crash(): void {
    this.#timers.clear();
    const owed = [...this.#askers.values()];
    this.#askers.clear();
    this.#machine = this.#load(this.log);
    this.#handle({ type: 'loaded' });
    for (const answer of owed) answer({ errorCode: Errors.COORDINATOR_NOT_AVAILABLE.code } as Body);
  }

  #commit(client: Client): void {
    const partition = this.#random.uint32() % this.#partitionCount;
    const epoch = client.epoch - (this.#random.uint32() % 3);
    if (epoch <= 0) return;
    const { topicId } = this.#cluster.topic(TOPIC)!;
    const offset = { partitionIndex: partition, committedOffset: 1, committedLeaderEpoch: -1, committedMetadata: null };
    const request = {
      groupId: GROUP,
      generationIdOrMemberEpoch: epoch,
      memberId: client.memberId,
      groupInstanceId: client.instanceId,
      retentionTimeMs: -1,
      topics: [{ name: TOPIC, topicId, partitions: [offset] }],
    };
    const member = this.#described()?.members.find(({ memberId }) => memberId === client.memberId);
    const isClassicGroup = this.#described() === undefined;
    const body = this.#ask<OffsetCommitResponse>('offset-commit', request, 9);
    const isTaken = body.topics[0].partitions[0].errorCode === 0;
    if (!isTaken || isClassicGroup) return;
    const owned = member?.assignment.topicPartitions.flatMap(({ partitions }) => partitions) ?? [];
    const mayCommit = member !== undefined && (epoch === member.memberEpoch || owned.includes(partition));
    if (!mayCommit) throw new Error(`no fenced commit: ${client.name} in epoch ${epoch} committed ${partition}`);
  }

  #act(client: Client): void {
    if (client.isSilent || client.isWaiting) return;
    const mustRevoke = [...client.owned].some((partition) => !client.assigned.has(partition));
    const hasRevoked = mustRevoke && this.#nowMs >= client.revokedMs;
    if (hasRevoked) {
      client.owned = new Set([...client.owned].filter((partition) => client.assigned.has(partition)));
      client.mustTellAll = true;
    }
    if (client.protocol === 'consumer' && !mustRevoke && client.epoch > 0) this.#read(client);
    if (this.#nowMs < client.nextHeartbeatMs && !hasRevoked && client.epoch > 0) return;
    client.nextHeartbeatMs = this.#nowMs + 3_000;
    if (client.protocol === 'consumer') this.#beat(client);
    else if (client.epoch === 0) this.#join(client);
    else this.#beatClassic(client);
  }

  /** It takes up what it was told that it may read. */
  #read(client: Client): void {
    if ([...client.assigned].every((partition) => client.owned.has(partition))) return;
    client.owned = new Set(client.assigned);
    client.mustTellAll = true;
  }

  #beat(client: Client): void {
    const isLost = this.#random.uint32() % 20 === 0;
    this.#send(client, 'consumer-heartbeat', this.#heartbeatOf(client), 1, (body) => {
      client.mustTellAll = isLost;
      if (isLost) return;
      const { name } = errorByCode(body.errorCode);
      if (name === 'UNRELEASED_INSTANCE_ID' || name === 'COORDINATOR_NOT_AVAILABLE') return;
      if (body.errorCode !== 0) return this.#lose(client);
      client.epoch = body.memberEpoch;
      if (body.assignment == null) return;
      client.assigned = new Set(body.assignment.topicPartitions.flatMap(({ partitions }) => partitions));
      client.revokedMs = this.#nowMs + (this.#random.uint32() % 8_000);
    });
  }

  #heartbeatOf(client: Client): object {
    const isJoining = client.epoch === 0;
    const { topicId } = this.#cluster.topic(TOPIC)!;
    const owned = client.owned.size === 0 ? [] : [{ topicId, partitions: [...client.owned] }];
    return {
      groupId: GROUP,
      memberId: client.memberId,
      memberEpoch: client.epoch,
      instanceId: client.instanceId,
      rackId: null,
      rebalanceTimeoutMs: client.mustTellAll || isJoining ? REBALANCE_MS : -1,
      subscribedTopicNames: client.mustTellAll || isJoining ? [TOPIC] : null,
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions: isJoining ? [] : client.mustTellAll ? owned : null,
    };
  }

  /** It reads nothing any more, and joins anew. */
  #lose(client: Client): void {
    client.epoch = 0;
    client.owned = new Set();
    client.assigned = new Set();
    client.mustTellAll = true;
    client.nextHeartbeatMs = this.#nowMs;
  }

  #beatClassic(client: Client): void {
    const { memberId, instanceId: groupInstanceId, epoch: generationId } = client;
    this.#send(client, 'heartbeat', { groupId: GROUP, memberId, groupInstanceId, generationId }, 4, (body) => {
      const { name } = errorByCode(body.errorCode);
      if (name === 'REBALANCE_IN_PROGRESS') this.#lose(client);
      else if (name !== 'NONE' && name !== 'COORDINATOR_NOT_AVAILABLE') this.#forget(client);
    });
  }

  #forget(client: Client): void {
    this.#lose(client);
    client.memberId = '';
  }

  /** Eager: it gives everything up before. */
  #join(client: Client): void {
    this.#lose(client);
    const request = {
      groupId: GROUP,
      sessionTimeoutMs: CLASSIC_SESSION_MS,
      rebalanceTimeoutMs: REBALANCE_MS,
      memberId: client.memberId,
      groupInstanceId: client.instanceId,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: encodeSubscription({ topics: [TOPIC] }, 1) }],
      reason: null,
    };
    this.#send(client, 'join', request, 9, (body) => {
      const { name } = errorByCode(body.errorCode);
      if (name === 'MEMBER_ID_REQUIRED') client.memberId = body.memberId;
      else if (name === 'NONE') this.#sync(client, body);
      else if (name !== 'COORDINATOR_NOT_AVAILABLE' && name !== 'REBALANCE_IN_PROGRESS') this.#forget(client);
    });
  }

  #sync(client: Client, joined: Body): void {
    client.memberId = joined.memberId;
    const { generationId, leader, members, skipAssignment } = joined;
    const isLeading = leader === client.memberId && !skipAssignment;
    const request = {
      groupId: GROUP,
      memberId: client.memberId,
      groupInstanceId: client.instanceId,
      generationId,
      protocolType: 'consumer',
      protocolName: 'range',
      assignments: isLeading ? this.#assign(members) : [],
    };
    this.#send(client, 'sync', request, 5, (body) => {
      const { name } = errorByCode(body.errorCode);
      if (name === 'REBALANCE_IN_PROGRESS' || name === 'COORDINATOR_NOT_AVAILABLE') return;
      if (name !== 'NONE') return this.#forget(client);
      client.epoch = generationId;
      const { assignedPartitions } =
        body.assignment.length === 0 ? { assignedPartitions: [] } : decodeAssignment(body.assignment);
      client.assigned = new Set(assignedPartitions.flatMap(({ partitions }) => partitions));
      client.owned = new Set(client.assigned);
    });
  }

  #assign(members: Body['members']): object[] {
    return members.map(({ memberId, metadata }, index) => {
      const { topics } = decodeSubscription(metadata);
      const all = Array.from(
        { length: topics.includes(TOPIC) ? this.#partitionCount : 0 },
        (_, partition) => partition,
      );
      const partitions = all.filter((partition) => partition % members.length === index);
      return { memberId, assignment: encodeAssignment({ assignedPartitions: [{ topic: TOPIC, partitions }] }, 1) };
    });
  }

  #send(client: Client, type: string, request: object, apiVersion: number, answer: (body: Body) => void): void {
    client.isWaiting = true;
    const token = this.#nextId++;
    this.#askers.set(token, (body) => {
      client.isWaiting = false;
      answer(body);
    });
    const identity = { clientId: client.name, clientHost: '/h', newMemberUuid: `u${token}`, newMemberId: `u${token}` };
    this.#handle({ type, token, apiVersion, request, mayKnow: () => true, ...identity } as unknown as GroupEvent);
  }

  #ask<T>(type: string, request: object, apiVersion: number): T {
    let answer: unknown;
    const token = this.#nextId++;
    this.#askers.set(token, (body) => (answer = body));
    this.#handle({ type, token, apiVersion, request } as unknown as GroupEvent);
    return answer as T;
  }

  #handle(event: GroupEvent): void {
    const output = this.#machine.handle(event, { wallMs: this.#nowMs, monotonicMs: this.#nowMs });
    for (const record of output.records) {
      this.log.push(record);
      this.#machine.replay(record, this.log.length - 1);
    }
    for (const { name, delayMs } of output.timers) {
      if (delayMs === null) this.#timers.delete(name);
      else this.#timers.set(name, this.#nowMs + delayMs);
    }
    for (const { token, body } of output.replies) {
      const answer = this.#askers.get(token);
      this.#askers.delete(token);
      answer?.(body as Body);
    }
  }

  #fireDue(): void {
    for (const [name, atMs] of [...this.#timers].sort((left, right) => left[1] - right[1])) {
      if (atMs > this.#nowMs || this.#timers.get(name) !== atMs) continue;
      this.#timers.delete(name);
      this.#handle({ type: 'timer', name });
    }
  }

  #described(machine = this.#machine): ConsumerGroupDescribeResponse['groups'][number] | undefined {
    const now = { wallMs: this.#nowMs, monotonicMs: this.#nowMs };
    const event = { type: 'describe-consumer-groups', token: 0, apiVersion: 1, request: { groupIds: [GROUP] } };
    const { replies } = machine.handle(event as unknown as GroupEvent, now);
    const [group] = (replies[0].body as ConsumerGroupDescribeResponse).groups;
    return group.errorCode === 0 ? group : undefined;
  }

  /** Whom the coordinator has given up, or whose generation is over, may not know it yet: it is no owner, and its commits are refused. */
  #checkOwners(): void {
    const known = this.#described()?.members;
    if (known === undefined) return;
    const owners = new Map<number, string>();
    for (const { name, protocol, memberId, owned, epoch } of this.clients) {
      const member = known.find((each) => each.memberId === memberId);
      if (epoch === 0 || member === undefined) continue;
      if (protocol === 'classic' && member.memberEpoch !== epoch) continue;
      for (const partition of owned) {
        const other = owners.get(partition);
        if (other !== undefined)
          throw new Error(`one owner: ${partition} is read by ${other} and ${name} at ${this.#nowMs}`);
        owners.set(partition, name);
      }
    }
  }

  #checkEpochs(): void {
    const group = this.#described();
    if (group === undefined || group.groupState === 'Empty') {
      this.#highestEpochs.clear();
      return;
    }
    this.#mustRise('group', group.groupEpoch);
    this.#mustRise('target', group.assignmentEpoch);
    for (const { memberId, memberEpoch } of group.members) if (memberEpoch > 0) this.#mustRise(memberId, memberEpoch);
  }

  #mustRise(what: string, epoch: number): void {
    const before = this.#highestEpochs.get(what) ?? 0;
    if (epoch < before) throw new Error(`epochs rise: that of ${what} fell from ${before} to ${epoch}`);
    this.#highestEpochs.set(what, epoch);
  }

  #load(log: readonly CoordinatorRecord[]): GroupMachine {
    const machine = new GroupMachine(this.#settings, this.#cluster);
    for (const [offset, record] of log.entries()) machine.replay(record, offset);
    return machine;
  }

  #portrait(machine: GroupMachine): string {
    const group = this.#described(machine);
    const members = [...(group?.members ?? [])].sort((left, right) => (left.memberId < right.memberId ? -1 : 1));
    return JSON.stringify({ ...group, members });
  }
}
