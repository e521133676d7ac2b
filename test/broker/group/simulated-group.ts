/**
 * A group of simulated clients around one machine: each behaves as a consumer does (joins, assigns, syncs, heartbeats, commits, obeys errors), and is
 * made to crash, leave, restart and pause by a seeded random. Time is a number; the runtime is played here as in scene.ts. Named invariants:
 *
 *     one owner          no share of a generation is held by two clients that take themselves for members
 *     no fenced commit   a commit is taken only from a member, in the newest generation, and from the newest of a static member's processes
 *     nothing forgotten  a machine replayed from the log at any record knows every member with a share, and every commit that was taken
 */

import { type GroupEvent, GroupMachine, type GroupRequestEvent, type GroupSettings, readRecord } from '#broker/group';
import { type Random, ZERO_UUID } from '#core';
import {
  type DescribeGroupsResponse,
  Errors,
  errorByCode,
  type HeartbeatResponse,
  type JoinGroupResponse,
  type OffsetCommitResponse,
  type OffsetFetchResponse,
  type SyncGroupResponse,
} from '#protocol';
import type { CoordinatorRecord, MachineReply } from '../../../src/broker/coordination/machine.ts';

import { FakeCluster } from './fake-cluster.ts';

const SESSION_MS = 10_000;
const REBALANCE_MS = 20_000;
const HEARTBEAT_MS = 3_000;
const STEP_MS = 250;
const TOPIC = { name: 't', topicId: ZERO_UUID };

type Body = JoinGroupResponse & SyncGroupResponse & HeartbeatResponse;

interface Client {
  readonly name: string;
  readonly groupInstanceId: string | null;
  readonly apiVersion: number;
  isAlive: boolean;
  memberId: string;
  generationId: number;
  /** Its share of the current generation, once it knows it. */
  assignment: string | undefined;
  isWaiting: boolean;
  nextHeartbeatMs: number;
}

export class SimulatedGroup {
  readonly clients: Client[] = [];
  readonly #settings: GroupSettings;
  readonly #random: Random;
  readonly #log: CoordinatorRecord[] = [];
  readonly #timers = new Map<string, number>();
  readonly #askers = new Map<number, { client: Client; type: string } | undefined>();
  #machine: GroupMachine;
  #nowMs = 0;
  #nextId = 1;
  /** The newest generation that anybody was told of. */
  #generationId = 0;
  /** The last offset whose commit was taken. */
  #committed = -1;
  #checkedCount = 0;
  /** Called whenever records were stored, and what they answer was heard. */
  onRecords: (() => void) | undefined;

  constructor(settings: GroupSettings, random: Random) {
    this.#settings = settings;
    this.#random = random;
    this.#machine = new GroupMachine(settings, new FakeCluster());
  }

  /** Questions that nobody has answered. */
  get openCount(): number {
    return this.#askers.size;
  }

  get recordCount(): number {
    return this.#log.length;
  }

  get alive(): Client[] {
    return this.clients.filter((client) => client.isAlive);
  }

