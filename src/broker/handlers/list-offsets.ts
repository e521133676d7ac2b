/** ListOffsets (2): where a log begins and ends, and the first offset at or after a time. */
import { CorruptError, errorText, KafkaError } from '#core';
import { type Draft, Errors, type KafkaErrorRow, type ListOffsetsRequest, type ListOffsetsResponse } from '#protocol';
import type { BrokerParts } from '../broker-parts.ts';
import type { TopicImage } from '../controller/index.ts';
import type { HostedPartition } from '../hosting/hosted-partition.ts';
import type { RequestContext } from '../server/request-context.ts';
import { askedOnce } from './asked-once.ts';
import { findPartition, findTopic, isFound } from './topic-lookup.ts';

const READ_COMMITTED = 1;

const LATEST = -1;
const EARLIEST = -2;
const MAX_TIMESTAMP = -3;
const EARLIEST_LOCAL = -4;
const LATEST_TIERED = -5;
const EARLIEST_PENDING_UPLOAD = -6;

/** The version whose answers have the leader epoch. @see KIP-320 */
const LEADER_EPOCH_VERSION = 4;

/** The version that brought each special timestamp. */
const SINCE: Readonly<Record<number, number>> = {
  [LATEST]: 1,
  [EARLIEST]: 1,
  [MAX_TIMESTAMP]: 7,
  [EARLIEST_LOCAL]: 8,
  [LATEST_TIERED]: 9,
  [EARLIEST_PENDING_UPLOAD]: 11,
};

type Response = Draft<typeof ListOffsetsResponse>;
type TopicResponse = NonNullable<Response['topics']>[number];
type PartitionResponse = NonNullable<TopicResponse['partitions']>[number];
type AskedPartition = ListOffsetsRequest['topics'][number]['partitions'][number];

interface Place {
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number;
}

const NOWHERE: Place = { offset: -1, timestamp: -1, leaderEpoch: -1 };

export async function listOffsets(
  broker: BrokerParts,
  context: RequestContext,
  request: ListOffsetsRequest,
): Promise<Response> {
  const topics: TopicResponse[] = [];
  const repeated = repeatedPartitions(request);
  for (const [name, partitions] of askedOnce(request.topics)) {
    const topic = findTopic(broker, context, name);
    const answers: PartitionResponse[] = [];
    // One after the other: each look-up by time holds a piece of a log in memory.
    for (const asked of partitions.values()) {
      const isRepeated = repeated.has(`${name}-${asked.partitionIndex}`);
      const place = answer(broker, context, topic, asked, { isRepeated, isolationLevel: request.isolationLevel });
      answers.push(place instanceof Promise ? await place : place);
    }
    topics.push({ name, partitions: answers });
  }
  return { topics };
}

function repeatedPartitions({ topics }: ListOffsetsRequest): ReadonlySet<string> {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const { name, partitions } of topics) {
    for (const { partitionIndex } of partitions) {
      const key = `${name}-${partitionIndex}`;
      (seen.has(key) ? repeated : seen).add(key);
    }
  }
  return repeated;
}

function answer(
  broker: BrokerParts,
  context: RequestContext,
  topic: TopicImage | KafkaErrorRow,
  asked: AskedPartition,
  { isRepeated, isolationLevel }: { readonly isRepeated: boolean; readonly isolationLevel: number },
): PartitionResponse | Promise<PartitionResponse> {
  const { partitionIndex, timestamp } = asked;
  if (isRepeated) return { partitionIndex, errorCode: Errors.INVALID_REQUEST.code };
  const since = timestamp < 0 ? SINCE[timestamp] : 1;
  if (since === undefined || context.version < since) {
    return { partitionIndex, errorCode: Errors.UNSUPPORTED_VERSION.code };
  }
  const partition = findPartition(broker, topic, partitionIndex, asked.currentLeaderEpoch);
  if (!isFound(partition)) return { partitionIndex, errorCode: partition.code };
  const endOffset = isolationLevel === READ_COMMITTED ? partition.lastStableOffset : partition.highWatermark;
  switch (timestamp) {
    case LATEST:
      return placed(context, asked, {
        offset: endOffset,
        timestamp: -1,
        leaderEpoch: partition.state.leaderEpoch,
      });
    case EARLIEST:
    case EARLIEST_LOCAL:
      return placed(context, asked, startOf(partition));
    case LATEST_TIERED:
    case EARLIEST_PENDING_UPLOAD:
      return placed(context, asked, NOWHERE);
    default:
      return lookUp(broker, context, partition.log, asked, endOffset);
  }
}

function placed({ version }: RequestContext, { partitionIndex }: AskedPartition, place: Place): PartitionResponse {
  const { offset, timestamp, leaderEpoch } = place;
  const found = { partitionIndex, errorCode: Errors.NONE.code, offset, timestamp };
  return version >= LEADER_EPOCH_VERSION ? { ...found, leaderEpoch } : found;
}

function startOf({ log }: HostedPartition): Place {
  return { offset: log.logStartOffset, timestamp: -1, leaderEpoch: log.epochAt(log.logStartOffset) ?? -1 };
}

/** Nothing from `endOffset` on is told. */
async function lookUp(
  broker: BrokerParts,
  context: RequestContext,
  log: HostedPartition['log'],
  asked: AskedPartition,
  endOffset: number,
): Promise<PartitionResponse> {
  const { partitionIndex, timestamp } = asked;
  try {
    const searching =
      timestamp === MAX_TIMESTAMP ? log.maxTimestampOffset(endOffset) : log.offsetForTimestamp(timestamp, endOffset);
    return placed(context, asked, (await searching) ?? NOWHERE);
  } catch (error) {
    // The log is damaged there, or was deleted meanwhile.
    if (!(error instanceof KafkaError)) throw error;
    const name = `${log.topic}-${log.partition}`;
    broker.logger.error({ log: name, timestamp }, `A look-up by time failed: ${errorText(error)}`);
    const row = error instanceof CorruptError ? Errors.CORRUPT_MESSAGE : Errors.KAFKA_STORAGE_ERROR;
    return { partitionIndex, errorCode: row.code };
  }
}
