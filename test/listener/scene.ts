/**
 * A small Kafka in memory behind the consumer interface: partitions with records, committed offsets, consumers that poll. What a
 * real consumer does between polls (fetching, heartbeats) happens here by method call, so tests decide every moment.
 */
import { KafkaError, ManualClock } from '#core';
import {
  type CommonErrorHandler,
  ConcurrentKafkaListenerContainerFactory,
  type ConsumerFactory,
  type ConsumerRequest,
  type ContainerEvent,
  type ContainerPropertiesFields,
  DefaultErrorHandler,
  KafkaListenerAnnotationProcessor,
  KafkaListenerEndpointRegistry,
  type ListenerConsumer,
  type RebalanceListener,
  type RecordFilterStrategy,
} from '#listener';
import { type PayloadConverter } from '#message';
import {
  ConsumerRecord,
  ConsumerRecords,
  Headers,
  OffsetAndMetadata,
  PartitionMap,
  ProducerRecord,
  RecordMetadata,
  TopicPartition,
  type TopicPartitionLike,
  TypeRegistry,
} from '#serde';
import { type KafkaOperations, SendFuture } from '#template';

type Value = { key?: unknown; value: unknown; headers?: Headers; fields?: Partial<ConsumerRecord>; timestamp?: number };

/** All partitions and what groups have committed. */
export class FakeKafka {
  readonly logs = new PartitionMap<ConsumerRecord[]>();
  readonly committed = new PartitionMap<number>();
  /** Each commit as text, in order: `orders-0@3`. */
  readonly commits: string[] = [];
  readonly consumers: FakeConsumer[] = [];
  /** The next commits fail with these. */
  readonly commitErrors: KafkaError[] = [];
  /** The next polls fail with these. */
  readonly pollErrors: KafkaError[] = [];
  pollRecordsMax = 500;
  /** Where a partition without a committed offset starts. */
  startsAtEnd = false;

  add(topic: string, partition: number, ...values: unknown[]): void {
    const of = new TopicPartition(topic, partition);
    const log = this.logs.getOrSet(of, () => []);
    for (const item of values) {
      const {
        key = null,
        value,
        headers = new Headers(),
        timestamp = 0,
        fields = {},
      } = isValue(item) ? item : { value: item };
      const offset = (log[log.length - 1]?.offset ?? -1) + 1;
      log.push(Object.assign(ConsumerRecord.of({ topic, partition, offset, timestamp, key, value, headers }), fields));
    }
    for (const consumer of this.consumers) consumer.raise();
  }

  committedAt(topic: string, partition = 0): number | undefined {
    return this.committed.get({ topic, partition });
  }
}

function isValue(item: unknown): item is Value {
  return (
    typeof item === 'object' && item !== null && Object.getPrototypeOf(item) === Object.prototype && 'value' in item
  );
}

/** Makes an item of `add` with key, headers or fields of its own. */
export const record = (item: Value): Value => item;

export class FakeConsumer implements ListenerConsumer {
  readonly request: ConsumerRequest;
  readonly kafka: FakeKafka;
  readonly clock: ManualClock;
  pollCount = 0;
  isClosed = false;
  topics: string[] | RegExp | undefined;
  private listener: RebalanceListener = {};
  private readonly positions = new PartitionMap<number>();
  private readonly pausedOnes = new PartitionMap<true>();
  private pendingAssignment: TopicPartition[] | undefined;
  private pendingLoss = false;
  private isWoken = false;
  private signal: (() => void) | undefined;

  constructor(kafka: FakeKafka, clock: ManualClock, request: ConsumerRequest) {
    this.kafka = kafka;
    this.clock = clock;
    this.request = request;
  }

  subscribe(topics: string[] | RegExp, listener: RebalanceListener = {}): void {
    this.topics = topics;
    this.listener = listener;
    const matches = (topic: string) => (topics instanceof RegExp ? topics.test(topic) : topics.includes(topic));
    const isFirst = !this.kafka.consumers.some((one) => one !== this && one.topics !== undefined && !one.isClosed);
    const all = this.kafka.logs.keys().filter(({ topic }) => matches(topic));
    this.rebalance(isFirst ? all : []);
  }

  /** The group decides: these partitions from the next poll on. */
  rebalance(partitions: TopicPartition[], options: { lost?: boolean } = {}): void {
    this.pendingAssignment = partitions;
    this.pendingLoss = options.lost === true;
    this.raise();
  }

  assign(partitions: TopicPartition[]): void {
    for (const of of partitions) this.positions.set(of, this.startOf(of));
  }

  async poll(timeoutMs: number): Promise<ConsumerRecords> {
    this.pollCount++;
    const failure = this.kafka.pollErrors.shift();
    if (failure !== undefined) throw failure;
    const deadline = { isPassed: timeoutMs <= 0 };
    const timer = this.clock.setTimer(timeoutMs, () => {
      deadline.isPassed = true;
      this.raise();
    });
    try {
      for (;;) {
        if (this.isClosed) throw new KafkaError('CLOSED', 'closed');
        if (this.isWoken) {
          this.isWoken = false;
          throw new KafkaError('WAKEUP', 'woken');
        }
        await this.takeAssignment();
        const records = this.collect();
        if (!records.isEmpty() || deadline.isPassed) return records;
        if (this.isWoken) continue;
        await new Promise<void>((resolve) => {
          this.signal = resolve;
        });
      }
    } finally {
      timer.cancel();
    }
  }

