/**
 * Brokers and their log directories: who leads a partition depends on whether the directory of its replica is there.
 *
 *   registers            leads what it led and what it may lead, as far as the directory is online; the rest has no leader
 *   stops                what it led has no leader, and it is fenced: whoever starts on the folder need not wait for it to be missed
 *   directories fail     what it led there has no leader; who was in sync may lead again
 *   a replica is placed  the partition says where; one without a leader gets one again when it may
 *
 * Pure. @see KIP-858
 */
import type { PartitionChangeRecord } from '#protocol';
import type { Decision } from './decision.ts';
import { isOnlineDirectory, MIGRATING_DIRECTORY } from './directory-id.ts';
import type {
  AssignReplicasEvent,
  CordonDirectoriesEvent,
  DirectoriesOfflineEvent,
  RegisterBrokerEvent,
  StopBrokerEvent,
} from './events.ts';
import { features, finalizedLevel } from './features.ts';
import { directoryOf, type MetadataImage, type PartitionImage } from './metadata-image.ts';
import { ELR_VERSION, METADATA_VERSION, type MetadataRecord } from './metadata-record.ts';
import { election, mayBeElected, NO_LEADER, partitionChange } from './partition-change.ts';

/** The metadata.version from which on records name cordoned directories. */
const CORDONED_LEVEL = 30;

export function registerBroker(image: MetadataImage, event: RegisterBrokerEvent): Decision {
  const { brokerId, brokerEpoch, logDirs } = event;
  const records: MetadataRecord[] = [
    { type: 'RegisterBrokerRecord', body: registration(event) },
    {
      type: 'BrokerRegistrationChangeRecord',
      body: { brokerId, brokerEpoch, fenced: -1, inControlledShutdown: 0, logDirs: [], cordonedLogDirs: null },
    },
  ];
  for (const { topicId, partitions } of image.topics.values()) {
    for (const partition of partitions) {
      const isOnline = isOnlineDirectory(directoryOf(partition, brokerId), logDirs);
      if (!isOnline && partition.leader === brokerId)
        records.push(partitionChange(topicId, partition, resignation(image, partition, brokerId)));
      if (isOnline && (partition.leader === brokerId || mayBeElected(partition, brokerId)))
        records.push(partitionChange(topicId, partition, election(partition, brokerId)));
    }
  }
  return { records, body: { brokerEpoch } };
}

/** Apache Kafka's controlled shutdown of a broker that nobody can follow. */
export function stopBroker(image: MetadataImage, { brokerId }: StopBrokerEvent): Decision {
  const broker = image.brokers.get(brokerId);
  if (broker === undefined) return { records: [], body: null };
  const change = { brokerId, brokerEpoch: broker.brokerEpoch, logDirs: [], cordonedLogDirs: null };
  const records: MetadataRecord[] = [
    { type: 'BrokerRegistrationChangeRecord', body: { ...change, fenced: 0, inControlledShutdown: 1 } },
  ];
  for (const { topicId, partitions } of image.topics.values()) {
    for (const partition of partitions) {
      if (partition.leader === brokerId)
        records.push(partitionChange(topicId, partition, resignation(image, partition, brokerId)));
    }
  }
  records.push({ type: 'BrokerRegistrationChangeRecord', body: { ...change, fenced: 1, inControlledShutdown: 0 } });
  return { records, body: null };
}

export function directoriesOffline(image: MetadataImage, event: DirectoriesOfflineEvent): Decision {
  const { brokerId, directoryIds } = event;
  const broker = image.brokers.get(brokerId);
  const onlineIds = broker?.logDirs.filter((id) => !directoryIds.includes(id)) ?? [];
  // A record cannot name no directory: the list is then taken for unchanged. Such a broker serves nothing anyway.
  if (broker === undefined || onlineIds.length === 0 || onlineIds.length === broker.logDirs.length)
    return { records: [], body: null };
  const records: MetadataRecord[] = [];
  for (const { topicId, partitions } of image.topics.values()) {
    for (const partition of partitions) {
      const isHit = partition.leader === brokerId && !isOnlineDirectory(directoryOf(partition, brokerId), onlineIds);
      if (isHit) records.push(partitionChange(topicId, partition, resignation(image, partition, brokerId)));
    }
  }
  const { brokerEpoch } = broker;
  records.push({
    type: 'BrokerRegistrationChangeRecord',
    body: { brokerId, brokerEpoch, fenced: 0, inControlledShutdown: 0, logDirs: onlineIds, cordonedLogDirs: null },
  });
  return { records, body: null };
}

