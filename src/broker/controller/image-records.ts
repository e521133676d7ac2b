/**
 * The records that make an image anew: what a snapshot consists of. Features come first, since they say how the others are to be read, and a
 * topic comes before its partitions; applying all of them gives the same image, but for what was deleted. Pure. @see KIP-630
 */
import type { RegisterBrokerRecord } from '#protocol';
import { featureRecord } from './features.ts';
import type { BrokerImage, MetadataImage, PartitionImage, TopicImage } from './metadata-image.ts';
import { METADATA_VERSION, type MetadataRecord } from './metadata-record.ts';

export function* recordsOf(image: MetadataImage): Generator<MetadataRecord> {
  const level = image.features.get(METADATA_VERSION);
  if (level !== undefined) yield featureRecord(METADATA_VERSION, level);
  for (const [name, other] of image.features) if (name !== METADATA_VERSION) yield featureRecord(name, other);
  for (const broker of image.brokers.values()) yield { type: 'RegisterBrokerRecord', body: registrationOf(broker) };
  for (const topic of image.topics.values()) yield* topicRecords(topic);
  yield* configRecords(image);
  for (const body of image.clientQuotas.records()) yield { type: 'ClientQuotaRecord', body };
  if (image.nextProducerId > 0) yield producerIds(image);
  yield* image.kept;
}

function registrationOf(broker: BrokerImage): RegisterBrokerRecord {
  const { brokerId, incarnationId, brokerEpoch, endPoints, features, rack, isFenced, inControlledShutdown } = broker;
  return {
    brokerId,
    isMigratingZkBroker: false,
    incarnationId,
    brokerEpoch,
    endPoints: [...endPoints],
    features: [...features],
    rack,
    fenced: isFenced,
    inControlledShutdown,
    logDirs: [...broker.logDirs],
    cordonedLogDirs: broker.cordonedLogDirs === null ? null : [...broker.cordonedLogDirs],
  };
}

function* topicRecords({ name, topicId, partitions }: TopicImage): Generator<MetadataRecord> {
  yield { type: 'TopicRecord', body: { name, topicId } };
  for (const partition of partitions) yield partitionRecord(topicId, partition);
}

function partitionRecord(topicId: string, image: PartitionImage): MetadataRecord {
  const { eligibleLeaderReplicas, lastKnownElr } = image;
  return {
    type: 'PartitionRecord',
    body: {
      partitionId: image.partition,
      topicId,
      replicas: image.replicas as number[],
      isr: image.isr as number[],
      removingReplicas: image.removingReplicas as number[],
      addingReplicas: image.addingReplicas as number[],
      leader: image.leader,
      leaderRecoveryState: image.leaderRecoveryState,
      leaderEpoch: image.leaderEpoch,
      partitionEpoch: image.partitionEpoch,
      directories: image.directories as string[],
      eligibleLeaderReplicas: eligibleLeaderReplicas.length === 0 ? null : (eligibleLeaderReplicas as number[]),
      lastKnownElr: lastKnownElr.length === 0 ? null : (lastKnownElr as number[]),
    },
  };
}

function* configRecords({ configs }: MetadataImage): Generator<MetadataRecord> {
  for (const [resourceType, resources] of configs) {
    for (const [resourceName, values] of resources) {
      for (const [name, value] of values) {
        yield { type: 'ConfigRecord', body: { resourceType, resourceName, name, value } };
      }
    }
  }
}

function producerIds({ nextProducerId }: MetadataImage): MetadataRecord {
  return { type: 'ProducerIdsRecord', body: { brokerId: -1, brokerEpoch: -1, nextProducerId } };
}
