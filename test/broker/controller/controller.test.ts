/** The controller machine, driven by text scripts: commands, and below them the records and answers they lead to. */
import { Errors } from '#protocol';
import {
  BROKER_RESOURCE,
  type ConfigRules,
  type ControllerEvent,
  ControllerMachine,
  type MetadataRecord,
  type PartitionImage,
  refuse,
  TOPIC_RESOURCE,
} from '../../../src/broker/controller/index.ts';
import type { MachineOutput } from '../../../src/broker/coordination/machine.ts';
import { describeScripts, list, type ScriptCommand } from '../../scripts/script.ts';

const NOW = { wallMs: 1_000, monotonicMs: 0 };
const UPGRADE_TYPES = ['strange', 'upgrade', 'downgrade', 'unsafe'];
const LISTS = new Map([['cleanup.policy', { inherited: 'delete', isChoice: true }]]);

/** Keys that begin with `no.` are unknown; `least` must not exceed `most`. */
function rulesOf(type: number): ConfigRules {
  const error = type === TOPIC_RESOURCE ? Errors.INVALID_CONFIG : Errors.INVALID_REQUEST;
  return {
    nameRefusal: (name) => (name === 'bad name' ? refuse(error, 'not a name') : undefined),
    check: (_, key, value) => (key.startsWith('no.') ? refuse(error, `There is no config '${key}'`) : { value }),
    conflict: (_, overrides) =>
      Number(overrides.get('least') ?? 0) > Number(overrides.get('most') ?? 9)
        ? refuse(error, 'least is more than most')
        : undefined,
    list: (key) => LISTS.get(key),
  };
}

/** A controller and the log of what it wrote. */
class World {
  #records: MetadataRecord[] = [];
  #machine = this.#newMachine();
  #nextTopicId = 1;

