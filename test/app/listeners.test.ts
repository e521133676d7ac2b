import 'reflect-metadata';
import { describe, expect, test } from '@jest/globals';
import { IsPositive } from 'class-validator';
import {
  Acknowledgment,
  type ApplicationContext,
  Bean,
  type Class,
  Configuration,
  ConsumerRecord,
  DefaultErrorHandler,
  FixedBackOff,
  Header,
  KafkaEvent,
  KafkaHeaders,
  KafkaListener,
  KafkaListenerEndpointRegistry,
  KafkaTemplate,
  Lazy,
  type NewTopic,
  Payload,
  SendTo,
  Service,
  StartupFailure,
  TopicBuilder,
} from '#app';
import { run } from './run.ts';
import { folderWith } from './scene.ts';
import { Told } from './told.ts';

const EARLIEST = {
  'spring.kafka.consumer.auto-offset-reset': 'earliest',
  'spring.kafka.consumer.group-id': 'g',
  'app.topic': 'orders',
};

function templateOf(context: ApplicationContext): KafkaTemplate<string, unknown> {
  return context.get<KafkaTemplate<string, unknown>>(KafkaTemplate);
}

describe('listeners of an application', () => {
  test('get converted and validated payloads, headers and records; what breaks its rules goes to the dead letter topic', async () => {
    class Order {
      @IsPositive() quantity!: number;
      label(): string {
        return `order of ${this.quantity}`;
      }
    }
    const told = new Told();
    @Service()
    class Billing {
      @KafkaListener({ id: 'billing', topics: '${app.topic}' })
      onOrder(@Payload() order: Order, @Header(KafkaHeaders.OFFSET) offset: number): void {
        told.add(`${order.label()} at ${offset}`);
      }
      @KafkaListener({ id: 'dead', topics: '${app.topic}-dlt' })
      onDead(record: ConsumerRecord<string, string>): void {
        told.add(`dead ${record.value}`);
      }
    }
    await using context = await run([Billing], { properties: EARLIEST });
    await templateOf(context).send('orders', 'a', { quantity: 2 });
    await templateOf(context).send('orders', 'a', { quantity: -1 });
    expect(await told.first(2)).toEqual(['order of 2 at 0', 'dead {"quantity":-1}']);
  });

  test('follow the settings: batch listeners, manual acknowledgments, replies', async () => {
    const told = new Told();
    @Service()
    class Replies {
      @KafkaListener({ id: 'asked', topics: 'questions' })
      @SendTo('answers')
      onQuestion(texts: string[], ack: Acknowledgment): string[] {
        ack.acknowledge();
        return texts.map((text) => text.toUpperCase());
      }
      @KafkaListener({ id: 'answered', topics: 'answers', batch: 'false' })
      onAnswer(text: string, ack: Acknowledgment): void {
        ack.acknowledge();
        told.add(text);
      }
    }
    const properties = {
      ...EARLIEST,
      'spring.kafka.listener.type': 'batch',
      'spring.kafka.listener.ack-mode': 'manual-immediate',
    };
    await using context = await run([Replies], { properties });
    await templateOf(context).send('questions', 'why');
    expect(await told.first(1)).toEqual(['WHY']);
    const container = context.get(KafkaListenerEndpointRegistry).getListenerContainer('asked');
    expect(container?.containerProperties.ackMode).toBe('manual_immediate');
  });

  test('take up an error handler bean of the user', async () => {
    const told = new Told();
    @Configuration()
    class Errors {
      @Bean()
      handler(): DefaultErrorHandler {
        const recoverer = { recover: (record: ConsumerRecord) => told.add(`recovered ${record.value}`) };
        return new DefaultErrorHandler(recoverer as never, new FixedBackOff(0, 1));
      }
    }
    @Service()
    class Failing {
      @KafkaListener({ topics: 'orders' })
      onOrder(text: string): void {
        told.add(`tried ${text}`);
        throw new Error('no');
      }
    }
    await using context = await run([Errors, Failing], { properties: EARLIEST });
    await templateOf(context).send('orders', 'x');
    expect(await told.first(3)).toEqual(['tried x', 'tried x', 'recovered x']);
  });

  test('of a lazy bean start when the bean is made; events of containers reach the context', async () => {
    const told = new Told();
    @Service()
    @Lazy()
    class Late {
      @KafkaListener({ id: 'late', topics: 'orders' })
      onOrder(text: string): void {
        told.add(text);
      }
    }
    await using context = await run([Late], { properties: EARLIEST });
    const started: string[] = [];
    context.onEvent(KafkaEvent, ({ event }) => {
      if (event.type === 'ConsumerStarted') started.push(event.listenerId);
    });
    await templateOf(context).send('orders', 'x');
    expect(context.get(KafkaListenerEndpointRegistry).getListenerContainerIds().size).toBe(0);
    await context.getAsync(Late);
    expect(await told.first(1)).toEqual(['x']);
    expect(started).toEqual(['late']);
  });

  test('start after declared topics are made, and not at all when auto-startup is off', async () => {
    @Configuration()
    class Topics {
      @Bean()
      orders(): NewTopic {
        return TopicBuilder.name('orders').partitions(4).build();
      }
    }
    @Service()
    class Idle {
      @KafkaListener({ id: 'idle', topics: 'orders' })
      onOrder(_text: string): void {}
    }
    const properties = { ...EARLIEST, 'spring.kafka.listener.auto-startup': false };
    await using context = await run([Topics, Idle], { properties });
    expect(context.get(KafkaListenerEndpointRegistry).getListenerContainer('idle')?.isRunning()).toBe(false);
  });
});

