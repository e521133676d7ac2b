import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { KafkaConsumer, KafkaProducer } from '#client';
import { Deferred } from '#core';
import {
  ConcurrentKafkaListenerContainerFactory,
  DefaultErrorHandler,
  DefaultKafkaConsumerFactory,
  FixedBackOff,
  KafkaListener,
  KafkaListenerAnnotationProcessor,
  KafkaListenerEndpointRegistry,
} from '#listener';
import { ConsumerRecord, type Deserializer, deserializerByName, ProducerRecord, serializerByName } from '#serde';
import { DefaultKafkaProducerFactory, KafkaTemplate } from '#template';
import { EmbeddedKafka } from '#testing';

let kafka: EmbeddedKafka;
const toClose: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  kafka = await EmbeddedKafka.start();
});

afterAll(async () => {
  for (const close of toClose.reverse()) await close();
  await kafka.close();
});

/** Fails on the record at offset 0, and tells of the one behind it. */
async function listenFailing(topic: string): Promise<{ passed: Promise<void> }> {
  const passed = new Deferred<void>();
  class Failing {
    @KafkaListener({ id: topic, topics: topic })
    on(record: ConsumerRecord): void {
      if (record.offset === 0) throw new Error('no');
      passed.resolve();
    }
  }
  const configs = { 'bootstrap.servers': kafka.bootstrapServers };
  const producers = new DefaultKafkaProducerFactory(configs, {
    transport: kafka.transport,
    keySerializer: serializerByName('string'),
    valueSerializer: serializerByName('json'),
  });
  const defaultFactory = new ConcurrentKafkaListenerContainerFactory({
    consumerFactory: new DefaultKafkaConsumerFactory(
      { ...configs, 'auto.offset.reset': 'earliest' },
      {
        transport: kafka.transport,
        keyDeserializer: deserializerByName('string'),
        valueDeserializer: deserializerByName('string'),
      },
    ),
    commonErrorHandler: new DefaultErrorHandler(undefined, new FixedBackOff(0, 0)),
    replyTemplate: new KafkaTemplate(producers as DefaultKafkaProducerFactory),
  });
  const registry = new KafkaListenerEndpointRegistry();
  new KafkaListenerAnnotationProcessor({ registry, defaultFactory }).process(new Failing());
  toClose.push(
    () => producers.close(),
    () => registry.stop(),
  );
  await registry.start();
  return { passed: passed.promise };
}

async function send(topic: string, codec: string, ...values: Buffer[]): Promise<void> {
  const producer = new KafkaProducer<null, Buffer>(
    {
      'bootstrap.servers': kafka.bootstrapServers,
      'max.request.size': '10MB',
      'compression.type': codec,
    },
    {
      transport: kafka.transport,
      keySerializer: serializerByName('bytes'),
      valueSerializer: serializerByName('bytes'),
    },
  );
  for (const value of values) await producer.send(new ProducerRecord({ topic, key: null, value }));
  await producer.close();
}

async function firstOf(topic: string): Promise<ConsumerRecord<unknown, Buffer>> {
  const consumer = new KafkaConsumer<unknown, Buffer>(
    { 'bootstrap.servers': kafka.bootstrapServers, 'group.id': `reader of ${topic}`, 'auto.offset.reset': 'earliest' },
    {
      transport: kafka.transport,
      keyDeserializer: deserializerByName('bytes'),
      valueDeserializer: deserializerByName('bytes') as Deserializer<Buffer>,
    },
  );
  consumer.subscribe([topic]);
  try {
    for (;;) for (const record of await consumer.poll(1000)) return record;
  } finally {
    await consumer.close();
  }
}

test('a record that the broker took because it was compressed goes to the dead letter topic, however large it unfolds', async () => {
  await kafka.createTopics('packed', 'packed-dlt');
  const large = Buffer.alloc(2_000_000, 'a');
  await send('packed', 'gzip', large, Buffer.from('next'));
  await (await listenFailing('packed')).passed;
  const letter = await firstOf('packed-dlt');
  expect(letter.value.equals(large)).toBe(true);
  expect(letter.headers.text('kafka_dlt-original-topic')).toBe('packed');
  expect(letter.headers.text('kafka_dlt-exception-stacktrace')).toContain('Error: no');
});

test('a record that leaves no room for the headers of a dead letter goes there without some of them', async () => {
  await kafka.createTopics('full', 'full-dlt');
  const large = randomBytes(1_048_588 - 100 - 700);
  await send('full', 'none', large, Buffer.from('next'));
  await (await listenFailing('full')).passed;
  const letter = await firstOf('full-dlt');
  expect(letter.value.equals(large)).toBe(true);
  expect(letter.headers.text('kafka_dlt-exception-stacktrace')).toBeUndefined();
  expect(letter.headers.text('kafka_dlt-original-topic')).toBe('full');
});
