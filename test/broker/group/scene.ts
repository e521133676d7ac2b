/**
 * A group machine to talk to in text scripts: it plays the runtime (appends, replays at once, fires timers) and prints what comes out.
 *
 *     machine delay=… grace=… max-size=… retention-minutes=… metadata-max=… batch-max=…   starts anew with other settings
 *     settings …              the same settings for the next reload
 *     join|sync|heartbeat|leave|commit|fetch|offset-delete|list|describe|delete    requests; see the functions below
 *     member <group> <id> epoch=… …   ConsumerGroupHeartbeat; cdescribe is ConsumerGroupDescribe
 *     topics a=3 …            makes topics, or gives them more partitions
 *     drop <topic> …          deletes topics
 *     txn-commit <group> producer=… epoch=…   TxnOffsetCommit; `fetch … stable` waits for none that is undecided
 *     end <producer> commit|abort             the marker of its transaction is written
 *     advance <ms>            lets time pass; timers fire when they are due
 *     late <ms>               lets time pass, timers fire only at its end, as on a loop that stood still
 *     stall <ms>              the same, but the runtime noticed and tells the machine first
 *     reload                  throws the machine away and replays the log into a new one
 *     restart                 the same, as the first thing after a start of the node
 *     kafka-log               replays records written as hex: lines of `key value`, `-` = null
 *     timers                  the timers the runtime holds
 *
 * `as=` names the asker (default: the command's member or client); a reply is printed as `<asker>: …`, a record as `+ …`. After each
 * command, a second machine is fed the log; when no rebalance is under way it must describe groups and offsets as the first one does.
 */

import { type GroupEvent, GroupMachine, groupConfigTable, groupSettings } from '#broker/group';
import { parseConfig, ZERO_UUID } from '#core';
import { Apis, encodeToBuffer, type MessageSchema } from '#protocol';
import type { CoordinatorRecord } from '../../../src/broker/coordination/machine.ts';
import type { ScriptCommand } from '../../scripts/script.ts';
import { list } from '../../scripts/script.ts';
import { FakeCluster } from './fake-cluster.ts';
import { printRecord } from './print-record.ts';
import { printReply } from './print-reply.ts';
import { commitRequest, fetchTopics, heartbeatRequest, joinRequest, speaker } from './requests.ts';

type Answer = (scene: GroupScene, command: ScriptCommand) => void;

/** Every answer must be one that can be sent, in the version that was asked in. */
const responses: Readonly<Record<string, MessageSchema>> = {
  join: Apis.JoinGroup.response,
  sync: Apis.SyncGroup.response,
  heartbeat: Apis.Heartbeat.response,
  leave: Apis.LeaveGroup.response,
  'offset-commit': Apis.OffsetCommit.response,
  'txn-offset-commit': Apis.TxnOffsetCommit.response,
  'offset-fetch': Apis.OffsetFetch.response,
  'offset-delete': Apis.OffsetDelete.response,
  'list-groups': Apis.ListGroups.response,
  'describe-groups': Apis.DescribeGroups.response,
  'delete-groups': Apis.DeleteGroups.response,
  'consumer-heartbeat': Apis.ConsumerGroupHeartbeat.response,
  'describe-consumer-groups': Apis.ConsumerGroupDescribe.response,
};

const START_WALL_MS = 1_700_000_000_000;

/** A record, of a transaction perhaps, or the end of one. */
type LogEntry =
  | { readonly record: CoordinatorRecord; readonly producerId: number }
  | { readonly producerId: number; readonly type: 'abort' | 'commit' };

export class GroupScene {
  readonly cluster = new FakeCluster();
  #machine = newMachine({}, this.cluster);
  #settings: Readonly<Record<string, string>> = {};
  readonly #log: LogEntry[] = [];
  readonly #timers = new Map<string, number>();
  readonly #askers = new Map<number, { name: string; type: string; apiVersion: number }>();
  #nextToken = 1;
  #nextUuid = 1;
  #nowMs = 0;
  #lines: string[] = [];

  /** Runs one command of a script. */
  answer(command: ScriptCommand): string {
    this.#lines = [];
    const run = commands[command.name];
    if (run === undefined) throw new Error(`no such command: ${command.name}`);
    run(this, command);
    this.#checkReplay();
    return this.#lines.join('\n');
  }

