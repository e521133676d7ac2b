/**
 * Talks with a group coordinator over the wire, in the commands of the machine's text scripts (test/broker/group/scene.ts), so that the same talk can
 * be had with Apache Kafka and with us. Ids that a broker makes are given names: `as=a` calls the member that answers `$a`.
 */
import { Admin } from '#client';
import { silentLogger, systemClock, type Uuid, ZERO_UUID } from '#core';
import { RequestChannel, tcpTransport } from '#net';
import { type Api, Apis } from '#protocol';
import { nameOfId } from '../broker/group/fake-cluster.ts';
import { printReply } from '../broker/group/print-reply.ts';
import { commitRequest, fetchTopics, heartbeatRequest, joinRequest, speaker } from '../broker/group/requests.ts';
import { commandOf, list, type ScriptCommand } from '../scripts/script.ts';
import { coordinatorKnows } from './known-topics.ts';
import { until } from './until.ts';

/** Members are assigned at once, and none is forgotten on a machine that takes its time between two words. */
export const talkSettings = {
  'group.consumer.assignment.interval.ms': 0,
  'group.initial.rebalance.delay.ms': 0,
  'group.consumer.session.timeout.ms': 1_800_000,
  'group.consumer.max.session.timeout.ms': 1_800_000,
};
const CLASSIC_SESSION_MS = '1800000';

type Ask = readonly [api: Api, version: number, type: string, request: object];

export class GroupTalk {
  readonly #channels = new Map<string, RequestChannel>();
  readonly #bootstrapServers: string;
  readonly #topicIds = new Map<string, Uuid>();
  readonly #memberIds = new Map<string, string>();

  constructor(bootstrapServers: string) {
    this.#bootstrapServers = bootstrapServers;
  }

  /** The answers to these commands, a line each. `until "epoch 5" cdescribe g` asks until the answer has these words, for what a broker does in its own time. */
  async run(commands: readonly string[]): Promise<string[]> {
    const answers: string[] = [];
    for (const text of commands) {
      const [, words = '', asked = text] = /^until "(.+?)" (.+)$/.exec(text) ?? [];
      answers.push(`${text} → ${await this.#answerWith(words, asked)}`);
    }
    return answers;
  }