/** A cluster of an older metadata.version has no word for it: there the broker keeps to it alone. @see KIP-1066 */
export function cordonDirectories(image: MetadataImage, { brokerId, directoryIds }: CordonDirectoriesEvent): Decision {
  const broker = image.brokers.get(brokerId);
  const before = broker?.cordonedLogDirs ?? [];
  const isSame = before.length === directoryIds.length && before.every((id) => directoryIds.includes(id));
  const isKnown = finalizedLevel(image, METADATA_VERSION) >= CORDONED_LEVEL;
  if (broker === undefined || isSame || !isKnown) return { records: [], body: null };
  const { brokerEpoch } = broker;
  const body = {
    brokerId,
    brokerEpoch,
    fenced: 0,
    inControlledShutdown: 0,
    logDirs: [],
    cordonedLogDirs: [...directoryIds],
  };
  return { records: [{ type: 'BrokerRegistrationChangeRecord', body }], body: null };
}

/** Replicas of partitions that are gone are passed over. */
export function assignReplicas(image: MetadataImage, { brokerId, replicas }: AssignReplicasEvent): Decision {
  const onlineIds = image.brokers.get(brokerId)?.logDirs ?? [];
  const records: MetadataRecord[] = [];
  for (const { topicId, partition: index, directoryId } of replicas) {
    const partition = image.topicById(topicId)?.partitions[index];
    if (partition === undefined || !partition.replicas.includes(brokerId)) continue;
    const directories = partition.replicas.map((id, at) =>
      id === brokerId ? directoryId : (partition.directories[at] ?? MIGRATING_DIRECTORY),
    );
    const isOnline = isOnlineDirectory(directoryId, onlineIds);
    const leadership =
      isOnline && mayBeElected(partition, brokerId)
        ? election(partition, brokerId)
        : !isOnline && partition.leader === brokerId
          ? resignation(image, partition, brokerId)
          : {};
    if (directoryOf(partition, brokerId) === directoryId && Object.keys(leadership).length === 0) continue;
    records.push(partitionChange(topicId, partition, { ...leadership, directories }));
  }
  return { records, body: null };
}

function registration(event: RegisterBrokerEvent) {
  return {
    brokerId: event.brokerId,
    isMigratingZkBroker: false,
    incarnationId: event.incarnationId,
    brokerEpoch: event.brokerEpoch,
    endPoints: [...event.endPoints],
    features: features.map(({ name, minLevel, maxLevel }) => ({
      name,
      minSupportedVersion: minLevel,
      maxSupportedVersion: maxLevel,
    })),
    rack: event.rack,
    fenced: true,
    inControlledShutdown: false,
    logDirs: [...event.logDirs],
    cordonedLogDirs: null,
  };
}

/**
 * Nobody leads any more. The in-sync set stays, but in a folder of a Kafka with KIP-966: there it empties, and who was in it is named
 * beside, since that Kafka would not elect anybody otherwise.
 */
function resignation(
  image: MetadataImage,
  partition: PartitionImage,
  brokerId: number,
): Partial<PartitionChangeRecord> {
  if ((image.features.get(ELR_VERSION) ?? 0) === 0) return { leader: NO_LEADER };
  return {
    leader: NO_LEADER,
    isr: partition.isr.filter((id) => id !== brokerId),
    eligibleLeaderReplicas: [...new Set([...partition.eligibleLeaderReplicas, brokerId])],
    lastKnownElr: [brokerId],
  };
}
