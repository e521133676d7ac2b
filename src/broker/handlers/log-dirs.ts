/**
 * DescribeLogDirs (35): the data folders, what they have room for, and how large each log in them is, and each copy of one that is on its
 * way. AlterReplicaLogDirs (34): in which folder replicas are to lie. @see KIP-113, KIP-827
 */
import { type Uuid, ZERO_UUID } from '#core';
import {
  type AlterReplicaLogDirsRequest,
  type AlterReplicaLogDirsResponse,
  type DescribeLogDirsRequest,
  type DescribeLogDirsResponse,
  type Draft,
  Errors,
  type KafkaErrorRow,
} from '#protocol';
import { futureFolderName, type LogDirectory, type PartitionLog } from '#storage';
import { CLUSTER_RESOURCE_NAME } from '../authorizer.ts';
import type { BrokerParts } from '../broker-parts.ts';
import type { RequestContext } from '../server/request-context.ts';

type Response = Draft<typeof DescribeLogDirsResponse>;
type Result = NonNullable<Response['results']>[number];
type LogPartition = { partitionIndex: number; partitionSize: number; offsetLag: number; isFutureKey: boolean };

export function alterReplicaLogDirs(
  broker: BrokerParts,
  context: RequestContext,
  { dirs }: AlterReplicaLogDirsRequest,
): Draft<typeof AlterReplicaLogDirsResponse> {
  const isAllowed = context.mayDo('alter', 'cluster', CLUSTER_RESOURCE_NAME);
  // Of a partition that is named twice the last one counts, as with Kafka.
  const wanted = new Map<string, Map<number, string>>();
  for (const { path, topics } of dirs) {
    for (const { name, partitions } of topics) {
      const paths = wanted.get(name) ?? new Map<number, string>();
      for (const partition of partitions) wanted.set(name, paths.set(partition, path));
    }
  }
  const results = Array.from(wanted, ([topicName, paths]) => ({
    topicName,
    partitions: Array.from(paths, ([partitionIndex, path]) => {
      const error = isAllowed ? moveTo(broker, path, topicName, partitionIndex) : Errors.CLUSTER_AUTHORIZATION_FAILED;
      return { partitionIndex, errorCode: error.code };
    }),
  }));
  return { results };
}

function moveTo(broker: BrokerParts, path: string, topicName: string, partition: number): KafkaErrorRow {
  const { directories, metadata, partitions, moves, settings } = broker;
  if (futureFolderName(topicName, partition, ZERO_UUID) === undefined) return Errors.INVALID_TOPIC_EXCEPTION;
  if (!settings.logDirs.paths.includes(path)) return Errors.LOG_DIR_NOT_FOUND;
  const destination = directories.online.find((directory) => directory.path === path);
  if (destination === undefined) return Errors.KAFKA_STORAGE_ERROR;
  if (directories.cordonedIds.includes(destination.directoryId)) return Errors.INVALID_REPLICA_ASSIGNMENT;
  const topic = metadata.image.topics.get(topicName);
  if (topic?.partitions[partition] === undefined) return Errors.UNKNOWN_TOPIC_OR_PARTITION;
  const hosted = partitions.get(topic.topicId, partition);
  if (hosted === undefined || hosted.isOffline) return Errors.KAFKA_STORAGE_ERROR;
  // With a directory away nobody can tell whether it holds another copy.
  if (directories.hasOffline && !directories.isIn(destination, hosted.log)) return Errors.KAFKA_STORAGE_ERROR;
  moves.move(hosted, destination);
  return Errors.NONE;
}

export async function describeLogDirs(
  broker: BrokerParts,
  context: RequestContext,
  { topics }: DescribeLogDirsRequest,
): Promise<Response> {
  if (!context.allows(CLUSTER_RESOURCE_NAME)) {
    return { errorCode: Errors.CLUSTER_AUTHORIZATION_FAILED.code, results: [] };
  }
  const asked = topics === null ? null : new Map(topics.map(({ topic, partitions }) => [topic, new Set(partitions)]));
  const { settings, directories, metadata } = broker;
  const cordonedIds = metadata.image.brokers.get(settings.nodeId)?.cordonedLogDirs ?? [];
  const results = settings.logDirs.paths.map((path): Promise<Result> => {
    const directory = directories.online.find((online) => online.path === path);
    if (directory !== undefined) return describe(broker, directory, asked, cordonedIds);
    return Promise.resolve({ errorCode: Errors.KAFKA_STORAGE_ERROR.code, logDir: path });
  });
  return { results: await Promise.all(results) };
}

async function describe(
  { metadata, directories }: BrokerParts,
  directory: LogDirectory,
  asked: ReadonlyMap<string, ReadonlySet<number>> | null,
  cordonedIds: readonly Uuid[],
): Promise<Result> {
  const byTopic = new Map<string, LogPartition[]>();
  const add = (log: PartitionLog, isFutureKey: boolean): void => {
    const { topic, partition, topicId, sizeInBytes, logEndOffset } = log;
    if (metadata.image.topicById(topicId) === undefined) return;
    if (asked !== null && asked.get(topic)?.has(partition) !== true) return;
    let partitions = byTopic.get(topic);
    if (partitions === undefined) byTopic.set(topic, (partitions = []));
    const source = isFutureKey ? directories.find(topic, partition, topicId) : undefined;
    const offsetLag = Math.max((source?.logEndOffset ?? 0) - logEndOffset, 0);
    partitions.push({ partitionIndex: partition, partitionSize: sizeInBytes, offsetLag, isFutureKey });
  };
  for (const log of directory.logs()) add(log, false);
  for (const log of directory.futures) add(log, true);
  return {
    errorCode: Errors.NONE.code,
    logDir: directory.path,
    topics: [...byTopic].map(([name, partitions]) => ({ name, partitions })),
    ...(await directory.space()),
    isCordoned: cordonedIds.includes(directory.directoryId),
  };
}
