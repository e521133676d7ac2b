/**
 * Reads the partitions of one fetch, as often as it is woken, and says what there is to answer. Partitions that are not known when the
 * fetch comes are answered with the others and hurry nobody: otherwise a client that asks for one again and again would never wait.
 */
import { type Draft, Errors, type FetchRequest, type FetchResponse, type KafkaErrorRow } from '#protocol';
import type { CommittedRead, LogRead } from '#storage';
import type { BrokerParts } from '../broker-parts.ts';
import type { TopicImage } from '../controller/index.ts';
import type { FetchPartition, PartitionNews } from '../fetch-session/index.ts';
import type { HostedPartition } from '../hosting/hosted-partition.ts';
import type { RequestContext } from '../server/request-context.ts';
import { findPartition, findTopic, isFound } from './topic-lookup.ts';

const READ_COMMITTED = 1;
const TOPIC_ID_VERSION = 13;
/** Kafka ≤ 1.1 clients do not know KAFKA_STORAGE_ERROR. */
const STORAGE_ERROR_VERSION = 6;
/** Until then the leader of a partition that moved goes unsaid. @see KIP-951 */
export const LEADER_VERSION = 16;

type TopicResponse = NonNullable<Draft<typeof FetchResponse>['responses']>[number];
type PartitionResponse = NonNullable<TopicResponse['partitions']>[number];
type Read = LogRead | CommittedRead;

export interface PartitionAnswer extends PartitionNews {
  readonly partition: FetchPartition;
  readonly response: PartitionResponse;
}

export class FetchReader {
  readonly isReadCommitted: boolean;
  /** What one reading found, in order; of a session not those without news. */
  answers: PartitionAnswer[] = [];
  /** Those that were read. */
  found: HostedPartition[] = [];
  sizeInBytes = 0;
  readonly #broker: BrokerParts;
  readonly #context: RequestContext;
  readonly #request: FetchRequest;
  readonly #partitions: readonly FetchPartition[];
  readonly #isIncremental: boolean;
  /** Not known when the fetch came. */
  #unknown: Map<FetchPartition, KafkaErrorRow> | undefined;
  #isFirst = true;
  #isUrgent = false;
  #bytesMax = 0;

  /** @param isIncremental leaves out what the client of a session knows */
  constructor(
    broker: BrokerParts,
    context: RequestContext,
    request: FetchRequest,
    partitions: readonly FetchPartition[],
    isIncremental: boolean,
  ) {
    this.#broker = broker;
    this.#context = context;
    this.#request = request;
    this.#partitions = partitions;
    this.#isIncremental = isIncremental;
    this.isReadCommitted = request.isolationLevel === READ_COMMITTED;
  }

  /** Bytes that are worth an answer. */
  get bytesMin(): number {
    return Math.min(this.#request.minBytes, this.#bytesMax);
  }

  /** Whether what was read is to be answered, however much time is left. */
  get isEnough(): boolean {
    return (
      this.#isUrgent || this.sizeInBytes >= this.bytesMin || (this.#unknown?.size ?? 0) === this.#partitions.length
    );
  }

  /** Reads everything anew. A promise only when the disk is needed. */
  read(): Promise<void> | undefined {
    this.answers = [];
    this.found = [];
    this.sizeInBytes = 0;
    this.#isUrgent = false;
    this.#bytesMax = Math.min(
      this.#request.maxBytes,
      this.#broker.settings.config['fetch.max.bytes'],
      this.#broker.quotas.fetchBytesMax(this.#context),
      this.#context.replyBytesMax,
    );
    const reading = this.#readFrom(0);
    this.#isFirst = false;
    return reading;
  }

