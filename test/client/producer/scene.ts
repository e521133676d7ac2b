/**
 * A broker's log as far as producers can tell: takes batches in sequence, knows its last five of each producer, gives the old place
 * to a batch that comes twice. A test may answer in its stead, batch by batch.
 */

import { KafkaProducer, type KafkaProducerOptions } from '#client';
import { addToSequence, type Infer, ProduceRequest, readBatchHeader, readRecords, verifyBatchCrc } from '#protocol';
import { ProducerRecord } from '#serde';
import { FakeCluster, type Handler, TOPIC_ID } from '../scene.ts';

/** A batch as it came. */
export interface Arrived {
  topic: string;
  partition: number;
  producerId: number;
  producerEpoch: number;
  baseSequence: number;
  compression: string;
  keys: (string | null)[];
  values: (string | null)[];
  bytes: number;
  /** Number of the request, from 0. */
  request: number;
}

/** What the test says instead of the log. `after`: the log takes the batch first. */
export type Instead =
  | {
      code: number;
      message?: string;
      after?: boolean;
      logStartOffset?: number;
      recordErrors?: { batchIndex: number; batchIndexErrorMessage: string }[];
    }
  | { leaderId: number; leaderEpoch: number }
  | 'close'
  | 'close-after'
  | 'silence';

interface ProducerState {
  epoch: number;
  batches: { first: number; last: number; offset: number }[];
}

export class FakeLog {
  readonly arrived: Arrived[] = [];
  /** Values in the log, by `topic-partition`. */
  readonly logs = new Map<string, (string | null)[]>();
  /** Asked before each batch; undefined lets the log answer. */
  instead: (batch: Arrived) => Instead | undefined = () => undefined;
  /** Answers wait for this. */
  gate: Promise<void> = Promise.resolve();
  requestCount = 0;
  /** What answers tell. */
  throttleTimeMs = 0;
  readonly #producers = new Map<string, ProducerState>();

  readonly handle: Handler<'Produce'> = async (request) => {
    const number = this.requestCount++;
    let ending: 'close' | 'silence' | undefined;
    const responses = request.topicData.map((topic) => ({
      name: topic.name,
      topicId: topic.topicId,
      partitionResponses: topic.partitionData.map((partition) => {
        const batch = arrivedBatch(topic.name || 't', partition, number);
        this.arrived.push(batch);
        const instead = this.instead(batch);
        if (typeof instead === 'string') ending = instead === 'silence' ? 'silence' : 'close';
        const isTaken =
          instead === undefined || instead === 'close-after' || (hasCode(instead) && instead.after === true);
        const own = isTaken ? this.#append(batch) : { errorCode: 0, baseOffset: -1 };
        return { index: partition.index, ...own, ...answerOf(instead) };
      }),
    }));
    const hint = this.#hint;
    this.#hint = undefined;
    await this.gate;
    if (ending !== undefined) return ending;
    if (request.acks === 0) return 'none';
    return { responses, throttleTimeMs: this.throttleTimeMs, nodeEndpoints: hint === undefined ? [] : [hint] };
  };

  #hint: { nodeId: number; host: string; port: number } | undefined;

  /** Where the next answer says that a leader lives. */
  hint(nodeId: number, port: number): void {
    this.#hint = { nodeId, host: 'fake', port };
  }

  /** Forgets what arrived, not whose it was. */
  reset(): void {
    this.arrived.length = 0;
    this.requestCount = 0;
    this.logs.clear();
  }

  of(topic: string, partition = 0): (string | null)[] {
    return this.logs.get(`${topic}-${partition}`) ?? [];
  }

  #append(batch: Arrived): { errorCode: number; baseOffset: number } {
    const key = `${batch.topic}-${batch.partition}`;
    const log = this.logs.get(key) ?? [];
    this.logs.set(key, log);
    const refusal = this.#check(key, batch, log.length);
    if (refusal !== undefined) return refusal;
    const baseOffset = log.length;
    log.push(...batch.values);
    return { errorCode: 0, baseOffset };
  }

  #check(key: string, batch: Arrived, offset: number): { errorCode: number; baseOffset: number } | undefined {
    if (batch.producerId < 0) return undefined;
    const first = batch.baseSequence;
    const last = addToSequence(first, batch.values.length - 1);
    const id = `${key}:${batch.producerId}`;
    const state = this.#producers.get(id);
    const old =
      state?.epoch === batch.producerEpoch
        ? state.batches.find((one) => one.first === first && one.last === last)
        : undefined;
    if (old !== undefined) return { errorCode: 0, baseOffset: old.offset };
    if (state !== undefined && batch.producerEpoch < state.epoch) return { errorCode: 47, baseOffset: -1 };
    const isNewEpoch = state === undefined || batch.producerEpoch > state.epoch;
    const due = isNewEpoch ? 0 : addToSequence(state.batches[state.batches.length - 1].last, 1);
    if (first !== due && state !== undefined) return { errorCode: 45, baseOffset: -1 };
    const batches = isNewEpoch ? [] : state.batches;
    this.#producers.set(id, { epoch: batch.producerEpoch, batches: [...batches, { first, last, offset }].slice(-5) });
    return undefined;
  }
}

