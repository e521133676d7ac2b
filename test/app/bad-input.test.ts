/** Wrong input of every kind, given to a whole application on its included broker: each has an answer, and nothing else suffers. */
import 'reflect-metadata';
import { describe, expect, test } from '@jest/globals';
import { IsPositive } from 'class-validator';
import {
  type ApplicationContext,
  Header,
  KafkaAdmin,
  KafkaHeaders,
  KafkaListener,
  KafkaListenerEndpointRegistry,
  type KafkaProducerException,
  KafkaTemplate,
  Payload,
  Service,
  TopicBuilder,
} from '#app';
import { lines, run } from './run.ts';
import { Told } from './told.ts';

const EARLIEST = { 'spring.kafka.consumer.auto-offset-reset': 'earliest', 'spring.kafka.consumer.group-id': 'g' };

function templateOf(context: ApplicationContext): KafkaTemplate<string, unknown> {
  return context.get<KafkaTemplate<string, unknown>>(KafkaTemplate);
}

describe('records that cannot be handled', () => {
  test('go to the dead letter topic, whatever is wrong with them, and their partition goes on', async () => {
    class Order {
      @IsPositive() quantity!: number;
    }
    const told = new Told();
    @Service()
    class Orders {
      @KafkaListener({ id: 'orders', topics: 'orders' })
      onOrder(@Payload() order: Order): void {
        told.add(`order of ${order.quantity}`);
      }
      @KafkaListener({ id: 'dead', topics: 'orders-dlt' })
      onDead(
        @Payload({ required: false }) value: Buffer,
        @Header(KafkaHeaders.DLT_EXCEPTION_MESSAGE) why: string,
      ): void {
        told.add(`${value?.toString()} | ${why.replace(/^.*exception; /, '')}`);
      }
    }
    await using context = await run([Orders], { properties: EARLIEST });
    const template = templateOf(context);
    for (const text of ['no json', '', '[1]', '7', '{"quantity":-1}', '{"quantity":2}']) {
      await template.send('orders', 'k', Buffer.from(text));
    }
    await template.send('orders', 'k', null);
    const seen = await told.first(7);
    expect(seen.filter((text) => text.startsWith('order of'))).toEqual(['order of 2']);
    const dead = seen.filter((text) => !text.startsWith('order of'));
    expect(dead.map((text) => text.split(' | ')[0])).toEqual([
      'no json',
      '',
      '[1]',
      '7',
      '{"quantity":-1}',
      'undefined',
    ]);
    expect(dead[0]).toMatch(/expected JSON for a Order/);
    expect(dead[4]).toMatch(/quantity must be a positive number/);
    expect(dead[5]).toMatch(/tombstone.*required: false/);
  });
});

describe('a record that cannot be sent', () => {
  test('because it is too large is refused with the setting that says so, and the next one goes', async () => {
    await using context = await run([], {
      properties: { 'spring.kafka.producer.properties.max.request.size': '2000' },
    });
    const template = templateOf(context);
    const error = (await template.send('t', 'x'.repeat(3000)).catch((failure) => failure)) as KafkaProducerException;
    expect(error.code).toMatch(/TOO_LARGE/);
    expect(error.message).toContain('max.request.size');
    expect((await template.send('t', 'small')).recordMetadata.offset).toBe(0);
  });

  test('because its topic does not exist, and topics are not made by themselves, fails after max.block.ms', async () => {
    const properties = {
      'springtide.broker.auto.create.topics.enable': 'false',
      'spring.kafka.producer.properties.max.block.ms': '300',
    };
    await using context = await run([], { properties });
    const error = (await templateOf(context)
      .send('nowhere', 'v')
      .catch((failure) => failure)) as KafkaProducerException;
    expect(error.message).toMatch(/topic 'nowhere' did not appear.*does it exist/);
  });
});

describe('a listener', () => {
  test('of a topic that does not exist waits for it, and is told of', async () => {
    const told = new Told();
    @Service()
    class Late {
      @KafkaListener({ id: 'late', topics: 'later', properties: { 'metadata.max.age.ms': 200 } })
      on(text: string): void {
        told.add(text);
      }
    }
    const properties = { ...EARLIEST, 'springtide.broker.auto.create.topics.enable': 'false' };
    const isTold = /late: no partition is left[^\n]*topics do not exist yet/;
    const logSink = { write: (text: string) => void (isTold.test(text) && told.add('waiting')) };
    await using context = await run([Late], { properties, logSink });
    await told.first(1);
    await context.get(KafkaAdmin).createOrModifyTopics(TopicBuilder.name('later').partitions(1).build());
    await templateOf(context).send('later', 'here');
    expect(await told.first(2)).toEqual(['waiting', 'here']);
  });

  test('whose initial offset does not exist starts where auto.offset.reset says, with a warning', async () => {
    const told = new Told();
    @Service()
    class Beyond {
      @KafkaListener({
        id: 'beyond',
        topicPartitions: [{ topic: 't', partitionOffsets: [{ partition: 0, initialOffset: 999 }] }],
        autoStartup: false,
      })
      on(text: string): void {
        told.add(text);
      }
    }
    lines.length = 0;
    await using context = await run([Beyond], { properties: EARLIEST });
    await templateOf(context).send('t', 0, 'k', 'first');
    await context.get(KafkaListenerEndpointRegistry).getListenerContainer('beyond')?.start();
    expect(await told.first(1)).toEqual(['first']);
    expect(lines.join('')).toMatch(/"level":40[^\n]*t-0: offset 999 is out of range, resetting to earliest/);
  });
});