  /** The same talk with another broker, which knows the same topics and members. */
  with(bootstrapServers: string): GroupTalk {
    const other = new GroupTalk(bootstrapServers);
    for (const [name, topicId] of this.#topicIds) other.#topicIds.set(name, topicId);
    for (const [name, memberId] of this.#memberIds) other.#memberIds.set(name, memberId);
    return other;
  }

  close(): void {
    for (const channel of this.#channels.values()) channel.close();
  }

  async #answerWith(words: string, text: string): Promise<string> {
    const ask = async () => this.#withNames(await this.#answer(commandOf(this.#withMemberIds(text))));
    let answer = '';
    const isAnswered = async () => (answer = await ask()).includes(words);
    await until(() => `${text} is answered with "${words}", not ${answer}`, isAnswered);
    return answer;
  }

  async #answer(command: ScriptCommand): Promise<string> {
    const { name, words, args } = command;
    if (name === 'wait') {
      await systemClock.sleep(Number(words[0]));
      return '';
    }
    if (name === 'topics' || name === 'grow' || name === 'drop') return this.#changeTopics(name, words, args);
    const [api, version, type, request] = this.#askOf(command);
    const channel = await this.#channel(args['as'] ?? words[1] ?? '·');
    const body = await channel.send(api, version, request, { timeoutMs: 30_000 });
    const { memberId } = body as { memberId?: string | null };
    if (args['as'] !== undefined && memberId) this.#memberIds.set(args['as'], memberId);
    return printReply(type, this.#inOrder(withoutMessages(body))).replaceAll('\n    ', ' | ');
  }

  #askOf(command: ScriptCommand): Ask {
    const { name, words, args } = command;
    const version = (fallback: number) => Number(args['v'] ?? fallback);
    const topicIdOf = (topic: string) => this.#topicIds.get(topic) ?? ZERO_UUID;
    switch (name) {
      case 'member':
        return [Apis.ConsumerGroupHeartbeat, version(1), 'consumer-heartbeat', heartbeatRequest(command, topicIdOf)];
      case 'cdescribe':
        return [Apis.ConsumerGroupDescribe, version(1), 'describe-consumer-groups', { groupIds: words }];
      case 'join':
        return [
          Apis.JoinGroup,
          version(9),
          'join',
          joinRequest({ ...command, args: { session: CLASSIC_SESSION_MS, ...args } }),
        ];
      case 'sync': {
        const names = { protocolType: args['type'] ?? null, protocolName: args['protocol'] ?? null };
        return [Apis.SyncGroup, version(5), 'sync', { ...speaker(command), ...names, assignments: [] }];
      }
      case 'heartbeat':
        return [Apis.Heartbeat, version(4), 'heartbeat', speaker(command)];
      case 'leave': {
        const members = words.slice(1).map((word) => {
          const [memberId, groupInstanceId = null] = word.split('@');
          return { memberId, groupInstanceId, reason: null };
        });
        return [Apis.LeaveGroup, version(5), 'leave', { groupId: words[0], members }];
      }
      case 'commit': {
        const request = commitRequest(command) as { topics: { name: string; topicId: Uuid }[] };
        const topics = request.topics.map((topic) => ({ ...topic, topicId: topicIdOf(topic.name) }));
        return [Apis.OffsetCommit, version(9), 'offset-commit', { ...request, topics }];
      }
      case 'fetch': {
        const memberEpoch = Number(args['epoch'] ?? -1);
        const group = {
          groupId: words[0],
          memberId: args['member'] ?? null,
          memberEpoch,
          topics: fetchTopics(command),
        };
        return [Apis.OffsetFetch, version(9), 'offset-fetch', { groups: [group], requireStable: false }];
      }
      case 'list':
        return [
          Apis.ListGroups,
          version(5),
          'list-groups',
          { statesFilter: list(args['states']), typesFilter: list(args['types']) },
        ];
      case 'describe':
        return [Apis.DescribeGroups, version(6), 'describe-groups', { groups: words }];
      case 'delete':
        return [Apis.DeleteGroups, version(2), 'delete-groups', { groupsNames: words }];
      default:
        throw new Error(`no such command: ${name}`);
    }
  }

  async #changeTopics(name: string, words: readonly string[], args: Readonly<Record<string, string>>): Promise<string> {
    const channel = await this.#channel('admin');
    const options = { timeoutMs: 30_000 };
    const counts = Object.entries(args).map(([topic, count]) => ({ name: topic, count: Number(count) }));
    if (name === 'drop') {
      const topics = words.map((topic) => ({ name: null, topicId: this.#topicIds.get(topic) ?? ZERO_UUID }));
      await channel.send(Apis.DeleteTopics, 6, { topics, topicNames: [], timeoutMs: 10_000 }, options);
    } else if (name === 'grow') {
      const topics = counts.map(({ name, count }) => ({ name, count, assignments: null }));
      await channel.send(Apis.CreatePartitions, 3, { topics, timeoutMs: 10_000, validateOnly: false }, options);
    } else {
      const topics = counts.map(({ name, count }) => ({ name, numPartitions: count, replicationFactor: 1 }));
      const made = await channel.send(
        Apis.CreateTopics,
        7,
        { topics, timeoutMs: 10_000, validateOnly: false },
        options,
      );
      for (const { name, topicId } of made.topics) this.#topicIds.set(name, topicId);
    }
    const entries = name === 'drop' ? words.map((topic) => [topic, 0]) : counts.map(({ name, count }) => [name, count]);
    await coordinatorKnows(this.#bootstrapServers, Object.fromEntries(entries));
    return '';
  }

  async #channel(name: string): Promise<RequestChannel> {
    const known = this.#channels.get(name);
    if (known !== undefined) return known;
    const [host, port] = this.#bootstrapServers.split(':');
    const connection = await tcpTransport().connect(host, Number(port));
    const channel = new RequestChannel(connection, { clientId: 'c', clock: systemClock, logger: silentLogger });
    this.#channels.set(name, channel);
    return channel;
  }

  /** Neither broker promises an order of groups, members and topics. */
  #inOrder(body: object): object {
    const nameOf = (each: Record<string, unknown>) => {
      const { groupId, memberId, topicId } = each as Record<string, string | undefined>;
      const topic = [...this.#topicIds].find(([, id]) => id === topicId)?.[0];
      return topic ?? [...this.#memberIds].find(([, id]) => id === memberId)?.[0] ?? memberId ?? groupId ?? '';
    };
    return JSON.parse(JSON.stringify(body), (key, value) => {
      if (value?.type === 'Buffer') return Buffer.from(value.data);
      if (!['groups', 'members', 'results', 'topicPartitions', 'topics'].includes(key) || !Array.isArray(value))
        return value;
      return value.sort((left, right) => (nameOf(left) < nameOf(right) ? -1 : 1));
    });
  }

  #withMemberIds(text: string): string {
    return text.replace(/\$(\w+)/g, (_, name: string) => this.#memberIds.get(name) ?? `unknown-${name}`);
  }

  #withNames(text: string): string {
    let named = text;
    for (const [name, memberId] of this.#memberIds) named = named.replaceAll(memberId, `$${name}`);
    for (const [name, topicId] of this.#topicIds) named = named.replaceAll(nameOfId(topicId), name);
    return named;
  }
}

/** Texts are each broker's own. */
function withoutMessages(body: object): object {
  return JSON.parse(JSON.stringify(body), (key, value) => {
    if (key === 'errorMessage') return undefined;
    return value?.type === 'Buffer' ? Buffer.from(value.data) : value;
  });
}

/** The offsets topic is made when somebody first asks for a coordinator. */
export async function coordinatorIsReady(bootstrapServers: string): Promise<void> {
  const admin = Admin.create({ 'bootstrap.servers': bootstrapServers });
  try {
    await until(`the group coordinator of ${bootstrapServers} is there`, () =>
      admin.listConsumerGroupOffsets('nobody').then(
        () => true,
        () => false,
      ),
    );
  } finally {
    await admin.close();
  }
}
