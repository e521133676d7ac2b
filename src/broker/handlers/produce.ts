/**
 * Produce (0). Records stay slices of what the socket delivered: the log validates and keeps them. Partitions of a request are appended in
 * order and answered together: acks=1 when durable here, acks=all when the high watermark has passed them, acks=0 never.
 *
 * Batches of transactions may have to wait for the word of the transaction coordinator before they are appended; no other request of the
 * connection is begun meanwhile. A request with batches of transactions is one producer's, and names its transactional id.
 *
 * Hot path: one object a request, one small object a partition; no promise, no closure, no timer of its own.
 */
import type { Uuid } from '#core';
import { type Draft, Errors, type KafkaErrorRow, type ProduceRequest, type ProduceResponse } from '#protocol';
import type { AppendResult, Verification } from '#storage';
import type { BrokerParts } from '../broker-parts.ts';
import { isInternalTopic, type TopicImage } from '../controller/index.ts';
import type { GatedBatch, Passage } from '../coordination/transaction-gate.ts';
import type { CommitWaiter, HostedPartition } from '../hosting/hosted-partition.ts';
import type { Expiring, WheelEntry } from '../purgatory/timer-wheel.ts';
import { LATER, type RequestContext } from '../server/request-context.ts';
import { isOneBatch, isZstd, type TransactionalBatch, transactionalBatch } from './batch-start.ts';
import { leaderEndpoints } from './endpoints.ts';
import { lastOfEach } from './last-of-each.ts';
import { findPartition, findTopic, isFound } from './topic-lookup.ts';
import { gateRefusal, hasOneProducer, hasTransactionalBatch, produceGateMode } from './transactional-produce.ts';

/** The client id that may write internal topics; Kafka's rule. */
const ADMIN_CLIENT_ID = '__admin_client';
const TOPIC_ID_VERSION = 13;
const ZSTD_VERSION = 7;
/** What is waited for is our own disk, where Kafka would not wait at all: a client that is in a hurry is not told to send again for that. */
const WAIT_MS_MIN = 500;

type Response = Draft<typeof ProduceResponse>;
type TopicResponse = NonNullable<Response['responses']>[number];
type PartitionResponse = NonNullable<TopicResponse['partitionResponses']>[number];
/** Filled in place while the request is pending. */
type Answer = { -readonly [K in keyof PartitionResponse]: PartitionResponse[K] };

/** Records that may be appended, as far as is known before the log has looked at them. */
interface Admitted {
  /** Of the answer. */
  readonly index: number;
  readonly partition: HostedPartition;
  /** Of an internal topic: refused, but after what the transaction coordinator has to say. */
  readonly isClosed: boolean;
  readonly records: Buffer;
  /** Of a transaction. */
  readonly batch: TransactionalBatch | undefined;
}

export function produce(broker: BrokerParts, context: RequestContext, request: ProduceRequest): typeof LATER {
  new PendingProduce(broker, context, request).start();
  return LATER;
}

class PendingProduce implements CommitWaiter, Expiring {
  readonly #broker: BrokerParts;
  readonly #context: RequestContext;
  readonly #request: ProduceRequest;
  readonly #topics: readonly ProduceRequest['topicData'][number][];
  /** One a partition, in the order of the request; `whenCommitted` is told the index. */
  readonly #answers: Answer[] = [];
  #waitingCount = 0;
  #deadline: WheelEntry | undefined;
  /** Partitions are still being appended: do not answer yet. */
  #isAppending = true;
  #isDone = false;
  #isMoved = false;

  constructor(broker: BrokerParts, context: RequestContext, request: ProduceRequest) {
    this.#broker = broker;
    this.#context = context;
    this.#request = request;
    this.#topics = lastOfEach(request.topicData, context.version >= TOPIC_ID_VERSION);
  }

