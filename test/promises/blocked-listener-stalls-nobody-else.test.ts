/**
 * The included broker runs in a thread of its own: a listener that blocks the application's event loop for 15 seconds, and until others
 * are done, keeps its membership, and other clients of the broker go on as if nothing were. One real application process, real time.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { Admin, type GroupDescription, KafkaConsumer, KafkaProducer, ProducerRecord, TopicPartition } from '#client';
import { freePort } from '../processes/child.ts';
import { Program, scratchFolder } from '../processes/program.ts';

const BLOCKED_MS = 15_000;
const ROUND_TRIPS = 200;
const folder = scratchFolder();
let application: Program;

afterAll(async () => {
  await application.stop('SIGKILL');
  folder.remove();
});

test('a listener that blocks its loop for 15 seconds loses no membership and stalls no other client', async () => {
  const bootstrapServers = `127.0.0.1:${await freePort()}`;
  application = startApplication(bootstrapServers);
  const config = {
    'bootstrap.servers': bootstrapServers,
    'key.serializer': 'string',
    'value.serializer': 'string',
    'linger.ms': 0,
  };
  const producer = new KafkaProducer<string, string>(config);
  const admin = Admin.create({ 'bootstrap.servers': bootstrapServers });
  const before = await stableGroup(admin);

  const release = join(folder.path, 'release');
  await producer.send(new ProducerRecord('blocking', `block ${BLOCKED_MS} ${release}`));
  await application.sees(/^blocking$/m);
  const roundTrips = await goRound(producer, bootstrapServers);
  const during = (await admin.describeConsumerGroups(['blocking'])).get('blocking');
  expect(application.output).not.toMatch(/unblocked/); // everything above happened while the application stood still
  expect(roundTrips).toBe(ROUND_TRIPS);
  writeFileSync(release, '');

  await application.sees(/^unblocked$/m);
  await producer.send(new ProducerRecord('blocking', `block 1 ${release}`));
  await application.sees(/unblocked[\s\S]*unblocked/); // the same member goes on handling
  const after = (await admin.describeConsumerGroups(['blocking'])).get('blocking');
  expect(during.members.map((member) => member.memberId)).toEqual(before.members.map((member) => member.memberId));
  expect(after.members.map((member) => member.memberId)).toEqual(before.members.map((member) => member.memberId));
  await producer.close();
  await admin.close();
  expect(await application.stop()).toBe(0);
});

/** Asks until the listener has joined; each answer takes a round trip, so this neither sleeps nor spins. */
async function stableGroup(admin: Admin): Promise<GroupDescription> {
  for (;;) {
    const group = (await admin.describeConsumerGroups(['blocking'])).values.get('blocking');
    if (group?.state === 'Stable') return group;
  }
}

function startApplication(bootstrapServers: string): Program {
  return Program.fromSource('test/promises/programs/blocking-application.ts', {
    args: [
      `--springtide.broker.listeners=PLAINTEXT://${bootstrapServers}`,
      `--springtide.broker.log.dirs=${folder.path}`,
      '--spring.kafka.consumer.value-deserializer=string',
      '--spring.kafka.consumer.auto-offset-reset=earliest',
      // As long as the others may take.
      '--spring.kafka.consumer.properties.session.timeout.ms=600000',
    ],
  });
}

/** Another client sends and reads a record at a time. */
async function goRound(producer: KafkaProducer<string, string>, bootstrapServers: string): Promise<number> {
  const consumer = new KafkaConsumer<string, string>({
    'bootstrap.servers': bootstrapServers,
    'key.deserializer': 'string',
    'value.deserializer': 'string',
    'auto.offset.reset': 'earliest',
  });
  let count = 0;
  await producer.send(new ProducerRecord('other', 'first'));
  consumer.assign([new TopicPartition('other', 0)]);
  for (let n = 0; n < ROUND_TRIPS; n++) {
    if (n > 0) await producer.send(new ProducerRecord('other', `${n}`));
    for (let received = 0; received === 0; ) received = (await consumer.poll(5_000)).count();
    count++;
  }
  await consumer.close();
  return count;
}
