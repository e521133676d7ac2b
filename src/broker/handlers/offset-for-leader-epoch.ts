/** OffsetForLeaderEpoch (23): where the largest epoch that is not above the one asked for ends. @see KIP-320 */
import {
  type Draft,
  Errors,
  type KafkaErrorRow,
  type OffsetForLeaderEpochRequest,
  type OffsetForLeaderEpochResponse,
} from '#protocol';
import type { BrokerParts } from '../broker-parts.ts';
import type { TopicImage } from '../controller/index.ts';
import type { RequestContext } from '../server/request-context.ts';
import { findPartition, findTopic, isFound } from './topic-lookup.ts';

const UNDEFINED_EPOCH = -1;

type AskedPartition = OffsetForLeaderEpochRequest['topics'][number]['partitions'][number];

export function offsetForLeaderEpoch(
  broker: BrokerParts,
  context: RequestContext,
  request: OffsetForLeaderEpochRequest,
): Draft<typeof OffsetForLeaderEpochResponse> {
  return {
    topics: request.topics.map(({ topic: name, partitions }) => {
      const topic = findTopic(broker, context, name);
      return { topic: name, partitions: partitions.map((asked) => answer(broker, topic, asked)) };
    }),
  };
}

function answer(broker: BrokerParts, topic: TopicImage | KafkaErrorRow, asked: AskedPartition) {
  const { partition } = asked;
  const found = findPartition(broker, topic, partition, asked.currentLeaderEpoch);
  if (!isFound(found)) return { errorCode: found.code, partition };
  const end = asked.leaderEpoch === UNDEFINED_EPOCH ? undefined : found.log.endOffsetForEpoch(asked.leaderEpoch);
  return {
    errorCode: Errors.NONE.code,
    partition,
    leaderEpoch: end?.epoch ?? UNDEFINED_EPOCH,
    endOffset: end?.endOffset ?? -1,
  };
}
