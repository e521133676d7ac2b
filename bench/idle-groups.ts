/**
 * What groups cost whose members do nothing but heartbeat: in the machine (memory of a group, time of a heartbeat), and in a broker
 * with a thousand of them (memory and processor time of its process), beside Apache Kafka where that is:
 *
 *     node --expose-gc --conditions=springtide-src bench/idle-groups.ts [groups] [members of each] [seconds]
 *
 * All groups read the same topic, with a partition a member. Members heartbeat as often as clients do: each 3 s, or with the consumer
 * protocol 5 s.
 */
import { readFileSync } from 'node:fs';
import { type GroupEvent, GroupMachine, groupConfigTable, groupSettings } from '#broker/group';
import { parseConfig, silentLogger, systemClock, type Uuid } from '#core';
import { RequestChannel, tcpTransport } from '#net';
import { type Api, Apis, Errors, encodeAssignment, encodeSubscription } from '#protocol';
import { FakeCluster } from '../test/broker/group/fake-cluster.ts';
import { type BrokerProcess, hasRival, startOurs, startRival } from './broker-process.ts';
import { count, fixed, printTable } from './table.ts';

const [groupCount = 1000, memberCount = 2, seconds = 20] = process.argv.slice(2).map(Number);
const CONNECTIONS = 20;
const GATHERED_MS_MAX = 60_000;

type Protocol = 'classic' | 'consumer';

/** A member: of a generation, or of an epoch, which `generationId` is too. */
interface Speaker {
  readonly groupId: string;
  readonly memberId: string;
  readonly generationId: number;
}

/** Asks a coordinator, and gets its answer. */
interface Coordinator {
  join(groupId: string, memberId: string): Promise<{ errorCode: number; memberId: string; generationId: number }>;
  /** Members, by the number of the partition that they are to have. */
  sync(speaker: Speaker, members: readonly string[]): Promise<Answer>;
  heartbeat(speaker: Speaker): Promise<Answer>;
  /** `owns`: undefined when nothing has changed. */
  member(speaker: Speaker, owns?: readonly number[]): Promise<Answer & { memberEpoch: number }>;
}

interface Answer {
  readonly errorCode: number;
}

const HEARTBEAT_MS: Readonly<Record<Protocol, number>> = { classic: 3000, consumer: 5000 };

class MachineCoordinator implements Coordinator {
  timersSet = 0;
  records = 0;
  readonly #cluster = new FakeCluster();
  readonly #machine: GroupMachine;
  readonly #timers = new Map<string, number>();
  readonly #answers = new Map<number, (body: never) => void>();
  #nextToken = 1;
  #offset = 0;
  #nowMs = 0;

  constructor() {
    const config = { 'group.initial.rebalance.delay.ms': 0 };
    this.#machine = new GroupMachine(groupSettings(parseConfig(groupConfigTable, config).config), this.#cluster);
    this.#cluster.put('t', memberCount);
    this.handle({ type: 'loaded', isAfterNodeStart: false });
  }

  handle(event: object): void {
    this.#take(this.#machine.handle(event as GroupEvent, this.#now()));
  }

