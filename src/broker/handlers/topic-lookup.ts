/** Requests name topics by name in older versions and by id in newer ones; handlers want the topic, or the error for its absence. */
import type { Uuid } from '#core';
import { Errors, type KafkaErrorRow } from '#protocol';
import type { BrokerParts } from '../broker-parts.ts';
import type { TopicImage } from '../controller/index.ts';
import { HostedPartition } from '../hosting/hosted-partition.ts';
import type { RequestContext } from '../server/request-context.ts';

/** The topic that is meant, or why it is refused. Versions that know topics by id give one, and the name does not count. */
export function findTopic(
  broker: BrokerParts,
  context: RequestContext,
  name: string,
  topicId?: Uuid,
): TopicImage | KafkaErrorRow {
  const { image } = broker.metadata;
  const isById = topicId !== undefined;
  const topic = isById ? image.topicById(topicId) : image.topics.get(name);
  if (topic === undefined) return isById ? Errors.UNKNOWN_TOPIC_ID : Errors.UNKNOWN_TOPIC_OR_PARTITION;
  if (!context.allows(topic.name)) return isById ? Errors.UNKNOWN_TOPIC_ID : Errors.TOPIC_AUTHORIZATION_FAILED;
  return topic;
}

/** The partition that is meant, if this broker may serve it in that leader epoch (-1: unknown to the client). */
export function findPartition(
  broker: BrokerParts,
  topic: TopicImage | KafkaErrorRow,
  partition: number,
  currentLeaderEpoch: number,
): HostedPartition | KafkaErrorRow {
  if ('code' in topic) return topic;
  const image = topic.partitions[partition];
  if (image === undefined) return Errors.UNKNOWN_TOPIC_OR_PARTITION;
  const hosted = broker.partitions.get(topic.topicId, partition);
  if (hosted === undefined) {
    return image.replicas.includes(broker.settings.nodeId) ? Errors.KAFKA_STORAGE_ERROR : Errors.NOT_LEADER_OR_FOLLOWER;
  }
  const error = hosted.check(currentLeaderEpoch);
  return error === Errors.NONE ? hosted : error;
}

export function isFound(found: HostedPartition | KafkaErrorRow): found is HostedPartition {
  return found instanceof HostedPartition;
}
