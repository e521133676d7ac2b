/** A Java consumer and one of ours in the same group, on our broker: they share the partitions, whoever leads. */
import { beforeAll, expect, test } from '@jest/globals';
import { KafkaConsumer, KafkaProducer, ProducerRecord } from '#client';
import type { KafkaError } from '#core';
import { startSpringtide } from '../processes/springtide-server.ts';
import { kafkaTool, startKafkaTool } from './kafka/apache-kafka.ts';
import { tendBrokers } from './kafka/brokers.ts';
import { until } from './until.ts';

const RECORDS_PER_PARTITION = 10;
const HEARTBEAT_MS = 500;
const tend = tendBrokers();
let bootstrapServers: string;

beforeAll(async () => {
  ({ bootstrapServers } = await tend(startSpringtide()));
});

test.each(['range', 'cooperative-sticky'])(
  'with %s every record is read by exactly one of the two, and who stays goes on where the other was',
  async (assignor) => {
    const topic = `mixed-${assignor}`;
    const create = ['--create', '--topic', topic, '--partitions', '2'];
    await kafkaTool('topics', ['--bootstrap-server', bootstrapServers, ...create]);
    const ours = new KafkaConsumer<null, string>({
      'bootstrap.servers': bootstrapServers,
      'group.id': topic,
      'auto.offset.reset': 'earliest',
      'partition.assignment.strategy': assignor,
      'heartbeat.interval.ms': HEARTBEAT_MS,
      'key.deserializer': 'string',
      'value.deserializer': 'string',
    });
    const read: string[] = [];
    const poll = async () => {
      for (const { value } of await ours.poll(100)) read.push(`${value}`);
    };
    ours.subscribe([topic]);
    while (ours.assignment().length !== 2) await poll();
    const java = startKafkaTool('console-consumer', consuming(topic, assignor));
    while (ours.assignment().length !== 1) await poll();

    await send(topic, 'first');
    const lines = () =>
      java
        .output()
        .split('\n')
        .filter((line) => line !== '');
    while (read.length < RECORDS_PER_PARTITION || lines().length < RECORDS_PER_PARTITION) await poll();
    // Who takes part in a rebalance cannot commit before its end; the cooperative one has two.
    while (!(await ours.commitSync().then(() => true, isInRebalance))) await poll();
    await ours.close();
    await send(topic, 'second');
    // Behind what it would read a second time.
    const expected = [...sent('first'), ...sent('second')];
    await until(
      () => `the Java consumer reads the rest:\n${lines().join('\n')}`,
      () => lines().length + read.length >= expected.length,
    );
    await java.stop();
    expect(read).toHaveLength(RECORDS_PER_PARTITION);
    expect([...lines(), ...read].sort()).toEqual(expected.sort());
  },
);

function isInRebalance(error: KafkaError): false {
  if (error.code !== 'REBALANCE_IN_PROGRESS') throw error;
  return false;
}

/** Arguments of a Java consumer in our group. */
function consuming(topic: string, assignor: string): string[] {
  const javaClass = { range: 'RangeAssignor', 'cooperative-sticky': 'CooperativeStickyAssignor' }[assignor];
  const properties = [
    `partition.assignment.strategy=org.apache.kafka.clients.consumer.${javaClass}`,
    `heartbeat.interval.ms=${HEARTBEAT_MS}`,
  ];
  return [
    ...['--bootstrap-server', bootstrapServers, '--topic', topic, '--group', topic, '--from-beginning'],
    ...properties.flatMap((property) => ['--command-property', property]),
  ];
}

async function send(topic: string, what: string): Promise<void> {
  const producer = new KafkaProducer<null, string>({
    'bootstrap.servers': bootstrapServers,
    'value.serializer': 'string',
  });
  for (const value of sent(what))
    producer.send(new ProducerRecord<null, string>(topic, Number(value.at(-1)) % 2, null, value));
  await producer.close();
}

/** Every other one is for the second partition. */
function sent(what: string): string[] {
  return Array.from({ length: 2 * RECORDS_PER_PARTITION }, (_, n) => `${what}-${n}`);
}
