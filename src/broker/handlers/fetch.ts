/**
 * Fetch (1). A fetch reads what is committed (isolation level 1: and of no undecided transaction), in the order of the request and
 * within its byte limits (the first batch always goes, so that no consumer is stuck), and answers when there is enough, when something
 * is wrong, or when its time is over. In between it is parked on its partitions: when more may be read it is woken, nothing polls. Sessions are not kept: the session id is always 0,
 * and every client then sends full fetches (KIP-227).
 *
 * Hot path: the slices that the log returns are the ones written to the socket. A fetch from the memory tail makes no promise.
 */
import { errorText, type Timer } from '#core';
import { type Draft, Errors, type FetchRequest, type FetchResponse, type KafkaErrorRow } from '#protocol';
import type { CommittedRead, LogRead } from '#storage';
import type { BrokerParts } from '../broker-parts.ts';
import type { TopicImage } from '../controller/index.ts';
import type { AdvanceWaiter, HostedPartition } from '../hosting/hosted-partition.ts';
import { LATER, type RequestContext } from '../server/request-context.ts';
import { leaderEndpoints } from './endpoints.ts';
import { findPartition, findTopic, isFound } from './topic-lookup.ts';
import { hasZstd } from './zstd-check.ts';

const READ_COMMITTED = 1;
/** The first version whose clients know zstd. */
const ZSTD_VERSION = 10;
/** Kafka ≤ 1.1 clients do not know KAFKA_STORAGE_ERROR. */
const STORAGE_ERROR_VERSION = 6;

type Response = Draft<typeof FetchResponse>;
type TopicResponse = NonNullable<Response['responses']>[number];
type PartitionResponse = NonNullable<TopicResponse['partitions']>[number];
type AskedPartition = FetchRequest['topics'][number]['partitions'][number];

/** One partition of the request. */
interface Target {
  readonly topic: TopicImage | KafkaErrorRow;
  readonly asked: AskedPartition;
}

/** How far a partition may be read. */
interface Extent {
  readonly highWatermark: number;
  readonly lastStableOffset: number;
}

/** What one pass over all partitions found. */
interface Round {
  readonly partitions: PartitionResponse[];
  sizeInBytes: number;
  /** Something must be told at once. */
  isUrgent: boolean;
  isMoved: boolean;
}

export function fetch(broker: BrokerParts, context: RequestContext, request: FetchRequest): Response | typeof LATER {
  const isIncremental = request.sessionId !== 0 && request.sessionEpoch > 0;
  if (isIncremental) return { errorCode: Errors.FETCH_SESSION_ID_NOT_FOUND.code };
  new PendingFetch(broker, context, request).run();
  return LATER;
}

class PendingFetch implements AdvanceWaiter {
  readonly #broker: BrokerParts;
  readonly #context: RequestContext;
  readonly #request: FetchRequest;
  #targets: Target[] = [];
  #bytesMax = 0;
  readonly #deadlineMs: number;
  /** With the last stable offset that each had. */
  readonly #parkedOn = new Map<HostedPartition, number>();
  /** Bytes that are readable as far as a parked fetch knows. */
  #readableBytes = 0;
  #timer: Timer | undefined;
  #isReading = false;
  #isDone = false;

  constructor(broker: BrokerParts, context: RequestContext, request: FetchRequest) {
    this.#broker = broker;
    this.#context = context;
    this.#request = request;
    this.#deadlineMs = request.maxWaitMs <= 0 ? 0 : broker.clock.now().monotonicMs + request.maxWaitMs;
    context.onAbandoned = () => {
      this.#isDone = true;
      this.#unpark();
    };
  }

