import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  Admin,
  Application,
  Bean,
  Configuration,
  DefaultKafkaProducerFactory,
  KafkaTemplate,
  NewTopic,
  PostConstruct,
  PreDestroy,
  ProducerRecord,
  Service,
  StartupFailure,
  TopicBuilder,
  Value,
} from '#app';
import { Broker } from '#broker';
import { memoryDisk } from '#storage';
import { IncludedBroker } from '../../src/app/included-broker.ts';
import { lines, run } from './run.ts';
import { folderWith } from './scene.ts';

describe('an application on its included broker', () => {
  test('sends through the injected template, also while beans are made', async () => {
    @Service()
    class Orders {
      readonly offsets: number[] = [];
      readonly kafka: KafkaTemplate<string, { id: string }>;
      constructor(kafka: KafkaTemplate<string, { id: string }>) {
        this.kafka = kafka;
      }
      @PostConstruct()
      async first(): Promise<void> {
        await this.place('a');
      }
      async place(id: string): Promise<void> {
        const { recordMetadata } = await this.kafka.send(
          new ProducerRecord({ topic: 'orders', partition: 0, key: id, value: { id } }),
        );
        this.offsets.push(recordMetadata.offset);
      }
      @PreDestroy()
      end(): void {
        this.offsets.length = 0;
      }
    }
    await using context = await run([Orders]);
    const orders = context.get(Orders);
    await orders.place('b');
    expect(orders.offsets).toEqual([0, 1]);
    await context.close();
    expect(orders.offsets).toEqual([]);
  });

  test('makes declared topics before it is started', async () => {
    @Configuration()
    class Topics {
      @Bean()
      orders(@Value('${app.partitions}') partitions: number): NewTopic {
        return TopicBuilder.name('orders').partitions(partitions).config('retention.ms', '60000').build();
      }
    }
    await using context = await run([Topics], { properties: { 'app.partitions': 3 } });
    const [topics] = [await context.get(Admin).describeTopics(['orders'])];
    expect(topics.get('orders').partitions).toHaveLength(3);
  });

  test('says in one line which broker is used and why', async () => {
    lines.length = 0;
    await using _context = await run([]);
    const told = lines.filter((line) => line.includes('using the included broker'));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain('because spring.kafka.bootstrap-servers is not set');
  });

  test('takes several data folders as a list, from its working folder, and names them', async () => {
    lines.length = 0;
    const workingFolder = folderWith({
      'application.yaml': 'springtide.broker:\n  log.dirs: [one, ./two]\n  metadata.log.dir: two\n  thread: main',
    });
    await using context = await run([], { workingFolder, broker: { disk: undefined } });
    await context.get(Admin).createTopics([{ name: 'orders', numPartitions: 2 }]);
    const [one, two] = ['one', 'two'].map((name) => join(workingFolder, name));
    expect(lines.join('')).toContain(`data in ${one}, ${two}, because`);
    expect([existsSync(join(one, 'orders-0')), existsSync(join(two, 'orders-1'))]).toEqual([true, true]);
    expect(existsSync(join(two, '__cluster_metadata-0'))).toBe(true);
  });

  test.each([
    ['worker', false],
    ['main', true],
  ])('has it on a thread of its own or on this one: springtide.broker.thread=%s', async (thread, isHere) => {
    await using context = await Application.run(class Main {}, {
      args: [`--springtide.broker.thread=${thread}`, '--springtide.broker.listeners=PLAINTEXT://127.0.0.1:0'],
      env: {},
      workingFolder: folderWith({}),
      components: [],
      exitOnFailure: false,
      handleSignals: false,
      logSink: { write: () => {} },
    });
    // In one thread both talk without a socket.
    expect(context.get(IncludedBroker).transport !== undefined).toBe(isHere);
    expect((await context.get(Admin).describeCluster()).nodes).toHaveLength(1);
  });

  test('warns about unknown keys with file, line and suggestion', async () => {
    lines.length = 0;
    const workingFolder = folderWith({
      'application.yaml': 'spring.kafka:\n  consumer:\n    group: x\nspringtide.broker.num.partition: 3',
    });
    await using _context = await run([], { workingFolder });
    const warnings = lines
      .map((line) => JSON.parse(line) as { msg: string; logger: string })
      .filter(({ logger }) => logger === 'springtide.config');
    expect(warnings.map(({ msg }) => msg)).toEqual([
      "application.yaml:3: unknown key 'spring.kafka.consumer.group' is ignored. Did you mean 'spring.kafka.consumer.group-id'?",
      "application.yaml:4: unknown key 'springtide.broker.num.partition' is ignored. Did you mean 'springtide.broker.num.partitions'?",
    ]);
    // The broker in the box does not say it again, without the line.
    expect(lines.filter((line) => line.includes('num.partition'))).toHaveLength(1);
  });
});

describe('an application on a cluster', () => {
  test('starts no broker, says why, and sends there', async () => {
    const cluster = await Broker.start({ disk: memoryDisk(), config: { listeners: 'PLAINTEXT://127.0.0.1:0' } });
    lines.length = 0;
    await using context = await run([], {
      broker: undefined,
      properties: { 'spring.kafka.bootstrap-servers': cluster.bootstrapServers },
    });
    const { recordMetadata } = await context.get<KafkaTemplate<string, string>>(KafkaTemplate).send('t', 'x');
    expect(recordMetadata.offset).toBe(0);
    expect(context.has('includedBroker')).toBe(false);
    const told = lines.filter((line) => line.includes('using the'));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(
      `using the Kafka cluster at ${cluster.bootstrapServers}, because spring.kafka.bootstrap-servers is set`,
    );
    await context.close();
    await cluster.close();
  });
});

describe('beans of the user win', () => {
  test('a template takes the place of the automatic one', async () => {
    class OwnTemplate extends KafkaTemplate<string, string> {}
    @Configuration()
    class OwnBeans {
      @Bean({ type: OwnTemplate })
      async own(factory: DefaultKafkaProducerFactory<string, string>): Promise<OwnTemplate> {
        return new OwnTemplate(factory);
      }
    }
    await using context = await run([OwnBeans]);
    expect(context.get(KafkaTemplate)).toBeInstanceOf(OwnTemplate);
    expect(context.has('kafkaTemplate')).toBe(false);
  });
});

describe('a start that fails', () => {
  test('rejects with what is wrong, where, and what to do', async () => {
    const workingFolder = folderWith({ 'application.yaml': '\nspringtide.broker.num.partitions: many' });
    const failure = await run([], { workingFolder }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StartupFailure);
    expect((failure as StartupFailure).description).toContain('num.partitions');
    expect((failure as StartupFailure).details).toContainEqual(['Origin', 'application.yaml:2']);
  });

  test('because a client setting is refused names its place in the settings', async () => {
    const workingFolder = folderWith({ 'application.yaml': 'spring.kafka.producer.acks: some' });
    @Service()
    class Sender {
      readonly kafka: KafkaTemplate;
      constructor(kafka: KafkaTemplate) {
        this.kafka = kafka;
      }
      @PostConstruct()
      async send(): Promise<void> {
        await this.kafka.send('t', 'x');
      }
    }
    const failure = (await run([Sender], { workingFolder }).catch((error: unknown) => error)) as StartupFailure;
    expect(failure.message).toContain('acks');
    expect(failure.details).toContainEqual(['Origin', 'application.yaml:1 (spring.kafka.producer.acks)']);
  });
});