  answer(command: ScriptCommand): string {
    switch (command.name) {
      case 'reload':
        return this.#reload();
      case 'image':
        return this.#image();
      case 'leaderless':
        return this.#takeLeader(command);
      case 'fence':
        return this.#write({ type: 'FenceBrokerRecord', body: { id: Number(command.args['id']), epoch: 0 } });
      case 'feature':
        return this.#write({
          type: 'FeatureLevelRecord',
          body: { name: command.words[0], featureLevel: Number(command.words[1]) },
        });
      case 'propose':
        return this.#print(this.#machine.handle(this.#event(command.words[0], command), NOW));
      default:
        return this.#handle(this.#event(command.name, command));
    }
  }

  #handle(event: ControllerEvent): string {
    const output = this.#machine.handle(event, NOW);
    const text = this.#print(output);
    for (const record of output.records) {
      this.#machine.replay(record, this.#records.length);
      this.#records.push(record);
    }
    return text;
  }

  /** What the controller of Apache Kafka writes when the leader goes: `leaderless orders 0 isr= elr=1 last=1`. */
  #takeLeader({ words, args }: ScriptCommand): string {
    const [topic, partitionId] = words;
    const brokers = (name: string) => (args[name] === undefined ? null : list(args[name]).map(Number));
    const record: MetadataRecord = {
      type: 'PartitionChangeRecord',
      body: {
        partitionId: Number(partitionId),
        topicId: this.#machine.image.topics.get(topic)?.topicId ?? '',
        isr: brokers('isr'),
        leader: -1,
        replicas: null,
        removingReplicas: null,
        addingReplicas: null,
        leaderRecoveryState: -1,
        directories: null,
        eligibleLeaderReplicas: brokers('elr'),
        lastKnownElr: brokers('last'),
      },
    };
    return this.#write(record);
  }

  /** A record of somebody else's. */
  #write(record: MetadataRecord): string {
    this.#machine.replay(record, this.#records.length);
    this.#records.push(record);
    return 'written';
  }

  #event(name: string, { args, body, words }: ScriptCommand): ControllerEvent {
    const token = 7;
    const rest = name === words[0] ? words.slice(1) : words;
    switch (name) {
      case 'bootstrap':
        return { type: 'bootstrap', token };
      case 'register': {
        const brokerId = Number(args['id'] ?? '1');
        const endPoints = [{ name: 'PLAINTEXT', host: `broker-${brokerId}`, port: 9092, securityProtocol: 0 }];
        const brokerEpoch = this.#records.length;
        const incarnationId = `incarnation${brokerEpoch}`;
        return {
          type: 'register-broker',
          token,
          brokerId,
          incarnationId,
          brokerEpoch,
          endPoints,
          rack: args['rack'] ?? null,
          logDirs: list(args['dirs'] ?? `dir-${brokerId}`),
        };
      }
      case 'stop':
        return { type: 'stop-broker', token, brokerId: Number(args['id'] ?? '1') };
      case 'offline':
        return {
          type: 'directories-offline',
          token,
          brokerId: Number(args['id'] ?? '1'),
          directoryIds: list(args['dirs']),
        };
      case 'cordon':
        return {
          type: 'cordon-directories',
          token,
          brokerId: Number(args['id'] ?? '1'),
          directoryIds: list(args['dirs'] ?? ''),
        };
      case 'place':
        return { type: 'assign-replicas', token, brokerId: Number(args['id'] ?? '1'), replicas: this.#places(body) };
      case 'create': {
        const topics = body.split('\n').map((line) => this.#newTopic(line));
        return { type: 'create-topics', token, topics, validateOnly: rest.includes('validate-only') };
      }
      case 'delete':
        return { type: 'delete-topics', token, topicIds: list(args['ids']) };
      case 'grow': {
        const assignments = args['assign']?.split('/').map((ids) => ({ brokerIds: list(ids).map(Number) })) ?? null;
        const topics = rest
          .filter((word) => word !== 'validate-only')
          .map((topic) => ({ name: topic, count: Number(args['to']), assignments }));
        return { type: 'create-partitions', token, topics, validateOnly: rest.includes('validate-only') };
      }
      case 'alter': {
        const changes = body.split('\n').map((line) => {
          const [operation, config, value] = line.split(' ');
          const number = ['set', 'delete', 'append', 'subtract'].indexOf(operation) as 0 | 1 | 2 | 3;
          return { name: config, value: value ?? null, operation: number };
        });
        const replacesAll = rest.includes('replace-all');
        return {
          type: 'alter-configs',
          token,
          resources: [
            {
              type: rest.includes('broker') ? BROKER_RESOURCE : TOPIC_RESOURCE,
              name: args['name'] ?? rest[0],
              changes,
              replacesAll,
            },
          ],
          validateOnly: false,
        };
      }
      case 'elect': {
        const topics = rest.includes('all') ? null : body.split('\n').map((line) => partitionsOf(line));
        const electionType = ['preferred', 'unclean'].indexOf(rest[0]);
        return { type: 'elect-leaders', token, electionType, topics };
      }
      case 'reassign': {
        const topics = body.split('\n').map((line) => {
          const [topic, partition, ids] = line.split(' ');
          const replicas = ids === 'cancel' ? null : list(ids).map(Number);
          return { topic, partitions: [{ partition: Number(partition), replicas }] };
        });
        return { type: 'alter-reassignments', token, allowsOtherCount: !rest.includes('same-count'), topics };
      }
      case 'unregister':
        return { type: 'unregister-broker', token, brokerId: Number(args['id']), servingBrokerId: 1 };
      case 'update-features': {
        const updates = body.split('\n').map((line) => {
          const [feature, level, type] = line.split(' ');
          return { name: feature, level: Number(level), upgradeType: UPGRADE_TYPES.indexOf(type) };
        });
        return { type: 'update-features', token, updates, validateOnly: rest.includes('validate-only') };
      }
      case 'quota':
        return {
          type: 'alter-client-quotas',
          token,
          entries: body.split('\n').map(quotaAlteration),
          validateOnly: rest.includes('validate-only'),
        };
      case 'producer-ids':
        return { type: 'allocate-producer-ids', token, brokerId: 1, brokerEpoch: 2 };
      default:
        throw new Error(`unknown command ${name}`);
    }
  }

  /** `orders 0 dir-a` */
  #places(body: string) {
    return body.split('\n').map((line) => {
      const [topic, partition, directoryId] = line.split(' ');
      const topicId = this.#machine.image.topics.get(topic)?.topicId ?? topic;
      return { topicId, partition: Number(partition), directoryId };
    });
  }

  /** `orders partitions=3 rf=1 retention.ms=5 assign=1,2/2,1` */
  #newTopic(line: string) {
    const [name, ...words] = line.trim().split(' ');
    const args = new Map(words.map((word) => word.split('=') as [string, string]));
    const take = (key: string) => {
      const value = args.get(key);
      args.delete(key);
      return value;
    };
    const assign = take('assign');
    const numPartitions = Number(take('partitions') ?? -1);
    const replicationFactor = Number(take('rf') ?? -1);
    const assignments =
      assign?.split('/').map((ids, partitionIndex) => ({ partitionIndex, brokerIds: list(ids).map(Number) })) ?? [];
    const configs = [...args].map(([key, value]) => ({ name: key, value: value === 'null' ? null : value }));
    return { name, topicId: `id${this.#nextTopicId++}`, numPartitions, replicationFactor, assignments, configs };
  }

  #newMachine(): ControllerMachine {
    return new ControllerMachine({
      numPartitions: 2,
      replicationFactor: 1,
      configs: new Map([TOPIC_RESOURCE, BROKER_RESOURCE].map((type) => [type, rulesOf(type)])),
    });
  }

  /** A machine that only saw the log must be the same machine. */
  #reload(): string {
    const before = this.#image();
    this.#machine = this.#newMachine();
    for (const [offset, record] of this.#records.entries()) this.#machine.replay(record, offset);
    return this.#image() === before ? 'same' : `different\n${before}\n--\n${this.#image()}`;
  }

  #image(): string {
    const { image } = this.#machine;
    const lines: string[] = [];
    for (const broker of image.brokers.values()) {
      const dirs = broker.logDirs.length > 1 ? ` dirs=${broker.logDirs}` : '';
      const state = broker.isFenced ? 'fenced' : 'alive';
      lines.push(`broker ${broker.brokerId} epoch=${broker.brokerEpoch} ${state} rack=${broker.rack}${dirs}`);
    }
    for (const topic of image.topics.values()) {
      const configs = [...image.topicConfigs(topic.name)].map(([key, value]) => ` ${key}=${value}`).join('');
      lines.push(`topic ${topic.name} ${topic.topicId}${configs}`);
      for (const partition of topic.partitions) lines.push(this.#partition(partition));
    }
    for (const [name, level] of image.features) lines.push(`feature ${name}=${level}`);
    for (const { entity, values } of image.clientQuotas.all()) {
      const limits = [...values].map(([key, value]) => ` ${key}=${value}`).join('');
      lines.push(`quota of ${entity.map(({ entityType, entityName }) => `${entityType}=${entityName}`)}${limits}`);
    }
    lines.push(`next producer id ${image.nextProducerId}`);
    return lines.join('\n');
  }

  #partition(partition: PartitionImage): string {
    const { leader, leaderEpoch, partitionEpoch, replicas, isr, directories } = partition;
    const { eligibleLeaderReplicas: eligible, lastKnownElr: last } = partition;
    const offline = this.#machine.image.offlineReplicas(partition);
    return [
      `  ${partition.partition} leader=${leader} epoch=${leaderEpoch}/${partitionEpoch} replicas=${replicas} isr=${isr}`,
      ...(eligible.length + last.length > 0 ? [`elr=${eligible} last=${last}`] : []),
      ...(replicas.every((id, index) => directories[index] === `dir-${id}`) ? [] : [`in=${directories}`]),
      ...(partition.addingReplicas.length + partition.removingReplicas.length > 0
        ? [`adding=${partition.addingReplicas} removing=${partition.removingReplicas}`]
        : []),
      ...(offline.length > 0 ? [`offline=${offline}`] : []),
    ].join(' ');
  }

  #print({ records, replies }: MachineOutput<MetadataRecord>): string {
    const lines = records.map((record) => `${record.type} ${printFields(record.body)}`);
    for (const { token, body } of replies) {
      const items = Array.isArray(body) ? body : [body];
      for (const item of items) lines.push(`→ ${token} ${printFields(item)}`);
    }
    return lines.join('\n');
  }
}