  start(): void {
    if (hasTransactionalBatch(this.#request)) {
      this.#startTransactional();
      return;
    }
    for (const { name, topicId, partitionData } of this.#topics) {
      const topic = this.#findTopic(name, topicId);
      const isClosed = this.#isClosed(topic);
      for (const { index, records } of partitionData) {
        const partition = this.#admit(topic, index, records);
        if (partition === undefined) continue;
        if (isClosed) fail(this.#answers.at(-1)!, closedError(records!));
        else this.#append(this.#answers.length - 1, partition, records!);
      }
    }
    this.#appended();
  }

  settled(index: number, error: KafkaErrorRow): void {
    const answer = this.#answers[index];
    if (error === Errors.NONE) answer.errorCode = Errors.NONE.code;
    else fail(answer, error);
    this.#waitingCount--;
    if (this.#waitingCount === 0 && !this.#isAppending && !this.#isDone) {
      if (this.#deadline !== undefined) this.#broker.produceDeadlines.cancel(this.#deadline);
      this.#finish();
    }
  }

  expired(): void {
    for (const answer of this.#answers) {
      if (answer.errorCode === PENDING) fail(answer, Errors.REQUEST_TIMED_OUT);
    }
    this.#finish();
  }

  #startTransactional(): void {
    const { transactionalId } = this.#request;
    if (transactionalId === null || !this.#context.may('write', 'transactional-id', transactionalId))
      this.#refuseAll(Errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    else if (!hasOneProducer(this.#request)) this.#refuseAll(Errors.INVALID_PRODUCER_ID_MAPPING);
    else this.#pass(transactionalId);
  }

  /** Appends when the gate has opened. */
  #pass(transactionalId: string): void {
    const admitted = this.#admitAll();
    const gated = admitted.filter(({ batch }) => batch !== undefined);
    const [first] = gated;
    if (first === undefined) {
      this.#appendAll(admitted, []);
      return;
    }
    const { producerId, producerEpoch } = first.batch!;
    const mode = produceGateMode(this.#context.version);
    const write = { transactionalId, producerId, producerEpoch, mode, isPatient: true };
    const batches = gated.map(({ partition, batch }): GatedBatch => ({ partition, baseSequence: batch!.baseSequence }));
    this.#context.holdBack();
    this.#broker.gate.enter(write, batches, (passages) => {
      this.#appendAll(admitted, passages);
      this.#context.letPass();
    });
  }

  #admitAll(): Admitted[] {
    const admitted: Admitted[] = [];
    for (const { name, topicId, partitionData } of this.#topics) {
      const topic = this.#findTopic(name, topicId);
      const isClosed = this.#isClosed(topic);
      for (const { index, records } of partitionData) {
        const partition = this.#admit(topic, index, records);
        if (partition === undefined) continue;
        const batch = transactionalBatch(records!);
        admitted.push({ index: this.#answers.length - 1, partition, isClosed, records: records!, batch });
      }
    }
    return admitted;
  }

  /** @param passages one for each batch of a transaction, in order */
  #appendAll(admitted: readonly Admitted[], passages: readonly Passage[]): void {
    const mode = produceGateMode(this.#context.version);
    let next = 0;
    for (const { index, partition, isClosed, records, batch } of admitted) {
      const passage = batch === undefined ? undefined : passages[next++];
      if (passage?.error === undefined) {
        if (isClosed) fail(this.#answers[index], closedError(records));
        else this.#append(index, partition, records, passage?.verification);
        continue;
      }
      const { error, message } = gateRefusal(passage.error, mode);
      fail(this.#answers[index], error);
      this.#answers[index].errorMessage = message;
    }
    this.#appended();
  }

  #refuseAll(error: KafkaErrorRow): void {
    for (const { partitionData } of this.#topics)
      for (const { index } of partitionData) fail(this.#newAnswer(index), error);
    this.#appended();
  }

  #appended(): void {
    this.#isAppending = false;
    if (this.#request.acks === 0) this.#finishUnanswered();
    else if (this.#waitingCount === 0) this.#finish();
    else this.#wait();
  }

  #findTopic(name: string, topicId: Uuid): TopicImage | KafkaErrorRow {
    const isById = this.#context.version >= TOPIC_ID_VERSION;
    return findTopic(this.#broker, this.#context, name, isById ? topicId : undefined);
  }

  #isClosed(topic: TopicImage | KafkaErrorRow): boolean {
    return !('code' in topic) && isInternalTopic(topic.name) && this.#context.clientId !== ADMIN_CLIENT_ID;
  }

  /** The partition to append to; undefined when that is refused, and the answer says so. */
  #admit(topic: TopicImage | KafkaErrorRow, index: number, records: Buffer | null): HostedPartition | undefined {
    const answer = this.#newAnswer(index);
    const partition = findPartition(this.#broker, topic, index, -1);
    if (!isFound(partition)) {
      fail(answer, partition);
      if (partition === Errors.NOT_LEADER_OR_FOLLOWER) this.#pointToLeader(answer, topic);
      return undefined;
    }
    const refusal = this.#refusal(partition, records);
    if (refusal === undefined) return partition;
    fail(answer, refusal);
    answer.errorMessage = refusal.message;
    return undefined;
  }

  #newAnswer(index: number): Answer {
    const answer: Answer = {
      index,
      errorCode: PENDING,
      baseOffset: -1,
      logAppendTimeMs: -1,
      logStartOffset: -1,
      recordErrors: NO_RECORD_ERRORS,
      errorMessage: null,
      currentLeader: undefined,
    };
    this.#answers.push(answer);
    return answer;
  }

  /** @param index of the answer */
  #append(index: number, partition: HostedPartition, records: Buffer, verification?: Verification): void {
    const answer = this.#answers[index];
    const result =
      verification === undefined
        ? partition.append(records, 'client')
        : partition.append(records, 'client', { verification });
    if (result.error !== undefined) {
      this.#failAppend(answer, result);
      return;
    }
    answer.baseOffset = result.baseOffset;
    answer.logAppendTimeMs = result.logAppendTime;
    answer.logStartOffset = result.logStartOffset;
    this.#await(index, partition, result, records.length);
  }

  /** What can be told before the log looks at the records. */
  #refusal(partition: HostedPartition, records: Buffer | null): KafkaErrorRow | undefined {
    const { acks } = this.#request;
    if (records === null || records.length === 0) return Errors.INVALID_RECORD;
    if (this.#context.version < ZSTD_VERSION && isZstd(records)) return Errors.UNSUPPORTED_COMPRESSION_TYPE;
    if (acks < -1 || acks > 1) return isOneBatch(records) ? Errors.INVALID_REQUIRED_ACKS : Errors.INVALID_RECORD;
    if (acks === -1 && !partition.state.hasEnoughReplicas(partition.config['min.insync.replicas'])) {
      return Errors.NOT_ENOUGH_REPLICAS;
    }
    return undefined;
  }

  #await(index: number, partition: HostedPartition, result: AppendResult, bytes: number): void {
    const endOffset = result.lastOffset + 1;
    if (this.#request.acks === 0) {
      this.#answers[index].errorCode = Errors.NONE.code;
      partition.whenCommitted(endOffset, undefined, 0, bytes);
      return;
    }
    this.#waitingCount++;
    partition.whenCommitted(endOffset, this, index, result.isDuplicate ? 0 : bytes);
  }

  #failAppend(answer: Answer, { error, errorMessage, recordErrors, logStartOffset }: AppendResult): void {
    fail(answer, error!);
    const isOfRecords = recordErrors.length > 0;
    if (isOfRecords || !WITHOUT_LOG_START.includes(error!)) answer.logStartOffset = logStartOffset;
    answer.errorMessage = errorMessage ?? null;
    answer.recordErrors = recordErrors.map(({ batchIndex, message }) => ({
      batchIndex,
      batchIndexErrorMessage: message,
    }));
  }

  /** So that the client need not ask for metadata first. @see KIP-951 */
  #pointToLeader(answer: Answer, topic: TopicImage | KafkaErrorRow): void {
    if ('code' in topic) return;
    const { leader, leaderEpoch } = topic.partitions[answer.index!];
    answer.currentLeader = { leaderId: leader, leaderEpoch };
    this.#isMoved = true;
  }