  /** Reads everything once, and answers or parks. Also called when a parked fetch was woken. What goes wrong costs this connection. */
  run(): void {
    if (this.#isReading || this.#isDone) return;
    try {
      this.#readAll();
    } catch (error) {
      this.#fail(error);
    }
  }

  #readAll(): void {
    this.#unpark();
    const { replyBytesMax } = this.#context;
    this.#bytesMax = Math.min(
      this.#request.maxBytes,
      this.#broker.settings.config['fetch.max.bytes'],
      this.#broker.quotas.fetchBytesMax(this.#context),
      replyBytesMax,
    );
    this.#targets = this.#findTargets();
    const round: Round = { partitions: [], sizeInBytes: 0, isUrgent: false, isMoved: false };
    const reading = this.#readFrom(0, round);
    if (reading === undefined) {
      this.#decide(round);
      return;
    }
    this.#isReading = true;
    reading
      .then(() => {
        this.#isReading = false;
        this.#decide(round);
      })
      .catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): void {
    this.#isDone = true;
    this.#unpark();
    this.#broker.logger.error({ err: error }, `A fetch failed: ${errorText(error)}`);
    this.#context.abort('a fetch failed');
  }

  advanced(partition: HostedPartition, bytes: number): void {
    this.#readableBytes += bytes;
    if (bytes === 0 || this.#isWakened(partition)) this.#broker.advances.wake(this);
  }

  /** The end of a transaction makes more readable than came with it, so whoever waits for that must look. */
  #isWakened(partition: HostedPartition): boolean {
    if (!this.#isReadCommitted) return this.#readableBytes >= this.#request.minBytes;
    return partition.lastStableOffset !== this.#parkedOn.get(partition);
  }

  get #isReadCommitted(): boolean {
    return this.#request.isolationLevel === READ_COMMITTED;
  }

  /** Looked up for each round: a topic may have been deleted, and made again, while the fetch was parked. */
  #findTargets(): Target[] {
    const targets: Target[] = [];
    for (const { topic: name, topicId, partitions } of this.#request.topics) {
      const topic = findTopic(this.#broker, this.#context, name, topicId);
      for (const asked of partitions) targets.push({ topic, asked });
    }
    return targets;
  }

  /** Reads the partitions from `index` on; a promise only when the disk is needed. */
  #readFrom(index: number, round: Round): Promise<void> | undefined {
    for (let at = index; at < this.#targets.length; at++) {
      const target = this.#targets[at];
      const partition = findPartition(
        this.#broker,
        target.topic,
        target.asked.partition,
        target.asked.currentLeaderEpoch,
      );
      const refusal = isFound(partition) ? this.#refusal(partition, target.asked) : errorResponse(target, partition);
      if (refusal !== undefined || !isFound(partition)) {
        this.#refuse(round, refusal!, target, isFound(partition) ? undefined : partition);
        continue;
      }
      const { highWatermark, lastStableOffset } = partition;
      const extent = { highWatermark, lastStableOffset };
      const read = this.#read(partition, target.asked, extent, round);
      if (!(read instanceof Promise)) {
        this.#add(round, partition, target.asked, extent, read);
        continue;
      }
      return read.then((result) => {
        this.#add(round, partition, target.asked, extent, result);
        this.#context.holds(round.sizeInBytes);
        return this.#readFrom(at + 1, round);
      });
    }
    return undefined;
  }

  /** Offsets and epochs that cannot be served. */
  #refusal({ log }: HostedPartition, asked: AskedPartition): PartitionResponse | undefined {
    if (asked.fetchOffset > log.logEndOffset || asked.fetchOffset < log.logStartOffset) {
      return {
        partitionIndex: asked.partition,
        errorCode: Errors.OFFSET_OUT_OF_RANGE.code,
        highWatermark: -1,
        abortedTransactions: null,
        records: NO_RECORDS,
      };
    }
    if (asked.lastFetchedEpoch < 0) return undefined;
    const { epoch, endOffset } = log.endOffsetForEpoch(asked.lastFetchedEpoch) ?? UNDEFINED_EPOCH;
    if (endOffset >= asked.fetchOffset && epoch === asked.lastFetchedEpoch) return undefined;
    return {
      partitionIndex: asked.partition,
      errorCode: Errors.NONE.code,
      highWatermark: -1,
      divergingEpoch: { epoch, endOffset },
      abortedTransactions: null,
      records: NO_RECORDS,
    };
  }

  #read(
    { log }: HostedPartition,
    asked: AskedPartition,
    { highWatermark, lastStableOffset }: Extent,
    round: Round,
  ): Read | Promise<Read> | undefined {
    const isFirst = round.sizeInBytes === 0;
    const leftBytes = Math.min(asked.partitionMaxBytes, this.#bytesMax - round.sizeInBytes);
    const endOffsetMax = this.#isReadCommitted ? lastStableOffset : highWatermark;
    if (asked.fetchOffset >= endOffsetMax || (leftBytes <= 0 && !isFirst)) return undefined;
    const request = { bytesMax: Math.max(0, leftBytes), endOffsetMax, atLeastOneBatch: isFirst };
    return this.#isReadCommitted ? log.readCommitted(asked.fetchOffset, request) : log.read(asked.fetchOffset, request);
  }

  #add(
    round: Round,
    { log }: HostedPartition,
    asked: AskedPartition,
    { highWatermark, lastStableOffset }: Extent,
    read: Read | undefined,
  ): void {
    const error = read === undefined ? undefined : (read.error ?? this.#zstdError(read));
    if (error !== undefined) round.isUrgent = true;
    const records = error === undefined && read !== undefined ? read.records : NO_RECORDS;
    if (error === undefined && read !== undefined) round.sizeInBytes += read.sizeInBytes;
    round.partitions.push({
      partitionIndex: asked.partition,
      errorCode: (error ?? Errors.NONE).code,
      highWatermark,
      lastStableOffset,
      logStartOffset: log.logStartOffset,
      abortedTransactions: error === undefined && this.#isReadCommitted ? abortedIn(read) : null,
      records,
    });
  }

  #refuse(round: Round, response: PartitionResponse, target: Target, error: KafkaErrorRow | undefined): void {
    round.isUrgent = true;
    if (error === Errors.KAFKA_STORAGE_ERROR && this.#context.version < STORAGE_ERROR_VERSION) {
      round.partitions.push({ ...response, errorCode: Errors.NOT_LEADER_OR_FOLLOWER.code });
      return;
    }
    const isMoved = error === Errors.NOT_LEADER_OR_FOLLOWER || error === Errors.FENCED_LEADER_EPOCH;
    if (!isMoved || 'code' in target.topic || this.#context.version < 12) {
      round.partitions.push(response);
      return;
    }
    round.isMoved = true;
    const { leader, leaderEpoch } = target.topic.partitions[target.asked.partition];
    round.partitions.push({ ...response, currentLeader: { leaderId: leader, leaderEpoch } });
  }

  #zstdError(read: LogRead): KafkaErrorRow | undefined {
    const isRefused = this.#context.version < ZSTD_VERSION && hasZstd(read.records);
    return isRefused ? Errors.UNSUPPORTED_COMPRESSION_TYPE : undefined;
  }

  #decide(round: Round): void {
    if (this.#isDone) return;
    const isEnough = round.sizeInBytes >= this.#request.minBytes || this.#targets.length === 0;
    if (isEnough || round.isUrgent || this.#leftMs() <= 0) this.#answer(round);
    else this.#park(round);
  }

  #leftMs(): number {
    return this.#deadlineMs === 0 ? 0 : this.#deadlineMs - this.#broker.clock.now().monotonicMs;
  }

  #park(round: Round): void {
    this.#context.holds(0);
    this.#readableBytes = round.sizeInBytes;
    let hasMoved = false;
    this.#targets.forEach(({ topic, asked }, index) => {
      if ('code' in topic) return;
      const partition = this.#broker.partitions.get(topic.topicId, asked.partition);
      const { highWatermark, lastStableOffset } = round.partitions[index];
      const isSame = partition?.highWatermark === highWatermark && partition?.lastStableOffset === lastStableOffset;
      if (partition !== undefined && isSame && !partition.isOffline)
        this.#parkedOn.set(partition, partition.lastStableOffset);
      else hasMoved = true;
    });
    for (const partition of this.#parkedOn.keys()) partition.addAdvanceWaiter(this);
    this.#timer = this.#broker.clock.setTimer(this.#leftMs(), () => this.run(), { unref: true });
    if (hasMoved) this.#broker.advances.wake(this);
  }

  #unpark(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const partition of this.#parkedOn.keys()) partition.removeAdvanceWaiter(this);
    this.#parkedOn.clear();
  }

  #answer(round: Round): void {
    this.#isDone = true;
    if (this.#broker.quotas.refusesFetch(this.#context, round.sizeInBytes)) {
      this.#context.reply({});
      return;
    }
    const { listenerName, version } = this.#context;
    let next = 0;
    const responses = this.#request.topics.map(({ topic, topicId, partitions }): TopicResponse => {
      const start = next;
      next += partitions.length;
      return { topic, topicId, partitions: round.partitions.slice(start, next) };
    });
    const nodeEndpoints = round.isMoved && version >= 16 ? leaderEndpoints(this.#broker, listenerName) : [];
    this.#context.reply({ responses, nodeEndpoints } satisfies Response);
  }
}

type Read = LogRead | CommittedRead;

const NO_RECORDS = Buffer.alloc(0);
const UNDEFINED_EPOCH = { epoch: -1, endOffset: -1 };

/** Readers of committed records get a list, be it empty. */
function abortedIn(read: Read | undefined): NonNullable<PartitionResponse['abortedTransactions']> {
  if (read === undefined || !('abortedTransactions' in read)) return [];
  return read.abortedTransactions.map(({ producerId, firstOffset }) => ({ producerId, firstOffset }));
}

function errorResponse({ asked }: Target, error: KafkaErrorRow): PartitionResponse {
  return {
    partitionIndex: asked.partition,
    errorCode: error.code,
    highWatermark: -1,
    abortedTransactions: null,
    records: NO_RECORDS,
  };
}
