/**
 * Moves batches from the accumulator to the brokers and takes their answers back. Queues whose first batch may leave stand in the
 * list of their leader's sink; a sink takes one batch of each, in turn, into a request, until `max.request.size`, and
 * has at most `max.in.flight.requests.per.connection` of them under way. One timer wakes it for what lingers, backs off or
 * expires. The rules are elsewhere: `partition-queue.ts` (may it leave), `sequences.ts` (in which order, under which
 * number), `batch-outcomes.ts` (what becomes of it).
 */
import { errorText, type KafkaError, type Timer, ZERO_UUID } from '#core';
import { Apis, Errors, type ProduceResponse, toKafkaError } from '#protocol';
import { BatchOutcomes, type OutcomeOptions } from './batch-outcomes.ts';
import { IDEMPOTENT_IN_FLIGHT_MAX, type ProducerConfig } from './config.ts';
import type { PartitionQueue, ReadinessRules } from './partition-queue.ts';
import { answerFinder, hasTopicIds, produceBody, TOPIC_ID_VERSION } from './produce-request.ts';
import type { ProducerBatch } from './producer-batch.ts';
import { ProducerIds } from './producer-ids.ts';
import { RecordAccumulator } from './record-accumulator.ts';
import { Sequences } from './sequences.ts';
import { Sink } from './sink.ts';
import { noAnswer, type PartitionAnswer } from './verdict.ts';

const ACKS: Readonly<Record<string, number>> = { all: -1, '-1': -1, '0': 0, '1': 1 };

export interface SenderOptions extends OutcomeOptions {
  /** Some of `buffer.memory` is free again. */
  onMemory: () => void;
}

export class Sender {
  readonly accumulator: RecordAccumulator;
  readonly #options: SenderOptions;
  readonly #acks: number;
  readonly #sequences: Sequences<ProducerBatch> | undefined;
  readonly #producerIds: ProducerIds;
  readonly #outcomes: BatchOutcomes;
  readonly #sinks = new Map<number, Sink>();
  /** Queues to look at in the next run. */
  #dirty = new Set<PartitionQueue>();
  #isRunAsked = false;
  readonly #leaderless = new Set<PartitionQueue>();
  /** Queues to look at again when their time comes, monotonic ms. */
  readonly #later = new Map<PartitionQueue, number>();
  #timer: Timer | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  /** No open batch expires before, monotonic ms. */
  #nextExpiryMs = Number.POSITIVE_INFINITY;
  #hurryCount = 0;
  #isClosed = false;
  readonly #stopListening: () => void;