/** `user=anna client-id=* / producer_byte_rate=5 request_percentage=`: `*` is the default, no value removes. */
function quotaAlteration(line: string) {
  const [names, limits] = line.split('/').map((part) => part.trim());
  const pairs = (text: string) =>
    text
      .split(' ')
      .filter((word) => word !== '')
      .map((word) => word.split('='));
  return {
    entity: pairs(names).map(([entityType, name]) => ({ entityType, entityName: name === '*' ? null : name })),
    ops: pairs(limits).map(([key, value]) => ({ key, value: value === '' ? 0 : Number(value), remove: value === '' })),
  };
}

/** `orders 0,1` */
function partitionsOf(line: string) {
  const [topic, partitions] = line.split(' ');
  return { topic, partitions: list(partitions).map(Number) };
}

function printFields(body: unknown): string {
  if (body === null || typeof body !== 'object') return String(body);
  return Object.entries(body)
    .filter(([, value]) => !(value === null || value === false || (Array.isArray(value) && value.length === 0)))
    .map(([name, value]) => `${name}=${printValue(value)}`)
    .join(' ');
}

function printValue(value: unknown): string {
  if (value !== null && typeof value === 'object' && 'code' in value) return String((value as { name?: string }).name);
  if (Array.isArray(value)) return `[${value.map(printValue).join(',')}]`;
  return value !== null && typeof value === 'object' ? `{${printFields(value)}}` : String(value);
}

describeScripts('controller', new URL('./testdata/', import.meta.url), () => {
  const world = new World();
  return (command) => world.answer(command);
});