export interface Scene {
  fakes: FakeCluster;
  log: FakeLog;
  clock: FakeCluster['clock'];
  producer: KafkaProducer<string, string>;
}

/** A producer (client of `brokerCount` fake brokers that share one log) with topic `t` of `partitionCount` partitions on broker 1. */
export async function scene(
  config: Record<string, unknown> = {},
  options: { brokerCount?: number; partitionCount?: number } & KafkaProducerOptions<string, string> = {},
): Promise<Scene> {
  const { brokerCount = 1, partitionCount = 1, ...producerOptions } = options;
  const fakes = await FakeCluster.start(brokerCount);
  fakes.leaders.set(
    't',
    Array.from({ length: partitionCount }, () => 1),
  );
  const log = new FakeLog();
  fakes.on('Produce', log.handle);
  const raw = { 'bootstrap.servers': fakes.bootstrapServers, ...config };
  const producer = new KafkaProducer<string, string>(raw, { ...fakes.options, ...producerOptions });
  return { fakes, log, clock: fakes.clock, producer };
}

/** A record for topic `t`. */
export function record(value: string, fields: { key?: string; partition?: number; topic?: string } = {}) {
  return new ProducerRecord<string, string>({ topic: 't', value, ...fields });
}

/** A scene whose producer knows its topic and has its producer id; the log is empty. */
export async function warm(
  config: Record<string, unknown> = {},
  options: Parameters<typeof scene>[1] = {},
): Promise<Scene> {
  const made = await scene(config, options);
  made.producer.send(record('warm-up'));
  await advancing(made.clock, made.producer.flush());
  made.log.reset();
  return made;
}

/** Lets time pass until `result` is there. */
export async function advancing<T>(clock: Scene['clock'], result: PromiseLike<T>): Promise<T> {
  let isDone = false;
  const end = () => {
    isDone = true;
  };
  result.then(end, end);
  for (let i = 0; i < 400 && !isDone; i++) await clock.advance(5);
  if (!isDone) throw new Error('nothing came of it in two seconds');
  return result;
}

export { TOPIC_ID };

function answerOf(instead: Instead | undefined) {
  if (instead === undefined || typeof instead === 'string') return {};
  if (hasCode(instead)) {
    const { code, message = null, recordErrors = [], logStartOffset = -1 } = instead;
    return { errorCode: code, errorMessage: message, recordErrors, logStartOffset };
  }
  const { leaderId, leaderEpoch } = instead;
  return { errorCode: 6, currentLeader: { leaderId, leaderEpoch } };
}

function hasCode(instead: Instead): instead is Extract<Instead, { code: number }> {
  return typeof instead === 'object' && 'code' in instead;
}

type PartitionData = Infer<typeof ProduceRequest>['topicData'][number]['partitionData'][number];

function arrivedBatch(topic: string, { index, records }: PartitionData, request: number): Arrived {
  if (records === null) throw new Error('a produce request without records');
  const header = readBatchHeader(records, 0);
  if (!verifyBatchCrc(records, 0, header)) throw new Error('a batch with a wrong checksum');
  const keys: (string | null)[] = [];
  const values: (string | null)[] = [];
  const cursor = readRecords(records, 0, { decompressedBytesMax: 1 << 28 });
  for (let one = cursor.next(); one !== undefined; one = cursor.next()) {
    keys.push(one.key === null ? null : one.key.toString());
    values.push(one.value === null ? null : one.value.toString());
  }
  const { producerId, producerEpoch, baseSequence, compression } = header;
  return {
    topic,
    partition: index,
    producerId,
    producerEpoch,
    baseSequence,
    compression,
    keys,
    values,
    bytes: records.length,
    request,
  };
}
