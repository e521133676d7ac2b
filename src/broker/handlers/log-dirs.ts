/** DescribeLogDirs (35): the data folders, what they have room for, and how large each log in them is. @see KIP-113, KIP-827 */
import type { Uuid } from '#core';
import { type DescribeLogDirsRequest, type DescribeLogDirsResponse, type Draft, Errors } from '#protocol';
import type { LogDirectory } from '#storage';
import { CLUSTER_RESOURCE_NAME } from '../authorizer.ts';
import type { BrokerParts } from '../broker-parts.ts';
import type { RequestContext } from '../server/request-context.ts';

type Response = Draft<typeof DescribeLogDirsResponse>;
type Result = NonNullable<Response['results']>[number];
type LogPartition = { partitionIndex: number; partitionSize: number; offsetLag: number; isFutureKey: boolean };

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
  { metadata }: BrokerParts,
  directory: LogDirectory,
  asked: ReadonlyMap<string, ReadonlySet<number>> | null,
  cordonedIds: readonly Uuid[],
): Promise<Result> {
  const byTopic = new Map<string, LogPartition[]>();
  for (const { topic, partition, topicId, sizeInBytes } of directory.logs()) {
    if (metadata.image.topicById(topicId) === undefined) continue;
    if (asked !== null && asked.get(topic)?.has(partition) !== true) continue;
    let partitions = byTopic.get(topic);
    if (partitions === undefined) byTopic.set(topic, (partitions = []));
    partitions.push({ partitionIndex: partition, partitionSize: sizeInBytes, offsetLag: 0, isFutureKey: false });
  }
  return {
    errorCode: Errors.NONE.code,
    logDir: directory.path,
    topics: [...byTopic].map(([name, partitions]) => ({ name, partitions })),
    ...(await directory.space()),
    isCordoned: cordonedIds.includes(directory.directoryId),
  };
}