  /** One random mishap, or none. */
  disturb(): void {
    const what = this.#random.uint32() % 12;
    const alive = this.alive;
    const victim = alive[this.#random.uint32() % Math.max(alive.length, 1)];
    if (what <= 1 && alive.length < 6) this.#start();
    else if (what === 2 && victim !== undefined) victim.isAlive = false;
    else if (what === 3 && victim !== undefined) this.#leave(victim);
    else if (what === 4 && victim?.groupInstanceId != null) this.#restart(victim);
    else if (what === 5 && this.#random.uint32() % 4 === 0) this.#reload();
    else if (what === 6 && victim !== undefined) victim.nextHeartbeatMs += this.#random.uint32() % (2 * SESSION_MS);
    else if (what >= 7 && what <= 9 && this.clients.length > 0)
      this.#commit(this.clients[this.#random.uint32() % this.clients.length]);
  }

  /** Throws when a machine replayed from the log, as a crash now would leave it, has forgotten something that was answered. */
  checkReplayed(): void {
    const machine = this.#replayed();
    machine.handle({ type: 'loaded' }, this.#now());
    const { memberIds } = this.#described();
    for (const client of this.alive) {
      if (!client.assignment || client.generationId !== this.#generationId || !memberIds.has(client.memberId)) continue;
      const event = { type: 'heartbeat', token: 0, apiVersion: 4, request: this.#speaker(client) } as GroupEvent;
      const { name } = errorByCode(this.#answerOf<HeartbeatResponse>(machine, event).errorCode);
      if (name !== 'NONE' && name !== 'REBALANCE_IN_PROGRESS')
        throw new Error(`nothing forgotten: ${client.memberId} is answered with ${name}`);
    }
    const offset = this.#offsetIn(machine);
    if (offset !== this.#committed)
      throw new Error(`nothing forgotten: ${this.#committed} was committed, not ${offset}`);
  }

  /** Lets time pass; clients heartbeat, timers fire. */
  run(durationMs: number): void {
    for (const endMs = this.#nowMs + durationMs; this.#nowMs < endMs; ) {
      this.#nowMs += STEP_MS;
      const due = [...this.#timers].filter(([, atMs]) => atMs <= this.#nowMs).map(([name]) => name);
      for (const name of due) if (this.#timers.delete(name)) this.#handle({ type: 'timer', name });
      for (const client of this.clients)
        if (client.isAlive && client.nextHeartbeatMs <= this.#nowMs) this.#beat(client);
      this.#check();
    }
  }

  /** What a machine answers to DescribeGroups: the one that runs, or one replayed from the log. */
  describe(isReplayed: boolean): string {
    const machine = isReplayed ? this.#replayed() : this.#machine;
    const event = { type: 'describe-groups', token: 0, apiVersion: 6, request: { groups: ['g'] } } as GroupEvent;
    return JSON.stringify(this.#answerOf(machine, event));
  }

  /** Also from clients that have died meanwhile: what a slow network brings. */
  #commit(client: Client): void {
    const generation = client.generationId - (this.#random.uint32() % 2);
    if (generation < 0) return;
    const { memberIds, instanceIds } = this.#described();
    const { memberId, groupInstanceId } = client;
    const partition = { partitionIndex: 0, committedLeaderEpoch: -1, committedMetadata: null };
    const topics = [{ ...TOPIC, partitions: [{ ...partition, committedOffset: this.#committed + 1 }] }];
    const member = { memberId, groupInstanceId, generationIdOrMemberEpoch: generation };
    const request = { groupId: 'g', ...member, retentionTimeMs: -1, topics };
    const event = { type: 'offset-commit', token: 0, apiVersion: 9, request } as unknown as GroupEvent;
    const body = this.#tell(event)[0].body as OffsetCommitResponse;
    if (body.topics[0].partitions[0].errorCode !== 0) return;
    this.#committed++;
    const isNewest = groupInstanceId === null || instanceIds.get(groupInstanceId) === memberId;
    if (generation !== this.#generationId || !memberIds.has(memberId) || !isNewest)
      throw new Error(`no fenced commit: ${memberId} committed in generation ${generation} of ${this.#generationId}`);
  }

  #described(): { memberIds: Set<string>; instanceIds: Map<string | null, string> } {
    const event = { type: 'describe-groups', token: 0, apiVersion: 6, request: { groups: ['g'] } } as GroupEvent;
    const { members } = this.#answerOf<DescribeGroupsResponse>(this.#machine, event).groups[0];
    return {
      memberIds: new Set(members.map(({ memberId }) => memberId)),
      instanceIds: new Map(members.map(({ memberId, groupInstanceId }) => [groupInstanceId, memberId])),
    };
  }

  #answerOf<T>(machine: GroupMachine, event: GroupEvent): T {
    return machine.handle(event, this.#now()).replies[0].body as T;
  }

  #offsetIn(machine: GroupMachine): number {
    const groups = [{ groupId: 'g', memberId: null, memberEpoch: -1, topics: [{ ...TOPIC, partitionIndexes: [0] }] }];
    const request = { groups, requireStable: false };
    const event = { type: 'offset-fetch', token: 0, apiVersion: 9, request } as unknown as GroupEvent;
    const { topics } = this.#answerOf<OffsetFetchResponse>(machine, event).groups[0];
    return topics[0].partitions[0].committedOffset;
  }

  #start(): void {
    const name = `c${this.#nextId++}`;
    const isStatic = this.#random.uint32() % 3 === 0;
    const client: Client = {
      name,
      groupInstanceId: isStatic ? `i-${name}` : null,
      apiVersion: isStatic || this.#random.uint32() % 2 === 0 ? 9 : 3,
      isAlive: true,
      memberId: '',
      generationId: -1,
      assignment: undefined,
      isWaiting: false,
      nextHeartbeatMs: this.#nowMs,
    };
    this.clients.push(client);
    this.#join(client);
  }

  /** The process of a static member is replaced by a new one, which does not know the old one's id. */
  #restart(client: Client): void {
    client.isAlive = false;
    const successor = {
      ...client,
      isAlive: true,
      memberId: '',
      generationId: -1,
      assignment: undefined,
      isWaiting: false,
    };
    this.clients.push(successor);
    this.#join(successor);
  }

  #leave(client: Client): void {
    client.isAlive = false;
    const { memberId, groupInstanceId } = client;
    const members = [{ memberId, groupInstanceId, reason: null }];
    this.#ask(client, { type: 'leave', token: 0, apiVersion: 5, request: { groupId: 'g', memberId, members } });
  }

  #reload(): void {
    const waiting = [...this.#askers.values()];
    this.#askers.clear();
    this.#timers.clear();
    this.#machine = this.#replayed();
    this.#generationId = this.#storedGeneration;
    this.#handle({ type: 'loaded' });
    for (const asker of waiting) {
      if (asker === undefined) continue;
      asker.client.isWaiting = false;
      if (asker.client.isAlive) this.#join(asker.client);
    }
  }

  #beat(client: Client): void {
    client.nextHeartbeatMs = this.#nowMs + HEARTBEAT_MS;
    if (client.isWaiting) return;
    if (client.generationId < 0) this.#join(client);
    else this.#ask(client, { type: 'heartbeat', token: 0, apiVersion: 4, request: this.#speaker(client) });
  }

  #join(client: Client): void {
    client.isWaiting = true;
    client.assignment = undefined;
    const protocols = [{ name: 'range', metadata: Buffer.from(client.name) }];
    this.#ask(client, {
      type: 'join',
      token: 0,
      apiVersion: client.apiVersion,
      clientId: client.name,
      clientHost: '/127.0.0.1',
      newMemberUuid: String(this.#nextId++),
      request: {
        groupId: 'g',
        sessionTimeoutMs: SESSION_MS,
        rebalanceTimeoutMs: REBALANCE_MS,
        memberId: client.memberId,
        groupInstanceId: client.groupInstanceId,
        protocolType: 'x',
        protocols,
        reason: null,
      },
    });
  }

  #speaker({ memberId, groupInstanceId, generationId }: Client) {
    return { groupId: 'g', memberId, groupInstanceId, generationId };
  }

  #ask(client: Client, event: GroupRequestEvent): void {
    const token = this.#nextId++;
    this.#askers.set(token, { client, type: event.type });
    this.#handle({ ...event, token });
  }

  #handle(event: GroupEvent): void {
    for (const { token, body } of this.#tell(event)) {
      this.#generationId = Math.max(this.#generationId, (body as Body).generationId ?? 0);
      const asker = this.#askers.get(token);
      if (!this.#askers.delete(token) || asker === undefined) throw new Error(`token ${token} was answered twice`);
      if (asker.client.isAlive) this.#hear(asker.client, asker.type, body as Body);
    }
    if (this.#log.length === this.#checkedCount) return;
    this.#checkedCount = this.#log.length;
    this.onRecords?.();
  }

  /** What the machine replies, when its records are stored and its timers set. */
  #tell(event: GroupEvent): readonly MachineReply[] {
    const output = this.#machine.handle(event, this.#now());
    for (const record of output.records) {
      this.#machine.replay(record, this.#log.length);
      this.#log.push(record);
    }
    for (const { name, delayMs } of output.timers) {
      if (delayMs === null) this.#timers.delete(name);
      else this.#timers.set(name, this.#nowMs + delayMs);
    }
    return output.replies;
  }

  #hear(client: Client, type: string, body: Body): void {
    client.isWaiting = false;
    switch (body.errorCode) {
      case Errors.NONE.code:
        if (type === 'join') this.#sync(client, body);
        else if (type === 'sync') client.assignment = body.assignment.toString();
        return;
      case Errors.MEMBER_ID_REQUIRED.code:
        client.memberId = body.memberId;
        break;
      case Errors.FENCED_INSTANCE_ID.code:
        client.isAlive = false;
        return;
      case Errors.REBALANCE_IN_PROGRESS.code:
        break;
      case Errors.UNKNOWN_MEMBER_ID.code:
      case Errors.ILLEGAL_GENERATION.code:
        client.memberId = '';
        client.generationId = -1;
        break;
      default:
        throw new Error(`${type} was answered with ${body.errorCode}`);
    }
    this.#join(client);
  }

  #sync(client: Client, body: Body): void {
    client.memberId = body.memberId;
    client.generationId = body.generationId;
    client.isWaiting = true;
    const isAssigning = body.leader === body.memberId && !body.skipAssignment;
    const assignments = isAssigning
      ? body.members.map(({ memberId, metadata }) => ({
          memberId,
          assignment: Buffer.from(`${body.generationId}:${metadata}`),
        }))
      : [];
    const request = { ...this.#speaker(client), protocolType: 'x', protocolName: 'range', assignments };
    this.#ask(client, { type: 'sync', token: 0, apiVersion: 5, request });
  }

  /** No share of a generation is held twice, by members that take themselves for members. */
  #check(): void {
    const holders = new Map<string, Client>();
    for (const client of this.alive) {
      if (client.assignment === undefined || client.assignment === '') continue;
      const other = holders.get(client.assignment);
      if (other !== undefined)
        throw new Error(`${client.assignment} is held by ${other.memberId} and ${client.memberId}`);
      holders.set(client.assignment, client);
      const own = `${client.generationId}:${client.name}`;
      if (client.assignment !== own) throw new Error(`${client.memberId} has ${client.assignment}, not ${own}`);
    }
  }

  #replayed(): GroupMachine {
    const machine = new GroupMachine(this.#settings, new FakeCluster());
    for (const [offset, record] of this.#log.entries()) machine.replay(record, offset);
    return machine;
  }

  /** A generation is stored when its leader has assigned it; one that was not is given up with the machine. */
  get #storedGeneration(): number {
    const generations = this.#log.map(readRecord).map((read) => (read.type === 'group' ? read.stored.generation : 0));
    return Math.max(0, ...generations);
  }

  #now() {
    return { wallMs: 1_700_000_000_000 + this.#nowMs, monotonicMs: this.#nowMs };
  }
}