  raise(): void {
    this.signal?.();
  }

  private async takeAssignment(): Promise<void> {
    const wanted = this.pendingAssignment;
    if (wanted === undefined) return;
    this.pendingAssignment = undefined;
    const has = (list: TopicPartition[], of: TopicPartition) => list.some((one) => one.equals(of));
    const gone = this.assignment().filter((of) => !has(wanted, of));
    const fresh = wanted.filter((of) => !this.positions.has(of));
    if (gone.length > 0) {
      if (this.pendingLoss) await this.listener.onPartitionsLost?.(gone);
      else await this.listener.onPartitionsRevoked?.(gone);
    }
    for (const of of gone) {
      this.positions.delete(of);
      this.pausedOnes.delete(of);
    }
    for (const of of fresh) this.positions.set(of, this.startOf(of));
    await this.listener.onPartitionsAssigned?.(fresh);
  }

  private collect(): ConsumerRecords {
    const found = new PartitionMap<ConsumerRecord[]>();
    let room = this.kafka.pollRecordsMax;
    for (const [of, position] of this.positions) {
      if (this.pausedOnes.has(of)) continue;
      const list = (this.kafka.logs.get(of) ?? []).filter(({ offset }) => offset >= position).slice(0, room);
      if (list.length === 0) continue;
      room -= list.length;
      found.set(of, list);
      this.positions.set(of, list[list.length - 1].offset + 1);
    }
    return new ConsumerRecords(found);
  }

  async commitSync(offsets: PartitionMap<OffsetAndMetadata> = new PartitionMap()): Promise<void> {
    const error = this.kafka.commitErrors.shift();
    if (error !== undefined) throw error;
    for (const [of, { offset }] of offsets) {
      this.kafka.committed.set(of, offset);
      this.kafka.commits.push(`${of}@${offset}`);
    }
  }

  commitAsync(
    offsets: PartitionMap<OffsetAndMetadata> = new PartitionMap(),
    callback?: (offsets: PartitionMap<OffsetAndMetadata>, error: Error | null) => void,
  ): void {
    this.commitSync(offsets).then(
      () => callback?.(offsets, null),
      (error: Error) => callback?.(offsets, error),
    );
  }

  seek(of: TopicPartitionLike, offset: number): void {
    if (!this.positions.has(of)) throw new KafkaError('ILLEGAL_STATE', `${of.topic}-${of.partition} is not assigned`);
    this.positions.set(of, offset);
    this.raise();
  }

  seekToBeginning(partitions: TopicPartition[]): void {
    for (const of of partitions) this.seek(of, this.kafka.logs.get(of)?.[0]?.offset ?? 0);
  }

  seekToEnd(partitions: TopicPartition[]): void {
    for (const of of partitions) this.seek(of, this.endOf(of));
  }

  async position(of: TopicPartitionLike): Promise<number> {
    return this.positions.get(of) ?? 0;
  }

  async offsetsForTimes(times: PartitionMap<number>): Promise<PartitionMap<{ offset: number } | null>> {
    return new PartitionMap(
      Array.from(times, ([of, ms]) => [of, this.kafka.logs.get(of)?.find(({ timestamp }) => timestamp >= ms) ?? null]),
    );
  }

  async beginningOffsets(partitions: TopicPartition[]): Promise<PartitionMap<number>> {
    return new PartitionMap(partitions.map((of) => [of, this.kafka.logs.get(of)?.[0]?.offset ?? 0]));
  }

  async listTopics(): Promise<ReadonlyMap<string, unknown>> {
    return new Map(this.kafka.logs.keys().map(({ topic }) => [topic, []]));
  }

  pause(partitions: TopicPartition[]): void {
    for (const of of partitions) this.pausedOnes.set(of, true);
  }

  resume(partitions: TopicPartition[]): void {
    for (const of of partitions) this.pausedOnes.delete(of);
    this.raise();
  }

  paused(): TopicPartition[] {
    return this.pausedOnes.keys();
  }

  assignment(): TopicPartition[] {
    return this.positions.keys();
  }

  wakeup(): void {
    this.isWoken = true;
    this.raise();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.raise();
  }

  async committed(partitions: TopicPartition[]): Promise<PartitionMap<OffsetAndMetadata | null>> {
    const offsets = partitions.map((of) => [of, this.kafka.committed.get(of)] as const);
    return new PartitionMap(
      offsets.map(([of, offset]) => [of, offset === undefined ? null : new OffsetAndMetadata(offset)]),
    );
  }

  private startOf(of: TopicPartition): number {
    return this.kafka.committed.get(of) ?? (this.kafka.startsAtEnd ? this.endOf(of) : 0);
  }