describe('a start fails when listeners are wrong', () => {
  /** The broker's key of that name has nothing to do with what is wrong. */
  const WITH_LISTENERS = 'springtide:\n  broker:\n    listeners: PLAINTEXT://127.0.0.1:0\n';

  async function failure(
    component: Class,
    properties: Record<string, unknown> = EARLIEST,
    yaml = '',
  ): Promise<StartupFailure> {
    const workingFolder = folderWith({ 'application.yaml': yaml });
    const thrown: unknown = await run([component], { properties, workingFolder }).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(StartupFailure);
    return thrown as StartupFailure;
  }

  test('because two have one id', async () => {
    @Service()
    class Twice {
      @KafkaListener({ id: 'same', topics: 'a' })
      onA(_text: string): void {}
      @KafkaListener({ id: 'same', topics: 'b' })
      onB(_text: string): void {}
    }
    const { description, details, action } = await failure(Twice, EARLIEST, WITH_LISTENERS);
    expect(description).toBe("two listeners have the id 'same': Twice.onA and Twice.onB.");
    expect(action).toBe('Give each @KafkaListener an id of its own.');
    expect(details).toEqual([['Code', 'INVALID_CONFIG']]);
  });

  test('because a placeholder has no value', async () => {
    @Service()
    class Unset {
      @KafkaListener({ id: 'unset', topics: '${app.nowhere}' })
      on(_text: string): void {}
    }
    const failed = await failure(Unset);
    expect(failed.message).toContain('app.nowhere');
    expect(failed.message).toContain('Unset.on');
  });

  test('because no group is named', async () => {
    @Service()
    class Groupless {
      @KafkaListener({ topics: 'a' })
      on(_text: string): void {}
    }
    const { description, details, action } = await failure(Groupless, {}, WITH_LISTENERS);
    expect(description).toBe('Groupless.on has no group id.');
    expect(action).toMatch(/^Set groupId .*spring\.kafka\.consumer\.group-id/);
    expect(details).toEqual([['Code', 'INVALID_CONFIG']]);
  });

  test('because the settings name a deserializer that nobody knows, and says key and line', async () => {
    @Service()
    class Reads {
      @KafkaListener({ id: 'reads', topics: 'a' })
      on(_text: string): void {}
    }
    const yaml = 'spring:\n  kafka:\n    consumer:\n      value-deserializer: jsn\n';
    const { description, details } = await failure(Reads, EARLIEST, yaml);
    expect(description).toMatch(/^value\.deserializer: unknown deserializer 'jsn'\. Did you mean 'json'/);
    const origin = details.find(([label]) => label === 'Origin')?.[1];
    expect(origin).toMatch(/application\.yaml:4 \(spring\.kafka\.consumer\.value-deserializer\)$/);
  });

  test('because a listener names such a deserializer itself: then no line of the settings is blamed', async () => {
    @Service()
    class Own {
      @KafkaListener({ id: 'own', topics: 'a', properties: { 'value.deserializer': 'jsn' } })
      on(_text: string): void {}
    }
    const yaml = 'spring:\n  kafka:\n    consumer:\n      value-deserializer: string\n';
    const { description, details } = await failure(Own, EARLIEST, yaml);
    expect(description).toContain("unknown deserializer 'jsn'");
    expect(details.map(([label]) => label)).not.toContain('Origin');
  });

  test('because a batch listener meets the ack mode record of the settings, and says key and line', async () => {
    @Service()
    class Batches {
      @KafkaListener({ id: 'batches', topics: 'a', batch: true })
      on(_texts: string[]): void {}
    }
    const yaml = 'spring:\n  kafka:\n    listener:\n      ack-mode: record\n';
    const { description, details, action } = await failure(Batches, EARLIEST, yaml);
    expect(description).toContain('spring.kafka.listener.ack-mode');
    expect(details.find(([label]) => label === 'Origin')?.[1]).toMatch(/application\.yaml:4$/);
    expect(action).toContain("hoose 'batch'");
  });
});
