/**
 * DescribeConfigs of broker and topic, key by key, from Apache Kafka 4.4.0 and from us: what both list has the same type, can change in the
 * same way, hides the same and has the same default, but for the keys named here with a reason.
 */
import { beforeAll, expect, test } from '@jest/globals';
import { silentLogger, systemClock } from '#core';
import { RequestChannel, tcpTransport } from '#net';
import { Apis, type DescribeConfigsResponse, Errors } from '#protocol';
import { type Broker, bothBrokers, onBoth } from './kafka/brokers.ts';
import { askUntil } from './until.ts';

type Config = DescribeConfigsResponse['results'][number]['configs'][number];
type Configs = ReadonlyMap<string, Config>;

const TOPIC = 2;
const BROKER = 4;
const GROUP = 32;
const DEFAULT_SOURCE = 5;
const GROUP_SOURCE = 8;

/** What is set for the group `set`; `unset` has nothing of its own. */
const groupConfigs = {
  'consumer.assignor.offload.enable': 'false',
  'errors.deadletterqueue.topic.name': 'dead',
  'share.auto.offset.reset': 'by_duration:PT1H',
  'share.session.timeout.ms': '50000',
  'streams.acceptable.recovery.lag': '5',
  'streams.num.standby.replicas': '2',
  'streams.rack.aware.assignment.tags': 'zone,cluster',
};
/** What no group may have. */
const refusedGroupConfigs: readonly (readonly [name: string, value: string])[] = [
  ['consumer.assignor.offload.enable', 'perhaps'],
  ['errors.deadletterqueue.topic.name', '__dead'],
  ['share.auto.offset.reset', 'by_duration:1h'],
  ['share.delivery.count.limit', '11'],
  ['share.heartbeat.interval.ms', '4999'],
  ['share.isolation.level', 'read_nothing'],
  ['share.partition.max.record.locks', '99'],
  ['share.record.lock.duration.ms', '60001'],
  ['streams.assignor.name', 'loose'],
  ['streams.num.warmup.replicas', '21'],
  ['streams.rack.aware.assignment.tags', 'zone,zone'],
  ['streams.task.offset.interval.ms', '14999'],
  ['unknown', '1'],
];

/** Keys whose default is not Kafka's. */
const otherDefaults: Readonly<Record<string, string>> = {
  'controller.listener.names': 'the controller lives inside the broker',
  'group.initial.rebalance.delay.ms': 'consumers of one application come together',
  listeners: 'loopback, so that nobody opens a port to the world unknowingly',
  'log.dir': 'a folder that outlives a restart of the machine',
  'node.id': 'a single node needs no number',
  'offsets.topic.replication.factor': 'a single node holds one replica',
  'process.roles': 'it is always both',
  'queued.max.request.bytes': 'memory is bounded',
  'transaction.state.log.min.isr': 'a single node holds one replica',
  'transaction.state.log.replication.factor': 'a single node holds one replica',
};
/** Keys that are dynamic in Kafka, and not here. */
const readOnlyHere: readonly string[] = [
  // Listeners are opened at the start, and stay.
  'listeners',
  'listener.security.protocol.map',
];

interface Description {
  readonly [TOPIC]: Configs;
  readonly [BROKER]: Configs;
  readonly set: Configs;
  readonly unset: Configs;
  /** Errors of what was set for groups. */
  readonly errors: readonly number[];
}

const brokers = bothBrokers();
let described: Record<'kafka' | 'ours', Description>;

async function describeOf({ bootstrapServers }: Broker): Promise<Description> {
  const [host, port] = bootstrapServers.split(':');
  const connection = await tcpTransport().connect(host, Number(port));
  const channel = new RequestChannel(connection, { clientId: 'configs', clock: systemClock, logger: silentLogger });
  const topics = [{ name: 't', numPartitions: 1, replicationFactor: 1, configs: [] }];
  await channel.send(Apis.CreateTopics, 7, { topics, timeoutMs: 30_000 }, { timeoutMs: 60_000 });
  const errors: number[] = [];
  for (const [name, value] of [...Object.entries(groupConfigs), ...refusedGroupConfigs]) {
    const configs = [{ name, value, configOperation: 0 }];
    const resources = [{ resourceType: GROUP, resourceName: 'set', configs }];
    const answer = await channel.send(Apis.IncrementalAlterConfigs, 1, { resources }, { timeoutMs: 60_000 });
    errors.push(answer.responses[0].errorCode);
  }
  const resources = [
    { resourceType: TOPIC, resourceName: 't', configurationKeys: null },
    { resourceType: BROKER, resourceName: '1', configurationKeys: null },
    { resourceType: GROUP, resourceName: 'set', configurationKeys: null },
    { resourceType: GROUP, resourceName: 'unset', configurationKeys: null },
  ];
  const body = { resources, includeSynonyms: true, includeDocumentation: true };
  const ask = () => channel.send(Apis.DescribeConfigs, 4, body, { timeoutMs: 60_000 });
  const { results } = await askUntil(ask, ({ results: [topic, , { configs }] }) => {
    const set = configs.filter(({ configSource }) => configSource === GROUP_SOURCE);
    return topic.errorCode === 0 && set.length === Object.keys(groupConfigs).length;
  });
  channel.close();
  const maps = results.map(({ configs }) => new Map(configs.map((config) => [config.name, config])));
  return { [TOPIC]: maps[0], [BROKER]: maps[1], set: maps[2], unset: maps[3], errors };
}