  start(settings: Readonly<Record<string, string>>): void {
    this.#settings = settings;
    this.#log.length = 0;
    this.reload();
  }

  set(settings: Readonly<Record<string, string>>): void {
    this.#settings = settings;
  }

  ask(command: ScriptCommand, type: string, request: object, defaultVersion: number): void {
    const token = this.#nextToken++;
    const apiVersion = Number(command.args['v'] ?? defaultVersion);
    this.#askers.set(token, { name: command.args['as'] ?? '·', type, apiVersion });
    this.handle({ type, token, apiVersion, request } as GroupEvent);
    if (this.#askers.has(token)) this.#lines.push(`(${this.#askers.get(token)?.name} is parked)`);
  }

  join(command: ScriptCommand, request: object): void {
    const token = this.#nextToken++;
    const clientId = command.args['client'] ?? 'c';
    const apiVersion = Number(command.args['v'] ?? 9);
    const name = command.args['as'] ?? command.args['member'] ?? clientId;
    this.#askers.set(token, { name, type: 'join', apiVersion });
    const identity = { clientId, clientHost: '/127.0.0.1', newMemberUuid: String(this.#nextUuid++) };
    this.handle({ type: 'join', token, apiVersion, ...identity, request } as GroupEvent);
    if (this.#askers.has(token)) this.#lines.push(`(${this.#askers.get(token)?.name} is parked)`);
  }

  member(command: ScriptCommand): void {
    const token = this.#nextToken++;
    const { args, words } = command;
    const apiVersion = Number(args['v'] ?? 1);
    this.#askers.set(token, { name: args['as'] ?? words[1] ?? '·', type: 'consumer-heartbeat', apiVersion });
    const identity = {
      clientId: args['client'] ?? 'c',
      clientHost: '/127.0.0.1',
      newMemberId: `id-${this.#nextUuid++}`,
    };
    const request = heartbeatRequest(command, (name) => this.cluster.topic(name)?.topicId ?? ZERO_UUID);
    const mayKnow = (topic: string) => !list(args['hidden']).includes(topic);
    this.handle({ type: 'consumer-heartbeat', token, apiVersion, ...identity, mayKnow, request });
  }

  handle(event: GroupEvent): void {
    const output = this.#machine.handle(event, { wallMs: START_WALL_MS + this.#nowMs, monotonicMs: this.#nowMs });
    const producerId = output.producer?.producerId ?? -1;
    for (const record of output.records) {
      this.#append({ record, producerId });
      const text = `+ ${printRecord(record, START_WALL_MS)}`;
      this.#lines.push(producerId < 0 ? text : `${text} (pending for producer ${producerId})`);
    }
    for (const { name, delayMs } of output.timers) {
      if (delayMs === null) this.#timers.delete(name);
      else this.#timers.set(name, this.#nowMs + delayMs);
    }
    for (const { token, body } of output.replies) {
      const asker = this.#askers.get(token);
      if (asker === undefined) throw new Error(`token ${token} was answered twice, or never asked`);
      this.#askers.delete(token);
      encodeToBuffer(responses[asker.type], asker.apiVersion, body);
      this.#lines.push(`${asker.name}: ${printReply(asker.type, body)}`);
    }
  }

  /** Timers fire in order, each at its time. */
  advance(durationMs: number): void {
    const endMs = this.#nowMs + durationMs;
    for (let due = this.#nextTimer(endMs); due !== undefined; due = this.#nextTimer(endMs)) {
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      this.#fire(due.name);
    }
    this.#nowMs = endMs;
  }

  /** All due timers fire at the end of the time, together. */
  late(durationMs: number, isNoticed: boolean): void {
    this.#nowMs += durationMs;
    if (isNoticed) this.handle({ type: 'stall', stalledMs: durationMs });
    for (let due = this.#nextTimer(this.#nowMs); due !== undefined; due = this.#nextTimer(this.#nowMs))
      this.#fire(due.name);
  }

  reload(isAfterNodeStart = false): void {
    const dropped = [...this.#askers.values()].map(({ name }) => name);
    if (dropped.length > 0) this.#lines.push(`(${dropped.join(', ')} refused by the runtime)`);
    this.#askers.clear();
    this.#timers.clear();
    this.#machine = this.#replayed();
    this.handle({ type: 'loaded', isAfterNodeStart });
  }

  replay(record: CoordinatorRecord): void {
    this.#append({ record, producerId: -1 });
    this.#lines.push(printRecord(record, START_WALL_MS));
  }

  end(producerId: number, type: 'abort' | 'commit'): void {
    this.#append({ producerId, type });
  }

  #append(entry: LogEntry): void {
    apply(this.#machine, entry, this.#log.length);
    this.#log.push(entry);
  }

  printTimers(): void {
    const timers = [...this.#timers].sort((left, right) => left[1] - right[1]);
    for (const [name, atMs] of timers) this.#lines.push(`${name} in ${atMs - this.#nowMs}`);
  }

  #nextTimer(endMs: number): { name: string; atMs: number } | undefined {
    let next: { name: string; atMs: number } | undefined;
    for (const [name, atMs] of this.#timers) {
      if (atMs <= endMs && (next === undefined || atMs < next.atMs)) next = { name, atMs };
    }
    return next;
  }

  #fire(name: string): void {
    this.#timers.delete(name);
    const before = this.#lines.length;
    this.handle({ type: 'timer', name });
    if (this.#lines.length > before) this.#lines.splice(before, 0, `at ${this.#nowMs}: ${name}`);
  }

  #replayed(): GroupMachine {
    const machine = newMachine(this.#settings, this.cluster);
    for (const [offset, entry] of this.#log.entries()) apply(machine, entry, offset);
    return machine;
  }

  #checkReplay(): void {
    const [actual, replayed] = [this.#portrait(this.#machine), this.#portrait(this.#replayed())];
    if (/Rebalance/.test(actual + replayed) || actual === replayed) return;
    throw new Error(`replayed, the machine answers otherwise:\n${actual}\n---\n${replayed}`);
  }

  /** What a machine says of its groups and their offsets; asking must leave no trace. */
  #portrait(machine: GroupMachine): string {
    const now = { wallMs: START_WALL_MS + this.#nowMs, monotonicMs: this.#nowMs };
    const ask = (type: string, request: object, apiVersion: number): object =>
      machine.handle({ type, token: 0, apiVersion, request } as GroupEvent, now).replies[0].body;
    const listed = ask('list-groups', { statesFilter: [], typesFilter: [] }, 5) as { groups: { groupId: string }[] };
    const groupIds = listed.groups.map(({ groupId }) => groupId).sort();
    const groups = groupIds.map((groupId) => ({ groupId, topics: null }));
    const offsets = [false, true].map((requireStable) => ask('offset-fetch', { groups, requireStable }, 9));
    const consumers = ask('describe-consumer-groups', { groupIds }, 1);
    return JSON.stringify([ask('describe-groups', { groups: groupIds }, 6), consumers, offsets]);
  }
}

const commands: Readonly<Record<string, Answer>> = {
  machine: (scene, { args }) => scene.start(args),
  settings: (scene, { args }) => scene.set(args),
  join: (scene, command) => scene.join(command, joinRequest(command)),
  sync: (scene, command) => {
    const assignments = list(command.args['assign']).map((entry) => {
      const [memberId, text] = entry.split('=>');
      return { memberId, assignment: Buffer.from(text) };
    });
    const { type, protocol } = command.args;
    const names = { protocolType: type ?? null, protocolName: protocol ?? null };
    scene.ask(named(command), 'sync', { ...speaker(command), ...names, assignments }, 5);
  },
  heartbeat: (scene, command) => scene.ask(named(command), 'heartbeat', speaker(command), 4),
  leave: (scene, command) => {
    const members = command.words.slice(1).map((word) => {
      const [memberId, instanceId] = word.split('@');
      return { memberId, groupInstanceId: instanceId ?? null, reason: null };
    });
    scene.ask(command, 'leave', { groupId: command.words[0], memberId: members[0]?.memberId ?? '', members }, 5);
  },
  commit: (scene, command) => scene.ask(named(command), 'offset-commit', commitRequest(command), 9),
  'txn-commit': (scene, command) => {
    const { producer, epoch } = command.args;
    const transaction = { transactionalId: 't', producerId: Number(producer), producerEpoch: Number(epoch ?? 0) };
    scene.ask(named(command), 'txn-offset-commit', { ...commitRequest(command), ...transaction }, 5);
  },
  end: (scene, { words }) => scene.end(Number(words[0]), words[1] as 'abort' | 'commit'),
  fetch: (scene, command) => {
    const requireStable = command.words.at(-1) === 'stable';
    const asked = requireStable ? { ...command, words: command.words.slice(0, -1) } : command;
    const groups = asked.words.slice(0, 1).map((groupId) => ({
      groupId,
      memberId: asked.args['member'] ?? null,
      memberEpoch: Number(asked.args['epoch'] ?? -1),
      topics: fetchTopics(asked),
    }));
    const [single] = groups;
    const request = { groups, groupId: single.groupId, topics: single.topics, requireStable };
    scene.ask(command, 'offset-fetch', request, 9);
  },
  'offset-delete': (scene, command) => {
    const topics = command.words.slice(1).map((word) => {
      const [name, partition] = word.split('/');
      return { name, partitions: [{ partitionIndex: Number(partition) }] };
    });
    scene.ask(command, 'offset-delete', { groupId: command.words[0], topics }, 0);
  },
  list: (scene, command) => {
    const request = { statesFilter: list(command.args['states']), typesFilter: list(command.args['types']) };
    scene.ask(command, 'list-groups', request, 5);
  },
  describe: (scene, command) => scene.ask(command, 'describe-groups', { groups: command.words }, 6),
  delete: (scene, command) => scene.ask(command, 'delete-groups', { groupsNames: command.words }, 3),
  'delete-topics': (scene, { words }) => scene.handle({ type: 'topics-deleted', topics: words }),
  member: (scene, command) => scene.member(command),
  cdescribe: (scene, command) => scene.ask(command, 'describe-consumer-groups', { groupIds: command.words }, 1),
  topics: (scene, { args }) => {
    for (const [name, count] of Object.entries(args)) scene.cluster.put(name, Number(count));
    scene.handle({ type: 'topics-changed', topics: Object.keys(args) });
  },
  drop: (scene, { words }) => {
    for (const name of words) scene.cluster.delete(name);
    scene.handle({ type: 'topics-changed', topics: words });
    scene.handle({ type: 'topics-deleted', topics: words });
  },
  advance: (scene, { words }) => scene.advance(Number(words[0])),
  late: (scene, { words }) => scene.late(Number(words[0]), false),
  stall: (scene, { words }) => scene.late(Number(words[0]), true),
  reload: (scene) => scene.reload(),
  restart: (scene) => scene.reload(true),
  timers: (scene) => scene.printTimers(),
  'kafka-log': (scene, { body }) => {
    for (const line of body.split('\n')) {
      const [key, value] = line.split(' ').map((hex) => (hex === '-' ? null : Buffer.from(hex, 'hex')));
      scene.replay({ key, value });
    }
  },
};

function apply(machine: GroupMachine, entry: LogEntry, offset: number): void {
  if ('record' in entry) machine.replay(entry.record, offset, entry.producerId);
  else machine.endTransaction(entry.producerId, entry.type);
}

function newMachine(settings: Readonly<Record<string, string>>, cluster: FakeCluster): GroupMachine {
  const keys: Readonly<Record<string, string>> = {
    delay: 'group.initial.rebalance.delay.ms',
    grace: 'springtide.broker.group.restart.grace.ms',
    'max-size': 'group.max.size',
    'retention-minutes': 'offsets.retention.minutes',
    'metadata-max': 'offset.metadata.max.bytes',
    'consumer-max-size': 'group.consumer.max.size',
    assignors: 'group.consumer.assignors',
    migration: 'group.consumer.migration.policy',
  };
  const { session, interval } = settings;
  const { sessionTimeoutMs, assignmentIntervalMs, ...rest } = cluster.config;
  cluster.config = {
    ...rest,
    sessionTimeoutMs: session === undefined ? sessionTimeoutMs : Number(session),
    assignmentIntervalMs: interval === undefined ? assignmentIntervalMs : Number(interval),
  };
  const wishes = { delay: '0', ...settings };
  const raw = Object.fromEntries(Object.entries(keys).map(([name, key]) => [key, wishes[name as keyof typeof wishes]]));
  const { config } = parseConfig(groupConfigTable, raw);
  return new GroupMachine(
    groupSettings(config, settings['batch-max'] === undefined ? undefined : Number(settings['batch-max'])),
    cluster,
  );
}

/** The asker's name is the member's unless the script says otherwise. */
function named(command: ScriptCommand): ScriptCommand {
  return { ...command, args: { as: command.args['member'] || '·', ...command.args } };
}
