/** A Java consumer and one of ours in the same group, on our broker: they share the partitions, whoever leads. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { KafkaConsumer, KafkaProducer, ProducerRecord } from '#client';
import { type SpringtideServer, startSpringtide } from '../processes/springtide-server.ts';
import { kafkaTool } from './kafka/apache-kafka.ts';

const RECORDS_PER_PARTITION = 10;
let server: SpringtideServer;

beforeAll(async () => {
  server = await startSpringtide({ overrides: ['num.partitions=2'] });
});

afterAll(async () => {
  await server.stop();
  server.remove();
});

test.each(['range', 'cooperative-sticky'])(
  'with %s every record is read by exactly one of the two',
  async (assignor) => {
    const topic = `mixed-${assignor}`;
    const javaClass = { range: 'RangeAssignor', 'cooperative-sticky': 'CooperativeStickyAssignor' }[assignor];
    await kafkaTool('topics', [
      '--bootstrap-server',
      server.bootstrapServers,
      '--create',
      '--topic',
      topic,
      '--partitions',
      '2',
    ]);
    const ours = new KafkaConsumer<null, string>({
      'bootstrap.servers': server.bootstrapServers,
      'group.id': topic,
      'auto.offset.reset': 'earliest',
      'partition.assignment.strategy': assignor,
      'key.deserializer': 'string',
      'value.deserializer': 'string',
    });
    ours.subscribe([topic]);
    while (ours.assignment().length !== 2) await ours.poll(100);
    const strategy = `partition.assignment.strategy=org.apache.kafka.clients.consumer.${javaClass}`;
    const group = ['--group', topic, '--from-beginning', '--timeout-ms', '10000', '--command-property', strategy];
    const java = kafkaTool('console-consumer', [
      '--bootstrap-server',
      server.bootstrapServers,
      '--topic',
      topic,
      ...group,
    ]);
    while (ours.assignment().length !== 1) await ours.poll(100);

    await send(topic);
    const read: string[] = [];
    while (read.length < RECORDS_PER_PARTITION)
      for (const record of await ours.poll(1_000)) read.push(`${record.value}`);
    const lines = (await java).stdout.trim().split('\n');
    await ours.close();
    expect(lines).toHaveLength(RECORDS_PER_PARTITION);
    expect([...lines, ...read].sort()).toEqual(sent().sort());
  },
);

async function send(topic: string): Promise<void> {
  const producer = new KafkaProducer<null, string>({
    'bootstrap.servers': server.bootstrapServers,
    'value.serializer': 'string',
  });
  for (const value of sent()) producer.send(new ProducerRecord<null, string>(topic, Number(value[0]), null, value));
  await producer.close();
}

function sent(): string[] {
  return [0, 1].flatMap((partition) => Array.from({ length: RECORDS_PER_PARTITION }, (_, n) => `${partition}-${n}`));
}