  #wait(): void {
    this.#deadline = this.#broker.produceDeadlines.add(Math.max(this.#request.timeoutMs, WAIT_MS_MIN), this);
  }

  /** With acks=0 the client reads nothing: a closed connection is all it can notice. */
  #finishUnanswered(): void {
    const failed = this.#answers.find(({ errorCode }) => errorCode !== Errors.NONE.code);
    if (failed === undefined) this.#context.replyNothing();
    else
      this.#context.abort(
        `a produce request with acks=0 failed (error ${failed.errorCode}, partition ${failed.index})`,
      );
  }

  #finish(): void {
    this.#isDone = true;
    let next = 0;
    const responses: TopicResponse[] = [];
    for (const { name, topicId, partitionData } of this.#topics) {
      if (partitionData.length === 0) continue;
      const start = next;
      next += partitionData.length;
      responses.push({ name, topicId, partitionResponses: this.#answers.slice(start, next) });
    }
    const { listenerName, version } = this.#context;
    const nodeEndpoints = this.#isMoved && version >= 10 ? leaderEndpoints(this.#broker, listenerName) : [];
    this.#context.reply({ responses, nodeEndpoints } satisfies Response);
  }
}

function closedError(records: Buffer): KafkaErrorRow {
  return isOneBatch(records) ? Errors.INVALID_TOPIC_EXCEPTION : Errors.INVALID_RECORD;
}

function fail(answer: Answer, error: KafkaErrorRow): void {
  answer.errorCode = error.code;
  answer.baseOffset = -1;
  answer.logAppendTimeMs = -1;
}

/** Errors whose answer does not tell where the log starts, unless single records are to blame. */
const WITHOUT_LOG_START: readonly KafkaErrorRow[] = [
  Errors.INVALID_RECORD,
  Errors.MESSAGE_TOO_LARGE,
  Errors.RECORD_LIST_TOO_LARGE,
  Errors.CORRUPT_MESSAGE,
  Errors.KAFKA_STORAGE_ERROR,
];
/** No code of Kafka's: this partition is appended and waits. */
const PENDING = -32768;
const NO_RECORD_ERRORS: PartitionResponse['recordErrors'] = [];