  constructor(options: SenderOptions) {
    const { config, cluster } = options;
    this.#options = options;
    this.#acks = ACKS[config.acks];
    this.#sequences = config['enable.idempotence'] ? new Sequences() : undefined;
    this.#producerIds = new ProducerIds(options, this.#sequences, {
      ready: () => this.#lookAtAll(),
      failed: (error) => this.#failAll(error),
    });
    this.accumulator = new RecordAccumulator(
      {
        batchBytes: Math.min(config['batch.size'], config['buffer.memory']),
        memoryBytes: config['buffer.memory'],
        compression: { codec: config['compression.type'], level: compressionLevel(config) },
      },
      {
        batchBegan: (queue, batch) => this.#batchBegan(queue, batch),
        batchFull: (queue) => this.#look(queue),
      },
    );
    this.#outcomes = new BatchOutcomes(options, this.accumulator, this.#sequences);
    this.#stopListening = cluster.onUpdate(() => this.#onMetadata());
  }

  /** Asks early for what the first batch will need. */
  prepare(): void {
    this.#producerIds.ensure();
  }

  /** From now on nothing lingers, until `unhurry` was called as often. */
  hurry(): void {
    if (this.#hurryCount++ === 0) this.#lookAtAll();
  }

  unhurry(): void {
    this.#hurryCount--;
  }

  /** Whether a node has taken nothing for `timeoutMs` although batches wait for it. */
  isStalled(nodeId: number, timeoutMs: number): boolean {
    const sink = this.#sinks.get(nodeId);
    return sink?.isStalled(this.#nowMs, timeoutMs) === true;
  }

  get inFlightRequestCount(): number {
    let count = 0;
    for (const sink of this.#sinks.values()) count += sink.inFlightCount;
    return count;
  }

  /** Ends: what is not acknowledged yet fails with `error`. */
  close(error: KafkaError): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopListening();
    this.#timer?.cancel();
    this.#failAll(error);
  }

  get #nowMs(): number {
    return this.#options.clock.now().monotonicMs;
  }

  get #isHurried(): boolean {
    return this.#hurryCount > 0;
  }

  #batchBegan(queue: PartitionQueue, batch: ProducerBatch): void {
    const { config, cluster } = this.#options;
    cluster.touchTopic(batch.topic);
    this.#nextExpiryMs = Math.min(this.#nextExpiryMs, this.#outcomes.expiryMsOf(batch));
    this.#wakeAt(this.#nextExpiryMs);
    if (this.#isHurried || config['linger.ms'] === 0) this.#look(queue);
    else if (queue.length === 1) this.#lookLater(queue, batch.createdMs + config['linger.ms']);
  }

  /** Has the queue looked at in the next run, which everything of this turn shares. */
  #look(queue: PartitionQueue): void {
    this.#dirty.add(queue);
    if (this.#isRunAsked || this.#isClosed) return;
    this.#isRunAsked = true;
    this.#options.clock.nextTurn(() => {
      this.#isRunAsked = false;
      this.#run();
    });
  }

  #lookLater(queue: PartitionQueue, atMs: number): void {
    const known = this.#later.get(queue);
    if (known === undefined || atMs < known) this.#later.set(queue, atMs);
    this.#wakeAt(atMs);
  }

  #lookAtAll(): void {
    for (const queue of this.accumulator.filledQueues()) this.#look(queue);
  }

  #wakeAt(atMs: number): void {
    if (atMs >= this.#timerAtMs || this.#isClosed) return;
    this.#timer?.cancel();
    this.#timerAtMs = atMs;
    this.#timer = this.#options.clock.setTimer(Math.max(1, Math.ceil(atMs - this.#nowMs)), () => this.#onTimer());
  }

  #onTimer(): void {
    this.#timer = undefined;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#nowMs;
    if (nowMs >= this.#nextExpiryMs) this.#expire(nowMs);
    let nextMs = this.#nextExpiryMs;
    for (const [queue, atMs] of this.#later) {
      if (atMs > nowMs) nextMs = Math.min(nextMs, atMs);
      else {
        this.#later.delete(queue);
        this.#dirty.add(queue);
      }
    }
    if (nextMs < Number.POSITIVE_INFINITY) this.#wakeAt(nextMs);
    this.#run();
  }

  #run(): void {
    if (this.#isClosed) return;
    if (this.#sequences?.settle() === true) this.#lookAtAll();
    const dirty = this.#dirty;
    if (dirty.size > 0) {
      this.#dirty = new Set();
      if (this.#producerIds.ensure()) for (const queue of dirty) this.#place(queue);
    }
    for (const sink of this.#sinks.values()) this.#drain(sink);
  }

  /** Puts a queue where its first batch waits: in a sink's list, on the timer, or with those that have no leader. */
  #place(queue: PartitionQueue): void {
    if (queue.isListed) return;
    const readiness = queue.readiness(this.#readinessRules());
    if (readiness.state === 'later') this.#lookLater(queue, readiness.atMs);
    if (readiness.state !== 'ready') return;
    const leader = this.#options.cluster.leader(queue.topic, queue.partition);
    if (leader === undefined) {
      this.#leaderless.add(queue);
      this.#options.cluster.refreshSoon();
      return;
    }
    this.#sink(leader.leaderId).list(queue, this.#nowMs);
  }

  #readinessRules(): ReadinessRules {
    const { config } = this.#options;
    const isOrdered = config['max.in.flight.requests.per.connection'] === 1;
    return {
      nowMs: this.#nowMs,
      lingerMs: config['linger.ms'],
      isHurried: this.#isHurried,
      inFlightMax: isOrdered ? 1 : this.#sequences === undefined ? Number.MAX_SAFE_INTEGER : IDEMPOTENT_IN_FLIGHT_MAX,
      sequences: this.#sequences,
    };
  }

  #sink(nodeId: number): Sink {
    let sink = this.#sinks.get(nodeId);
    if (sink === undefined) {
      sink = new Sink(nodeId);
      this.#sinks.set(nodeId, sink);
    }
    return sink;
  }

  #drain(sink: Sink): void {
    const { cluster, config } = this.#options;
    while (sink.listedCount > 0 && sink.inFlightCount < config['max.in.flight.requests.per.connection']) {
      if (!cluster.isReady(sink.nodeId)) {
        this.#connect(sink);
        return;
      }
      const batches = this.#collect(sink);
      if (batches.length > 0) this.#send(sink, batches);
    }
  }

  #connect(sink: Sink): void {
    if (sink.isConnecting) return;
    sink.isConnecting = true;
    this.#options.cluster.connect(sink.nodeId).then(
      () => {
        sink.isConnecting = false;
        this.#run();
      },
      (error) => {
        sink.isConnecting = false;
        if (this.#isClosed) return;
        this.#options.logger.debug({ node: sink.nodeId }, `broker cannot be reached: ${errorText(error)}`);
        this.#options.cluster.refreshSoon();
        for (const queue of sink.takeListed()) this.#look(queue);
      },
    );
  }

  /** One batch of each listed queue, until the request is full. Queues with more to send go to the end of the list. */
  #collect(sink: Sink): ProducerBatch[] {
    const { cluster, config } = this.#options;
    const rules = this.#readinessRules();
    const batches: ProducerBatch[] = [];
    let bytes = 0;
    for (let left = sink.listedCount; left > 0; left--) {
      const queue = sink.first as PartitionQueue;
      const first = queue.batches[0];
      if (batches.length > 0 && bytes + (first?.sizeInBytes ?? 0) > config['max.request.size']) break;
      sink.shift();
      const isHere = cluster.leader(queue.topic, queue.partition)?.leaderId === sink.nodeId;
      if (isHere && queue.readiness(rules).state === 'ready') {
        bytes += first.sizeInBytes;
        batches.push(this.#take(queue, first, rules.nowMs));
      }
      this.#place(queue);
    }
    return batches;
  }

  #take(queue: PartitionQueue, batch: ProducerBatch, nowMs: number): ProducerBatch {
    queue.remove(batch);
    queue.inFlightCount++;
    batch.isFull = true;
    this.#sequences?.leaves(queue.sequences, batch);
    const { metrics } = this.#options;
    if (batch.attemptCount++ === 0) {
      metrics.recordQueueTime.record(nowMs - batch.createdMs);
      metrics.recordsPerBatch.record(batch.recordCount);
    }
    const { length } = batch.records();
    metrics.outgoingBytes.add(length);
    metrics.batchSize.record(length);
    return batch;
  }

  #send(sink: Sink, batches: ProducerBatch[]): void {
    const { cluster, config, metrics } = this.#options;
    // As they are now: the reply is about these, also when a topic is created again meanwhile.
    const { topics } = cluster.metadata;
    const topicIdOf = (topic: string) => topics.get(topic)?.topicId ?? ZERO_UUID;
    const request = { acks: this.#acks, timeoutMs: config['request.timeout.ms'], batches, topicIdOf };
    const body = (version: number) => produceBody(request, version);
    const options = hasTopicIds(request) ? {} : { version: TOPIC_ID_VERSION - 1 };
    const sentMs = this.#nowMs;
    sink.inFlightCount++;
    sink.lastSentMs = sentMs;
    metrics.request.add();
    const answered = (answers: (batch: ProducerBatch) => PartitionAnswer) => {
      sink.inFlightCount--;
      metrics.requestLatency.record(this.#nowMs - sentMs);
      for (const batch of batches) this.#onAnswer(batch, answers(batch));
      this.#options.onMemory();
      this.#run();
    };
    const failed = (error: unknown) => answered(() => noAnswer(error));
    if (this.#acks === 0) {
      cluster.requestNoReply(sink.nodeId, Apis.Produce, body, options).then(() => answered(() => TAKEN), failed);
      return;
    }
    cluster.request(sink.nodeId, Apis.Produce, body, options).then((response) => {
      const answerOf = answerFinder(response, topicIdOf);
      this.#learnLeaders(response, batches, answerOf);
      answered((batch) => answerOf(batch) ?? noAnswer(forgotten(batch)));
    }, failed);
  }

  #onAnswer(batch: ProducerBatch, answer: PartitionAnswer): void {
    const queue = this.accumulator.queueOf(batch);
    queue.inFlightCount--;
    this.#dirty.add(queue);
    this.#outcomes.answered(queue, batch, answer);
  }

  #expire(nowMs: number): void {
    // Callbacks that are called meanwhile may begin batches.
    this.#nextExpiryMs = Number.POSITIVE_INFINITY;
    const nextExpiryMs = this.#outcomes.expire(nowMs, (queue) => this.#dirty.add(queue));
    this.#nextExpiryMs = Math.min(this.#nextExpiryMs, nextExpiryMs);
    this.#options.onMemory();
  }

  #failAll(error: KafkaError): void {
    this.#outcomes.failAll(error);
    this.#options.onMemory();
  }

  #onMetadata(): void {
    for (const queue of this.#leaderless) this.#look(queue);
    this.#leaderless.clear();
    for (const sink of this.#sinks.values()) {
      for (const queue of sink.takeListed()) this.#look(queue);
    }
  }

  /** A broker that does not lead any more says who does. @see KIP-951 */
  #learnLeaders(
    response: ProduceResponse,
    batches: readonly ProducerBatch[],
    answerOf: ReturnType<typeof answerFinder>,
  ): void {
    if (response.nodeEndpoints.length === 0) return;
    for (const batch of batches) {
      const leader = answerOf(batch)?.currentLeader;
      if (leader === undefined || leader.leaderId < 0) continue;
      const { topic, partition } = batch;
      this.#options.cluster.updateLeader({ topic, partition, ...leader }, response.nodeEndpoints);
    }
  }
}

/** What acks=0 counts as: the connection took the bytes. */
const TAKEN: PartitionAnswer = {
  errorCode: Errors.NONE.code,
  errorMessage: null,
  baseOffset: -1,
  logAppendTimeMs: -1,
  logStartOffset: -1,
  recordErrors: [],
};

function forgotten(batch: ProducerBatch): KafkaError {
  return toKafkaError(
    Errors.UNKNOWN_SERVER_ERROR.code,
    `the reply says nothing about ${batch.topic}-${batch.partition}`,
  );
}

function compressionLevel(config: ProducerConfig): number | undefined {
  const codec = config['compression.type'];
  if (codec === 'gzip') return config['compression.gzip.level'];
  if (codec === 'zstd') return config['compression.zstd.level'];
  return undefined;
}