beforeAll(async () => {
  const { 'Apache Kafka': kafka, springtide: ours } = await onBoth((name) => describeOf(brokers[name]));
  described = { kafka, ours };
});

/** A list has no order of its own. */
function defaultOf({ synonyms }: Config): string | null {
  const text = synonyms.find(({ source }) => source === DEFAULT_SOURCE)?.value ?? null;
  return text?.split(',').sort().join(',') ?? null;
}

function common(type: typeof TOPIC | typeof BROKER): [name: string, kafka: Config, ours: Config][] {
  return [...described.ours[type]].flatMap(([name, ours]) => {
    const kafka = described.kafka[type].get(name);
    return kafka === undefined ? [] : [[name, kafka, ours]];
  });
}

test('a topic has the same keys with the same values, types, sources and synonyms', () => {
  expect([...described.ours[TOPIC].keys()].sort()).toEqual([...described.kafka[TOPIC].keys()].sort());
  for (const [name, kafka, ours] of common(TOPIC)) {
    const shown = ({ documentation, synonyms, ...rest }: Config) => ({
      ...rest,
      synonyms: synonyms.filter(({ source }) => source === DEFAULT_SOURCE),
    });
    // By KIP-966 a Kafka sets this one for the cluster.
    if (name !== 'min.insync.replicas') expect(shown(ours)).toEqual(shown(kafka));
  }
});

test('what both brokers list has the same type and hides the same', () => {
  expect(common(BROKER).length).toBeGreaterThan(100);
  const shown = (name: string, { configType, isSensitive }: Config) => `${name} ${configType} ${isSensitive}`;
  expect(common(BROKER).map(([name, , ours]) => shown(name, ours))).toEqual(
    common(BROKER).map(([name, kafka]) => shown(name, kafka)),
  );
});

test('what both brokers list can change in the same way, but for what is named', () => {
  const changes = common(BROKER).filter(([, kafka, ours]) => kafka.readOnly !== ours.readOnly);
  expect(changes.map(([name]) => name).sort()).toEqual([...readOnlyHere].sort());
});

test('what both brokers list has the same default, but for what is named', () => {
  const other = common(BROKER).filter(([, kafka, ours]) => defaultOf(kafka) !== defaultOf(ours));
  expect(other.map(([name]) => name).sort()).toEqual(Object.keys(otherDefaults).sort());
});

test('every key that we list beyond those of Kafka is ours by its name', () => {
  const beyond = [...described.ours[BROKER].keys()].filter((name) => !described.kafka[BROKER].has(name));
  expect(beyond.filter((name) => !name.startsWith('springtide.'))).toEqual(['cluster.id']);
});

test('every key is documented', () => {
  const { errors, ...resources } = described.ours;
  for (const configs of Object.values(resources)) {
    for (const [name, { documentation }] of configs)
      expect([name, documentation !== null && documentation !== '']).toEqual([name, true]);
  }
});

test('a group has the same keys with the same values, types, sources and synonyms, whatever is set', () => {
  const shown = (configs: Configs) =>
    [...configs.values()].map(({ documentation, ...rest }) => rest).sort((a, b) => (a.name < b.name ? -1 : 1));
  expect(shown(described.ours.set)).toEqual(shown(described.kafka.set));
  expect(shown(described.ours.unset)).toEqual(shown(described.kafka.unset));
  expect(shown(described.ours.set).length).toBeGreaterThan(shown(described.ours.unset).length);
});

test('what may be set for a group is what may be set there', () => {
  const refused = refusedGroupConfigs.map(() => Errors.INVALID_CONFIG.code);
  expect(described.ours.errors).toEqual([...Object.keys(groupConfigs).map(() => 0), ...refused]);
  expect(described.kafka.errors).toEqual(described.ours.errors);
});
