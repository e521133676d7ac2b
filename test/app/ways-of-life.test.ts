/** Unusual but legal ways to live in an application: sending while beans come and go, listeners that are made by others, two applications at once. */
import 'reflect-metadata';
import { describe, expect, test } from '@jest/globals';
import {
  Bean,
  Configuration,
  KafkaListener,
  KafkaListenerEndpointRegistry,
  KafkaTemplate,
  PostConstruct,
  PreDestroy,
  Service,
} from '#app';
import { lines, run } from './run.ts';
import { Told } from './told.ts';

const EARLIEST = { 'spring.kafka.consumer.auto-offset-reset': 'earliest', 'spring.kafka.consumer.group-id': 'g' };

describe('a bean', () => {
  test('may send while it is made and while it ends, and both are acknowledged', async () => {
    const offsets: number[] = [];
    @Service()
    class Chatty {
      constructor(private readonly kafka: KafkaTemplate<string, string>) {}
      @PostConstruct()
      async begin(): Promise<void> {
        offsets.push((await this.kafka.send('life', 'begin')).recordMetadata.offset);
      }
      @PreDestroy()
      async end(): Promise<void> {
        offsets.push((await this.kafka.send('life', 'end')).recordMetadata.offset);
      }
    }
    const context = await run([Chatty]);
    const template = context.get<KafkaTemplate<string, string>>(KafkaTemplate);
    template.send('life', 'nobody waits for this');
    await context.close();
    expect(offsets).toEqual([0, 2]);
    await expect(template.send('life', 'too late').toPromise()).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('that throws while it is made is named with the place in its code, and no stack', async () => {
    @Configuration()
    class Broken {
      @Bean()
      async price(): Promise<object> {
        await Promise.resolve();
        throw new RangeError('no price');
      }
    }
    const failure = await run([Broken]).then(
      () => undefined,
      (error: Error) => error,
    );
    expect(failure?.message).toMatch(/RangeError: no price/);
    expect(JSON.stringify(failure)).toMatch(/price/);
  });
});

describe('listeners', () => {
  test('are found in objects that @Bean methods make, in subclasses of abstract classes, and in several per method', async () => {
    const told = new Told();
    abstract class Base {
      abstract label(): string;
      @KafkaListener({ id: 'first', topics: 'one' })
      @KafkaListener({ id: 'second', topics: ['two', 'three'] })
      on(text: string): void {
        told.add(`${this.label()}: ${text}`);
      }
    }
    class Made extends Base {
      label(): string {
        return 'made';
      }
    }
    @Configuration()
    class Config {
      @Bean()
      made(): Made {
        return new Made();
      }
    }
    await using context = await run([Config], { properties: EARLIEST });
    const template = context.get<KafkaTemplate<string, string>>(KafkaTemplate);
    for (const topic of ['one', 'two', 'three']) await template.send(topic, topic);
    expect((await told.first(3)).sort()).toEqual(['made: one', 'made: three', 'made: two']);
  });

  test('may stop their own container without waiting for it; the record at hand is committed', async () => {
    const told = new Told();
    let registry: KafkaListenerEndpointRegistry | undefined;
    @Service()
    class Once {
      @KafkaListener({ id: 'once', topics: 'jobs', properties: { 'max.poll.records': 1 } })
      on(text: string): void {
        told.add(text);
        void registry?.getListenerContainer('once')?.stop();
      }
    }
    await using context = await run([Once], { properties: EARLIEST });
    registry = context.get(KafkaListenerEndpointRegistry);
    const template = context.get<KafkaTemplate<string, string>>(KafkaTemplate);
    await template.send('jobs', 0, 'k', 'a');
    await template.send('jobs', 0, 'k', 'b');
    expect(await told.first(1)).toEqual(['a']);
    const container = registry.getListenerContainer('once');
    await container?.stop();
    expect(container?.isRunning()).toBe(false);
    expect(container?.isInExpectedState()).toBe(true);
    await container?.start();
    expect(await told.first(2)).toEqual(['a', 'b']);
  });
});

test('two applications in one process do not know of each other, and one may end before the other', async () => {
  const told = new Told();
  @Service()
  class Ears {
    @KafkaListener({ id: 'ears', topics: 't' })
    on(text: string): void {
      told.add(text);
    }
  }
  const first = await run([Ears], { properties: EARLIEST });
  const second = await run([Ears], { properties: EARLIEST });
  await first.get<KafkaTemplate<string, string>>(KafkaTemplate).send('t', 'to the first');
  expect(await told.first(1)).toEqual(['to the first']);
  await first.close();
  await second.get<KafkaTemplate<string, string>>(KafkaTemplate).send('t', 'to the second');
  expect(await told.first(2)).toEqual(['to the first', 'to the second']);
  await second.close();
});

test('no secret is ever in the log, whatever is set and whatever fails', async () => {
  lines.length = 0;
  const properties = {
    ...EARLIEST,
    'logging.level.root': 'trace',
    'spring.kafka.ssl.key-store-password': 'hunter2-store',
    'spring.kafka.ssl.key-password': 'hunter2-key',
    'spring.kafka.properties.sasl.jaas.config': 'password="hunter2-jaas";',
    'spring.kafka.producer.properties.sasl.jaas.config': 'password="hunter2-jaas";',
  };
  const args = ['--spring.kafka.consumer.ssl.key-password=hunter2-args', '--springtide.brokr.password=hunter2-typo'];
  const failure = await run([], { properties, args }).then(
    async (context) => {
      await context
        .get<KafkaTemplate<string, string>>(KafkaTemplate)
        .send('t', 'v')
        .catch(() => {});
      await context.close();
      return '';
    },
    (error: Error) => `${error.message}${JSON.stringify(error)}`,
  );
  expect(lines.join('') + failure).not.toContain('hunter2');
});
