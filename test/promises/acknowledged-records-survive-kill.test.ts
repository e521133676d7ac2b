/**
 * A broker killed with SIGKILL in the middle of a send loses no acknowledged record, keeps their order, and an idempotent
 * producer that goes on after the restart writes none twice. Real processes, a real disk, ten kills.
 */
import { afterAll, expect, test } from '@jest/globals';
import { KafkaConsumer, KafkaProducer, ProducerRecord, type RecordMetadata, TopicPartition } from '#client';
import { seededRandom } from '#core';
import { freePort } from '../processes/child.ts';
import { type SpringtideServer, startSpringtide } from '../processes/springtide-server.ts';

const ROUNDS = 10;
const RECORDS = 100_000;
const PARTITIONS = 3;

const random = seededRandom(20_261_121);
const folders: SpringtideServer[] = [];

afterAll(async () => {
  for (const server of folders) {
    await server.stop('SIGKILL');
    server.remove();
  }
});

test(`ten kills during a send of ${RECORDS} records with acks=all lose nothing, reorder nothing, repeat nothing`, async () => {
  const port = await freePort();
  let server = await startSpringtide({ port, overrides: [`num.partitions=${PARTITIONS}`] });
  folders.push(server);
  for (let round = 0; round < ROUNDS; round++) {
    const topic = `round-${round}`;
    const killAfter = 1 + (random.uint32() % (RECORDS - 1));
    const sent = sendThrough(server.bootstrapServers, topic, killAfter, async () => {
      await server.stop('SIGKILL');
      server = await startSpringtide({
        port,
        dataFolder: server.dataFolder,
        overrides: [`num.partitions=${PARTITIONS}`],
      });
      folders.push(server);
    });
    const acknowledged = await sent;
    const stored = await readAll(server.bootstrapServers, topic);
    expect(misplaced(acknowledged, stored)).toEqual([]);
    expect(stored.map((partition) => firstDisorder(partition))).toEqual(stored.map(() => undefined));
    expect(stored.reduce((sum, partition) => sum + partition.length, 0)).toBe(RECORDS);
  }
}, 600_000);

type Acknowledged = { sequence: number; partition: number; offset: number };

/** Sends all records; when `killAfter` of them are acknowledged the broker dies and comes back while the producer goes on. */
async function sendThrough(
  bootstrapServers: string,
  topic: string,
  killAfter: number,
  killAndRestart: () => Promise<void>,
): Promise<Acknowledged[]> {
  const producer = new KafkaProducer<null, string>(
    { 'bootstrap.servers': bootstrapServers, acks: 'all', 'key.serializer': 'string', 'value.serializer': 'string' },
    {},
  );
  const acknowledged: Acknowledged[] = [];
  const errors: unknown[] = [];
  let restart: Promise<void> | undefined;
  for (let sequence = 0; sequence < RECORDS; sequence++) {
    const record = new ProducerRecord<null, string>(topic, sequence % PARTITIONS, null, `${sequence}`);
    producer.send(record, (metadata: RecordMetadata | null, error: unknown) => {
      if (metadata === null) errors.push(error);
      else acknowledged.push({ sequence, partition: metadata.partition, offset: metadata.offset });
      if (acknowledged.length === killAfter) restart = killAndRestart();
    });
    if (sequence % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await producer.flush();
  await restart;
  await producer.close();
  expect(errors).toEqual([]);
  expect(restart).toBeDefined();
  return acknowledged;
}

/** Every record of the topic, by partition, as the number that it carries at the index of its offset. */
async function readAll(bootstrapServers: string, topic: string): Promise<number[][]> {
  const consumer = new KafkaConsumer<null, string>({
    'bootstrap.servers': bootstrapServers,
    'auto.offset.reset': 'earliest',
    'enable.auto.commit': false,
    'key.deserializer': 'string',
    'value.deserializer': 'string',
  });
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => new TopicPartition(topic, partition));
  consumer.assign(partitions);
  const ends = await consumer.endOffsets(partitions);
  const stored: number[][] = partitions.map(() => []);
  while (partitions.some((tp) => stored[tp.partition].length < (ends.get(tp) ?? 0))) {
    for (const record of await consumer.poll(10_000)) {
      expect(record.offset).toBe(stored[record.partition].length);
      stored[record.partition].push(Number(record.value));
    }
  }
  await consumer.close();
  return stored;
}

function misplaced(acknowledged: Acknowledged[], stored: number[][]): Acknowledged[] {
  return acknowledged.filter(({ sequence, partition, offset }) => stored[partition][offset] !== sequence);
}

function firstDisorder(sequences: number[]): number | undefined {
  return sequences.find((sequence, index) => index > 0 && sequence <= sequences[index - 1]);
}
