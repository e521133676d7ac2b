/**
 * ◇ What the client knows about the cluster: brokers, topics, leaders. A picture is never changed; each answer makes the next one
 * out of the last. The rules that keep an old answer from undoing a newer one (KIP-320, KIP-516):
 *
 * - a partition's leader is taken only when its leader epoch is not below the known one of the same topic id;
 * - another topic id is another topic: the topic was deleted and created again, its epochs start over;
 * - partitions that a slower broker does not know of yet (after CreatePartitions) stay known.
 */
import { type MetadataResponse } from '#protocol';

export interface BrokerAddress {
  nodeId: number;
  host: string;
  port: number;
  rack: string | null;
}

export interface PartitionMetadata {
  partition: number;
  /** -1: none at the moment. */
  leaderId: number;
  /** -1: the broker is too old to say. */
  leaderEpoch: number;
  replicas: number[];
  isr: number[];
  errorCode: number;
}

export interface TopicMetadata {
  name: string;
  /** ZERO_UUID: the broker is too old to say. */
  topicId: string;
  isInternal: boolean;
  /** Kafka's number; with anything but 0 there are no partitions. */
  errorCode: number;
  /** Sorted; `partitions[n].partition === n`. */
  partitions: PartitionMetadata[];
}

export interface ClusterMetadata {
  clusterId: string | null;
  /** The broker to send controller requests to; -1: unknown. */
  controllerId: number;
  brokers: ReadonlyMap<number, BrokerAddress>;
  topics: ReadonlyMap<string, TopicMetadata>;
  /** Rises with every change of the picture; 0: nothing is known yet. */
  version: number;
}

export const NO_METADATA: ClusterMetadata = {
  clusterId: null,
  controllerId: -1,
  brokers: new Map(),
  topics: new Map(),
  version: 0,
};

/**
 * The next picture.
 *
 * @param isWanted tells of a known topic that the answer does not mention whether to keep it
 */
export function applyMetadata(
  known: ClusterMetadata,
  response: MetadataResponse,
  isWanted: (topic: string) => boolean,
): ClusterMetadata {
  const topics = new Map<string, TopicMetadata>();
  for (const topic of known.topics.values()) if (isWanted(topic.name)) topics.set(topic.name, topic);
  for (const answer of response.topics) {
    if (answer.name !== null) topics.set(answer.name, nextTopic(known.topics.get(answer.name), answer, answer.name));
  }
  return {
    clusterId: response.clusterId ?? known.clusterId,
    controllerId: response.controllerId,
    brokers: new Map(response.brokers.map((broker) => [broker.nodeId, { ...broker }])),
    topics,
    version: known.version + 1,
  };
}

export interface LeaderNews {
  topic: string;
  partition: number;
  leaderId: number;
  leaderEpoch: number;
}

/**
 * The picture after a broker said, in a refusal, who leads instead (KIP-951); the same object when that is not news.
 *
 * @param endpoints addresses that came with it
 */
export function applyLeader(
  known: ClusterMetadata,
  news: LeaderNews,
  endpoints: readonly BrokerAddress[],
): ClusterMetadata {
  const topic = known.topics.get(news.topic);
  const partition = topic?.partitions[news.partition];
  if (topic === undefined || partition === undefined || news.leaderId < 0) return known;
  if (news.leaderEpoch <= partition.leaderEpoch) return known;
  const brokers = new Map(known.brokers);
  for (const endpoint of endpoints) brokers.set(endpoint.nodeId, endpoint);
  if (!brokers.has(news.leaderId)) return known;
  const partitions = topic.partitions.slice();
  partitions[news.partition] = { ...partition, leaderId: news.leaderId, leaderEpoch: news.leaderEpoch, errorCode: 0 };
  const topics = new Map(known.topics).set(topic.name, { ...topic, partitions });
  return { ...known, brokers, topics, version: known.version + 1 };
}

/** Whether nothing changed that somebody may be waiting for: topics, their state, their leaders. */
export function isSamePicture(before: ClusterMetadata, after: ClusterMetadata): boolean {
  if (before.topics.size !== after.topics.size || before.brokers.size !== after.brokers.size) return false;
  for (const topic of after.topics.values()) {
    const old = before.topics.get(topic.name);
    if (old === undefined || !isSameTopic(old, topic)) return false;
  }
  return true;
}

function isSameTopic(a: TopicMetadata, b: TopicMetadata): boolean {
  if (a.topicId !== b.topicId || a.errorCode !== b.errorCode || a.partitions.length !== b.partitions.length)
    return false;
  return a.partitions.every(
    (one, index) =>
      one.leaderId === b.partitions[index].leaderId && one.leaderEpoch === b.partitions[index].leaderEpoch,
  );
}

type TopicAnswer = MetadataResponse['topics'][number];

function nextTopic(known: TopicMetadata | undefined, answer: TopicAnswer, name: string): TopicMetadata {
  const partitions: PartitionMetadata[] = answer.partitions
    .map((one) => ({
      partition: one.partitionIndex,
      leaderId: one.leaderId,
      leaderEpoch: one.leaderEpoch,
      replicas: one.replicaNodes,
      isr: one.isrNodes,
      errorCode: one.errorCode,
    }))
    .sort((a, b) => a.partition - b.partition);
  const { topicId, isInternal, errorCode } = answer;
  if (known !== undefined && known.topicId === topicId && errorCode === 0) keepNewer(known.partitions, partitions);
  return { name, topicId, isInternal, errorCode, partitions };
}

/** Puts back into `next` what `known` knows better. */
function keepNewer(known: readonly PartitionMetadata[], next: PartitionMetadata[]): void {
  for (const old of known) {
    const fresh = next[old.partition];
    if (fresh === undefined || fresh.leaderEpoch < old.leaderEpoch) next[old.partition] = old;
  }
}