  private endOf(of: TopicPartition): number {
    const log = this.kafka.logs.get(of) ?? [];
    return (log[log.length - 1]?.offset ?? -1) + 1;
  }
}

/** A template that keeps what is sent, or fails with `failure`. */
export class FakeTemplate {
  readonly sent: ProducerRecord[] = [];
  failure: Error | undefined;
  partitionCount = 1;

  send(record: ProducerRecord): SendFuture {
    const future = new SendFuture();
    if (this.failure !== undefined) future.fail(this.failure as never);
    else {
      this.sent.push(record);
      const recordMetadata = new RecordMetadata(record.topic, record.partition ?? 0, this.sent.length - 1, 0, -1, -1);
      future.succeed({ producerRecord: record, recordMetadata });
    }
    return future;
  }

  async partitionsFor(): Promise<readonly { partition: number }[]> {
    return Array.from({ length: this.partitionCount }, (_, partition) => ({ partition }));
  }

  async flush(): Promise<void> {}

  asOperations(): KafkaOperations {
    return this as unknown as KafkaOperations;
  }
}

export interface SceneOptions {
  properties?: ContainerPropertiesFields;
  errorHandler?: CommonErrorHandler;
  configs?: Record<string, unknown>;
  placeholders?: Record<string, string>;
  beans?: Record<string, unknown>;
  template?: FakeTemplate;
  payloadConverter?: PayloadConverter;
  concurrency?: number;
  batchListener?: boolean;
  filter?: RecordFilterStrategy;
}

/** Everything around listeners, on a manual clock. */
export class Scene {
  readonly kafka = new FakeKafka();
  readonly clock = new ManualClock();
  readonly registry = new KafkaListenerEndpointRegistry();
  readonly events: ContainerEvent[] = [];
  readonly warnings: string[] = [];
  readonly factory: ConcurrentKafkaListenerContainerFactory;
  readonly template: FakeTemplate;
  private readonly options: SceneOptions;

  constructor(options: SceneOptions = {}) {
    this.options = options;
    this.template = options.template ?? new FakeTemplate();
    this.kafka.startsAtEnd = options.configs?.['auto.offset.reset'] === 'latest';
    const consumerFactory: ConsumerFactory = {
      configurationProperties: { 'auto.offset.reset': 'earliest', ...(options.configs ?? { 'group.id': 'scene' }) },
      createConsumer: (request) => {
        const consumer = new FakeConsumer(this.kafka, this.clock, request);
        this.kafka.consumers.push(consumer);
        return consumer;
      },
    };
    this.factory = new ConcurrentKafkaListenerContainerFactory({
      consumerFactory,
      containerProperties: { pollTimeoutMs: 1000, ...options.properties },
      commonErrorHandler: options.errorHandler ?? new DefaultErrorHandler(undefined, undefined, { clock: this.clock }),
      replyTemplate: this.template.asOperations(),
      payloadConverter: options.payloadConverter,
      concurrency: options.concurrency,
      batchListener: options.batchListener,
      recordFilterStrategy: options.filter,
      clock: this.clock,
      logger: this.logger(),
      publish: (event) => this.events.push(event),
    });
  }

  /** Registers the bean's listeners; `run` starts them. */
  process(bean: object): void {
    const { placeholders = {}, beans = {} } = this.options;
    new KafkaListenerAnnotationProcessor({
      registry: this.registry,
      resolvePlaceholders: (text) =>
        text.replace(/\$\{([^}]+)\}/g, (_, key: string) => placeholders[key] ?? `\${${key}}`),
      findBean: (name) => beans[name],
      defaultFactory: this.factory,
      types: new TypeRegistry(),
    }).process(bean);
  }

  /** Registers and starts, and lets everything that can happen now happen. */
  async run(bean: object): Promise<this> {
    this.process(bean);
    await this.registry.start();
    await this.settle();
    return this;
  }

  /** Lets microtasks and macrotasks run until nothing moves without time. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await this.clock.advance(0);
  }

  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
    await this.settle();
  }

  async stop(): Promise<void> {
    const stopping = this.registry.stop();
    await this.settle();
    await stopping;
  }

  get consumer(): FakeConsumer {
    return this.kafka.consumers[this.kafka.consumers.length - 1];
  }

  eventTypes(): string[] {
    return this.events.map(({ type }) => type);
  }

  private logger() {
    const write = (first: object | string, second?: string) => {
      this.warnings.push(typeof first === 'string' ? first : (second ?? ''));
    };
    const ignore = () => {};
    const logger = {
      trace: ignore,
      debug: ignore,
      info: write,
      warn: write,
      error: write,
      fatal: write,
      child: () => logger,
    };
    return logger;
  }
}

/** A promise that the test settles. */
export function gate(): { promise: Promise<void>; open: () => void; fail: (error: Error) => void } {
  let open = (): void => {};
  let fail = (_error: Error): void => {};
  const promise = new Promise<void>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { promise, open, fail };
}