  join(groupId: string, memberId: string): ReturnType<Coordinator['join']> {
    const identity = { clientId: 'c', clientHost: '/127.0.0.1', newMemberUuid: String(this.#nextToken) };
    return this.#ask({ type: 'join', apiVersion: 3, ...identity, request: joinRequest(groupId, memberId) });
  }

  sync(speaker: Speaker, members: readonly string[]): Promise<Answer> {
    return this.#ask({ type: 'sync', apiVersion: 4, request: syncRequest(speaker, members) });
  }

  heartbeat(speaker: Speaker): Promise<Answer> {
    return this.#ask({ type: 'heartbeat', apiVersion: 4, request: { ...speaker, groupInstanceId: null } });
  }

  member(speaker: Speaker, owns?: readonly number[]): ReturnType<Coordinator['member']> {
    const request = memberRequest(speaker, this.#cluster.topic('t')!.topicId, owns);
    const identity = { clientId: 'c', clientHost: '/127.0.0.1', newMemberId: '' };
    return this.#ask({ type: 'consumer-heartbeat', apiVersion: 1, ...identity, mayKnow: () => true, request });
  }

  /** Time passes, and timers fire that are due. */
  advance(ms: number): void {
    this.#nowMs += ms;
    for (const [name, atMs] of this.#timers) {
      if (atMs > this.#nowMs) continue;
      this.#timers.delete(name);
      this.handle({ type: 'timer', name });
    }
  }

  #ask<T>(event: object): Promise<T> {
    const token = this.#nextToken++;
    return new Promise((resolve) => {
      this.#answers.set(token, resolve);
      this.handle({ ...event, token });
      if (this.#answers.has(token)) setImmediate(() => this.advance(1));
    });
  }

  #take({ records, replies, timers }: ReturnType<GroupMachine['handle']>): void {
    for (const record of records) this.#machine.replay(record, this.#offset++, -1);
    this.records += records.length;
    this.timersSet += timers.length;
    for (const { name, delayMs } of timers) {
      if (delayMs === null) this.#timers.delete(name);
      else this.#timers.set(name, this.#nowMs + delayMs);
    }
    for (const { token, body } of replies) {
      this.#answers.get(token)!(body as never);
      this.#answers.delete(token);
    }
  }

  #now(): { wallMs: number; monotonicMs: number } {
    return { wallMs: 1_700_000_000_000 + this.#nowMs, monotonicMs: this.#nowMs };
  }
}

/** A broker over the wire. */
class BrokerCoordinator implements Coordinator {
  readonly #channels: RequestChannel[] = [];
  /** Connections that only join, and that do not just now. */
  readonly #free: number[] = [];
  #lanes = CONNECTIONS;
  #address: readonly [host: string, port: number] = ['', 0];
  #topicId: Uuid = '';
  #next = 0;

  async connect(bootstrapServers: string): Promise<void> {
    const [host, port] = bootstrapServers.split(':');
    this.#address = [host, Number(port)];
    for (let index = 0; index < CONNECTIONS; index++) await this.#channel(index);
    const topics = [{ name: 't', numPartitions: memberCount, replicationFactor: 1 }];
    const request = { topics, timeoutMs: 10_000, validateOnly: false };
    const made = await this.#channels[0].send(Apis.CreateTopics, 7, request, { timeoutMs: 30_000 });
    this.#topicId = made.topics[0].topicId;
    // Makes the topic of the offsets.
    await this.#send(Apis.FindCoordinator, 4, { keyType: 0, coordinatorKeys: ['g0'] });
    await systemClock.sleep(3000);
  }

  /** A connection that joins hears nothing else until it is answered. */
  async join(groupId: string, memberId: string): ReturnType<Coordinator['join']> {
    const lane = this.#free.pop() ?? this.#lanes++;
    const channel = await this.#channel(lane);
    const answer = await channel.send(Apis.JoinGroup, 3, joinRequest(groupId, memberId), { timeoutMs: 60_000 });
    this.#free.push(lane);
    return answer as Awaited<ReturnType<Coordinator['join']>>;
  }

  sync(speaker: Speaker, members: readonly string[]): Promise<Answer> {
    return this.#send(Apis.SyncGroup, 4, syncRequest(speaker, members));
  }

  heartbeat(speaker: Speaker): Promise<Answer> {
    return this.#send(Apis.Heartbeat, 4, { ...speaker, groupInstanceId: null });
  }

  member(speaker: Speaker, owns?: readonly number[]): ReturnType<Coordinator['member']> {
    return this.#send(Apis.ConsumerGroupHeartbeat, 1, memberRequest(speaker, this.#topicId, owns));
  }

  close(): void {
    for (const channel of this.#channels) channel.close();
  }

  async #channel(index: number): Promise<RequestChannel> {
    if (this.#channels[index] === undefined) {
      const connection = await tcpTransport().connect(...this.#address);
      const options = { clientId: 'c', clock: systemClock, logger: silentLogger };
      this.#channels[index] = new RequestChannel(connection, options);
    }
    return this.#channels[index];
  }

  #send(api: Api, version: number, request: object): Promise<never> {
    const channel = this.#channels[this.#next++ % CONNECTIONS];
    return channel.send(api, version, request, { timeoutMs: 60_000 }) as Promise<never>;
  }
}

function joinRequest(groupId: string, memberId: string): object {
  const protocol = { name: 'range', metadata: encodeSubscription({ topics: ['t'], ownedPartitions: [] }, 1) };
  const timeouts = { sessionTimeoutMs: 600_000, rebalanceTimeoutMs: 60_000 };
  const identity = { groupId, memberId, groupInstanceId: null, protocolType: 'consumer' };
  return { ...identity, ...timeouts, protocols: [protocol], reason: null };
}

function syncRequest(speaker: Speaker, members: readonly string[]): object {
  const assignments = members.map((memberId, partition) => {
    const assignment = encodeAssignment({ assignedPartitions: [{ topic: 't', partitions: [partition] }] }, 1);
    return { memberId, assignment };
  });
  return { ...speaker, groupInstanceId: null, protocolType: null, protocolName: null, assignments };
}

function memberRequest(speaker: Speaker, topicId: Uuid, owns: readonly number[] | undefined): object {
  const { groupId, memberId, generationId: memberEpoch } = speaker;
  const isJoining = memberEpoch === 0;
  return {
    ...{ groupId, memberId, memberEpoch, instanceId: null, rackId: null, serverAssignor: null },
    rebalanceTimeoutMs: isJoining ? 60_000 : -1,
    subscribedTopicNames: isJoining ? ['t'] : null,
    subscribedTopicRegex: null,
    topicPartitions: owns === undefined ? null : owns.map((partition) => ({ topicId, partitions: [partition] })),
  };
}

/** A group in which nothing is left to be done. */
async function gather(coordinator: Coordinator, protocol: Protocol, groupId: string): Promise<Speaker[]> {
  return protocol === 'classic' ? gatherClassic(coordinator, groupId) : gatherConsumers(coordinator, groupId);
}

async function gatherClassic(coordinator: Coordinator, groupId: string): Promise<Speaker[]> {
  const join = (memberId: string) => coordinator.join(groupId, memberId);
  let joined = [await join('')];
  while (joined.length < memberCount) {
    const another = join('');
    // Whoever is there joins again when another comes.
    const first = { ...joined[0], groupId };
    while ((await coordinator.heartbeat(first)).errorCode !== Errors.REBALANCE_IN_PROGRESS.code)
      await systemClock.sleep(10);
    joined = await Promise.all([...joined.map(({ memberId }) => join(memberId)), another]);
  }
  const members = joined.map(({ memberId, generationId }) => ({ groupId, memberId, generationId }));
  const ids = members.map(({ memberId }) => memberId);
  const synced = await Promise.all(members.map((member, index) => coordinator.sync(member, index === 0 ? ids : [])));
  if ([...joined, ...synced].some(({ errorCode }) => errorCode !== 0)) throw new Error(`${groupId} did not gather`);
  return members;
}

async function gatherConsumers(coordinator: Coordinator, groupId: string): Promise<Speaker[]> {
  const beatOf = async (index: number, epoch: number, owns: readonly number[]): Promise<number> => {
    const speaker = { groupId, memberId: `m${index}`, generationId: epoch };
    const { errorCode, memberEpoch } = await coordinator.member(speaker, owns);
    if (errorCode !== 0) throw new Error(`${groupId}: error ${errorCode}`);
    return memberEpoch;
  };
  const epochs: number[] = [];
  for (let index = 0; index < memberCount; index++) epochs.push(await beatOf(index, 0, []));
  const endMs = performance.now() + GATHERED_MS_MAX;
  // Each member that came, or whose target is another one, took an epoch; a group is whole in one epoch.
  for (let calm = 0; calm < 2; ) {
    if (performance.now() > endMs) throw new Error(`${groupId} comes to no end: epochs ${epochs}`);
    if (coordinator instanceof MachineCoordinator) coordinator.advance(0);
    else await systemClock.sleep(1100);
    const before = epochs.join();
    for (const [index, epoch] of epochs.entries()) {
      epochs[index] = await beatOf(index, epoch, new Set(epochs).size === 1 ? [index] : []);
    }
    calm = epochs.join() === before && new Set(epochs).size === 1 ? calm + 1 : 0;
  }
  return epochs.map((generationId, index) => ({ groupId, memberId: `m${index}`, generationId }));
}

async function gatherAll(coordinator: Coordinator, protocol: Protocol): Promise<Speaker[]> {
  const members: Speaker[] = [];
  const groupIds = Array.from({ length: groupCount }, (_, index) => `${protocol}-${index}`);
  // Time in the machine passes for all groups, and only as members wish.
  const atOnce = protocol === 'classic' ? 100 : groupCount;
  const together = coordinator instanceof MachineCoordinator ? 1 : atOnce;
  for (let start = 0; start < groupCount; start += together) {
    const some = groupIds.slice(start, start + together);
    const gathered = await Promise.all(some.map((groupId) => gather(coordinator, protocol, groupId)));
    members.push(...gathered.flat());
  }
  return members;
}

function beat(coordinator: Coordinator, protocol: Protocol, member: Speaker): Promise<Answer> {
  return protocol === 'classic' ? coordinator.heartbeat(member) : coordinator.member(member);
}

function heapBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

async function measureMachine(protocol: Protocol): Promise<string[]> {
  const coordinator = new MachineCoordinator();
  const before = heapBytes();
  const members = await gatherAll(coordinator, protocol);
  const bytes = heapBytes() - before;
  const [timers, records] = [coordinator.timersSet, coordinator.records];
  const rounds = 20;
  let cpuMicros = 0;
  for (let round = 0; round < rounds; round++) {
    // The first half only warms up.
    if (round === rounds / 2) cpuMicros = 0;
    coordinator.advance(HEARTBEAT_MS[protocol]);
    const started = process.cpuUsage();
    for (const member of members) {
      const { errorCode } = await beat(coordinator, protocol, member);
      if (errorCode !== 0) throw new Error(`${member.groupId}: error ${errorCode}`);
    }
    const { user, system } = process.cpuUsage(started);
    cpuMicros += user + system;
  }
  const heartbeats = members.length * rounds;
  return [
    protocol,
    count(bytes / groupCount),
    fixed((cpuMicros * 2) / heartbeats, 1),
    fixed((coordinator.timersSet - timers) / heartbeats, 3),
    fixed((coordinator.records - records) / heartbeats, 3),
  ];
}

async function measureBroker(broker: BrokerProcess): Promise<string[][]> {
  const coordinator = new BrokerCoordinator();
  await coordinator.connect(broker.bootstrapServers);
  const rows: string[][] = [];
  rows.push([`${broker.name}: nothing`, ...(await watch(broker, seconds, () => []))]);
  for (const protocol of ['classic', 'consumer'] as const) {
    const beats: Promise<unknown>[] = [];
    const members = await gatherAll(coordinator, protocol);
    const start = systemClock.now().monotonicMs;
    let sent = 0;
    // The heartbeats of all members are spread over their interval.
    const figures = await watch(broker, seconds, () => {
      const due = ((systemClock.now().monotonicMs - start) / HEARTBEAT_MS[protocol]) * members.length;
      while (sent < due) beats.push(expectNone(beat(coordinator, protocol, members[sent++ % members.length])));
      return beats;
    });
    rows.push([`${broker.name}: ${protocol}`, ...figures]);
  }
  coordinator.close();
  return rows;
}

async function watch(broker: BrokerProcess, forSeconds: number, tick: () => Promise<unknown>[]): Promise<string[]> {
  const before = broker.cpuSeconds();
  const endMs = performance.now() + forSeconds * 1000;
  let beats: Promise<unknown>[] = [];
  while (performance.now() < endMs) {
    beats = tick();
    await systemClock.sleep(20);
  }
  await Promise.all(beats);
  const percent = ((broker.cpuSeconds() - before) / forSeconds) * 100;
  return [fixed(beats.length / forSeconds, 0), fixed(percent, 1), fixed(residentMegabytes(broker.pid), 0)];
}

async function expectNone(answer: Promise<Answer>): Promise<void> {
  const { errorCode } = await answer;
  if (errorCode !== 0) throw new Error(`a heartbeat was answered with error ${errorCode}`);
}

function residentMegabytes(pid: number): number {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

const what = `${count(groupCount)} groups, ${memberCount} members each`;
printTable(
  `the machine: ${what}`,
  ['protocol', 'heap bytes a group', 'cpu µs a heartbeat', 'timers a heartbeat', 'records a heartbeat'],
  [await measureMachine('classic'), await measureMachine('consumer')],
);
const brokers = [() => startOurs('sync'), ...(hasRival() ? [() => startRival()] : [])];
for (const start of brokers) {
  const broker = await start();
  try {
    printTable(
      `a broker: ${what}, in the order of the rows`,
      ['groups', 'heartbeats/s', 'cpu %', 'resident MiB'],
      await measureBroker(broker),
    );
  } finally {
    await broker.stop();
  }
}