  #readFrom(index: number): Promise<void> | undefined {
    for (let at = index; at < this.#partitions.length; at++) {
      const partition = this.#partitions[at];
      const hosted = this.#find(partition);
      if (hosted === undefined) continue;
      const { highWatermark, lastStableOffset } = hosted;
      const read = this.#read(hosted, partition, this.isReadCommitted ? lastStableOffset : highWatermark);
      if (!(read instanceof Promise)) {
        this.#add(partition, hosted, highWatermark, lastStableOffset, read);
        continue;
      }
      return read.then((result) => {
        this.#add(partition, hosted, highWatermark, lastStableOffset, result);
        this.#context.holds(this.sizeInBytes);
        return this.#readFrom(at + 1);
      });
    }
    return undefined;
  }

  /** The partition, if it can be read from where the client wants; otherwise what is wrong is added to the answers. */
  #find(partition: FetchPartition): HostedPartition | undefined {
    const topic = this.#unknown?.get(partition) ?? this.#findTopic(partition);
    if ('code' in topic) {
      this.#refuse(partition, topic);
      return undefined;
    }
    const currentLeaderEpoch = Math.max(-1, partition.currentLeaderEpoch);
    const hosted = findPartition(this.#broker, topic, partition.partition, currentLeaderEpoch);
    if (!isFound(hosted)) {
      this.#addError(partition, hosted, topic);
      return undefined;
    }
    this.found.push(hosted);
    const error = this.#isFollower ? notAReplica(partition) : undefined;
    if (error === undefined) return this.#isInLog(partition, hosted) ? hosted : undefined;
    this.#addError(partition, error, topic);
    return undefined;
  }

  /** The topic that was meant when the client named it: by now there may be another one of the same name. */
  #findTopic(partition: FetchPartition): TopicImage | KafkaErrorRow {
    const isById = this.#context.version >= TOPIC_ID_VERSION;
    const topic = findTopic(this.#broker, this.#context, partition.topic, isById ? partition.topicId : undefined);
    if (topic === Errors.UNKNOWN_TOPIC_ID && partition.topic !== '') {
      const { topics } = this.#broker.metadata.image;
      return topics.has(partition.topic) ? Errors.INCONSISTENT_TOPIC_ID : Errors.UNKNOWN_TOPIC_OR_PARTITION;
    }
    if ('code' in topic) return topic;
    partition.topic = topic.name;
    return topic.partitions[partition.partition] === undefined ? Errors.UNKNOWN_TOPIC_OR_PARTITION : topic;
  }

  /** Other brokers do not fetch from this one. */
  get #isFollower(): boolean {
    return this.#request.replicaId >= 0 || this.#request.replicaState.replicaId >= 0;
  }

  /** Whether what the client wants, and what it read last, are in this log; otherwise it is told where to go. @see KIP-595 */
  #isInLog(partition: FetchPartition, { log, highWatermark, lastStableOffset }: HostedPartition): boolean {
    const { fetchOffset, lastFetchedEpoch } = partition;
    const { logStartOffset, logEndOffset } = log;
    const end = lastFetchedEpoch < 0 ? undefined : log.endOffsetForEpoch(lastFetchedEpoch);
    const isEpochUnknown = lastFetchedEpoch >= 0 && end === undefined;
    const isAhead = end === undefined && fetchOffset > logEndOffset;
    if (isEpochUnknown || isAhead || fetchOffset < logStartOffset) {
      this.#addError(partition, Errors.OFFSET_OUT_OF_RANGE);
      return false;
    }
    if (end === undefined || (end.endOffset >= fetchOffset && end.epoch === lastFetchedEpoch)) return true;
    this.#isUrgent = true;
    const places = { highWatermark, lastStableOffset, logStartOffset };
    this.#push(partition, { ...errorResponse(partition, Errors.NONE), ...places, divergingEpoch: end }, false);
    return false;
  }

  #read({ log }: HostedPartition, partition: FetchPartition, endOffsetMax: number): Read | Promise<Read> | undefined {
    const isFirst = this.sizeInBytes === 0;
    const leftBytes = Math.min(partition.partitionMaxBytes, this.#bytesMax - this.sizeInBytes);
    if (partition.fetchOffset >= endOffsetMax || (leftBytes <= 0 && !isFirst)) return undefined;
    const request = { bytesMax: Math.max(0, leftBytes), endOffsetMax, atLeastOneBatch: isFirst };
    return this.isReadCommitted
      ? log.readCommitted(partition.fetchOffset, request)
      : log.read(partition.fetchOffset, request);
  }

  #add(
    partition: FetchPartition,
    { log: { logStartOffset } }: HostedPartition,
    highWatermark: number,
    lastStableOffset: number,
    read: Read | undefined,
  ): void {
    if (read?.error !== undefined) {
      this.#addError(partition, read.error);
      return;
    }
    const sizeInBytes = read?.sizeInBytes ?? 0;
    if (sizeInBytes === 0 && this.#isIncremental && partition.knows(highWatermark, logStartOffset)) return;
    this.sizeInBytes += sizeInBytes;
    const response: PartitionResponse = {
      partitionIndex: partition.partition,
      errorCode: Errors.NONE.code,
      highWatermark,
      lastStableOffset,
      logStartOffset,
      abortedTransactions: this.isReadCommitted ? abortedIn(read) : null,
      records: read?.records ?? NO_RECORDS,
    };
    this.#push(partition, response, sizeInBytes > 0);
  }

  /** What is unknown from the beginning hurries nobody; what becomes unknown does. */
  #refuse(partition: FetchPartition, error: KafkaErrorRow): void {
    if (this.#isFirst && error !== Errors.INCONSISTENT_TOPIC_ID) {
      this.#unknown ??= new Map();
      this.#unknown.set(partition, error);
    }
    if (this.#unknown?.has(partition)) {
      this.#push(partition, { ...errorResponse(partition, error), abortedTransactions: [] }, false);
    } else this.#addError(partition, error);
  }

  #addError(partition: FetchPartition, error: KafkaErrorRow, topic?: TopicImage): void {
    this.#isUrgent = true;
    const { version } = this.#context;
    const isTooNew = error === Errors.KAFKA_STORAGE_ERROR && version < STORAGE_ERROR_VERSION;
    const response = errorResponse(partition, isTooNew ? Errors.NOT_LEADER_OR_FOLLOWER : error);
    const isMoved = error === Errors.NOT_LEADER_OR_FOLLOWER || error === Errors.FENCED_LEADER_EPOCH;
    if (topic === undefined || !isMoved || version < LEADER_VERSION) {
      this.#push(partition, response, false);
      return;
    }
    const { leader, leaderEpoch } = topic.partitions[partition.partition];
    this.#push(partition, { ...response, currentLeader: { leaderId: leader, leaderEpoch } }, false);
  }

  #push(partition: FetchPartition, response: PartitionResponse, hasRecords: boolean): void {
    this.answers.push({
      partition,
      response,
      errorCode: response.errorCode ?? Errors.NONE.code,
      highWatermark: response.highWatermark ?? NOWHERE,
      logStartOffset: response.logStartOffset ?? NOWHERE,
      hasRecords,
      isDiverging: response.divergingEpoch !== undefined,
    });
  }
}

const NO_RECORDS = Buffer.alloc(0);
const NOWHERE = -1;

function errorResponse({ partition }: FetchPartition, error: KafkaErrorRow): PartitionResponse {
  return {
    partitionIndex: partition,
    errorCode: error.code,
    highWatermark: NOWHERE,
    abortedTransactions: null,
    records: NO_RECORDS,
  };
}

/** Kafka's answer to a broker that has no replica of the partition. */
function notAReplica({ currentLeaderEpoch }: FetchPartition): KafkaErrorRow {
  return currentLeaderEpoch < 0 ? Errors.NOT_LEADER_OR_FOLLOWER : Errors.UNKNOWN_LEADER_EPOCH;
}

/** Readers of committed records get a list, be it empty. */
function abortedIn(read: Read | undefined): NonNullable<PartitionResponse['abortedTransactions']> {
  if (read === undefined || !('abortedTransactions' in read)) return [];
  return read.abortedTransactions.map(({ producerId, firstOffset }) => ({ producerId, firstOffset }));
}
