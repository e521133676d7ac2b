/** ListOffsets (2): where a log begins and ends, and the first offset at or after a time. */
import { CorruptError, errorText, KafkaError } from '#core';
import { type Draft, Errors, type KafkaErrorRow, type ListOffsetsRequest, type ListOffsetsResponse } from '#protocol';
import type { BrokerParts } from '../broker-parts.ts';
import type { TopicImage } from '../controller/index.ts';
import type { HostedPartition } from '../hosted-partition.ts';
import type { RequestContext } from '../request-context.ts';
import { findPartition, findTopic, isFound } from './topic-lookup.ts';

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
type PartitionResponse = NonNullable<NonNullable<Response['topics']>[number]['partitions']>[number];
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
  const topics = request.topics.map(async ({ name, partitions }) => {
    const topic = findTopic(broker, context, name);
    return { name, partitions: await Promise.all(partitions.map((asked) => answer(broker, context, topic, asked))) };
  });
  return { topics: await Promise.all(topics) };
}

async function answer(
  broker: BrokerParts,
  context: RequestContext,
  topic: TopicImage | KafkaErrorRow,
  asked: AskedPartition,
): Promise<PartitionResponse> {
  const { partitionIndex, timestamp } = asked;
  const partition = findPartition(broker, topic, partitionIndex, asked.currentLeaderEpoch);
  if (!isFound(partition)) return { partitionIndex, errorCode: partition.code };
  const since = timestamp < 0 ? SINCE[timestamp] : 1;
  if (since === undefined || context.version < since) {
    return { partitionIndex, errorCode: Errors.UNSUPPORTED_VERSION.code };
  }
  try {
    const { offset, timestamp: found, leaderEpoch } = await find(partition, timestamp);
    const place = { partitionIndex, errorCode: Errors.NONE.code, offset, timestamp: found };
    return context.version >= LEADER_EPOCH_VERSION ? { ...place, leaderEpoch } : place;
  } catch (error) {
    // The log is damaged there, or was deleted meanwhile.
    if (!(error instanceof KafkaError)) throw error;
    const name = `${partition.topic}-${partition.partition}`;
    broker.logger.error({ log: name, timestamp }, `A look-up by time failed: ${errorText(error)}`);
    const row = error instanceof CorruptError ? Errors.CORRUPT_MESSAGE : Errors.KAFKA_STORAGE_ERROR;
    return { partitionIndex, errorCode: row.code };
  }
}

/** Nothing above the high watermark is told. */
async function find(partition: HostedPartition, timestamp: number): Promise<Place> {
  const { log, highWatermark, state } = partition;
  switch (timestamp) {
    case LATEST:
      return { offset: highWatermark, timestamp: -1, leaderEpoch: state.leaderEpoch };
    case EARLIEST:
    case EARLIEST_LOCAL:
      return { offset: log.logStartOffset, timestamp: -1, leaderEpoch: log.epochAt(log.logStartOffset) ?? -1 };
    case LATEST_TIERED:
    case EARLIEST_PENDING_UPLOAD:
      return NOWHERE;
    case MAX_TIMESTAMP:
      return (await log.maxTimestampOffset(highWatermark)) ?? NOWHERE;
    default:
      return (await log.offsetForTimestamp(timestamp, highWatermark)) ?? NOWHERE;
  }
}
