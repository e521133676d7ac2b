/** Every metric that we tell under a name of Kafka's exists under that name in a running Apache Kafka 4.4.0. */
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { brokerMetricTable } from '#broker/metrics';
import { freePort } from '../processes/child.ts';
import { coordinatorIsReady } from './groups-on-both.ts';
import { type ApacheKafka, kafkaTool, runToEnd, startApacheKafka, type ToolName } from './kafka/apache-kafka.ts';
import { tendBrokers } from './kafka/brokers.ts';
import { here, javaFlags, smallJvm } from './kafka/jars.ts';

const tend = tendBrokers();
let kafka: ApacheKafka;
let jmxPort: number;

beforeAll(async () => {
  jmxPort = await freePort();
  const jmx = { port: jmxPort, authenticate: false, ssl: false, host: '127.0.0.1' };
  const flags = Object.entries(jmx).map(([key, value]) => `-Dcom.sun.management.jmxremote.${key}=${value}`);
  kafka = await tend(startApacheKafka({}, [...smallJvm('768M'), ...flags, '-Djava.rmi.server.hostname=127.0.0.1']));
  await coordinatorIsReady(kafka.bootstrapServers);
});

const tool = (name: ToolName, args: readonly string[], stdin?: string) =>
  kafkaTool(name, ['--bootstrap-server', kafka.bootstrapServers, ...args], stdin);

/** Many of Kafka's metrics are made when there is something to count. */
async function giveItSomethingToCount(): Promise<void> {
  await tool('topics', ['--create', '--topic', 't']);
  const rates = 'producer_byte_rate=1000000,consumer_byte_rate=1000000,request_percentage=50';
  const everybody = ['--entity-type', 'users', '--entity-default', '--entity-type', 'clients', '--entity-default'];
  await tool('configs', ['--alter', ...everybody, '--add-config', rates]);
  await tool('client-metrics', ['--alter', '--name', 'all', '--metrics', '*', '--interval', '200']);
  await tool('console-producer', ['--topic', 't'], 'a\nb\n');
  const consume = ['--topic', 't', '--from-beginning', '--max-messages', '2'];
  await tool('console-consumer', consume);
  await tool('console-consumer', [...consume, '--group', 'g', '--command-property', 'group.protocol=consumer']);
}

/** The names of MBeans with their attributes: `domain:key=value,… attribute`. */
async function beanLines(): Promise<string[]> {
  const { stdout, stderr } = await runToEnd('java', [
    ...javaFlags('tools', '128M'),
    join(here, 'MBeans.java'),
    `${jmxPort}`,
  ]);
  expect(stderr).toBe('');
  return stdout.trim().split('\n');
}

/** Counted where a plugin takes what clients push; Apache Kafka comes without one. */
const ONLY_WITH_PLUGIN = /type=client-metrics,plugin-/;

type Row = (typeof brokerMetricTable)[number];

interface Bean {
  readonly domain: string;
  readonly keys: ReadonlyMap<string, string>;
  readonly attribute: string;
}

function beanOf(line: string): Bean {
  const [name, attribute] = line.split(' ');
  const [domain, properties] = name.split(':');
  return { domain, keys: new Map(properties.split(',').map((each) => each.split('=') as [string, string])), attribute };
}

/** Ours: `domain:type=T,name=N`, or `domain:type=T,attribute` for those whose figures are attributes of one bean. Beans of a type share their labels. */
function isThere({ mbean, labels }: Row, beans: readonly Bean[]): boolean {
  const [, domain, type, name, attribute] = /^([\w.]+):type=([\w-]+),(?:name=([\w-]+)|([\w-]+))$/.exec(mbean) ?? [];
  const ofType = beans.filter((bean) => bean.domain === domain && bean.keys.get('type') === type);
  const isNamed = ofType.some((bean) =>
    name === undefined ? bean.attribute === attribute : bean.keys.get('name') === name,
  );
  return isNamed && ofType.some(({ keys }) => labels.every((label) => keys.has(label.replaceAll('_', '-'))));
}

test('the names of metrics, and of their labels, are those of Apache Kafka', async () => {
  await giveItSomethingToCount();
  const there = (await beanLines()).map(beanOf);
  const rows = brokerMetricTable.filter(({ mbean }) => mbean.startsWith('kafka.') && !ONLY_WITH_PLUGIN.test(mbean));
  expect(rows.length).toBeGreaterThan(50);
  expect(rows.filter((row) => !isThere(row, there))).toEqual([]);
});
