/**
 * The controller: decides on topics, partitions, configs, broker registration and producer-id blocks, as records of the metadata log.
 *
 *     event                  records (metadata.version 33)
 *     bootstrap              FeatureLevel, at the first start of a cluster
 *     register-broker        RegisterBroker, BrokerRegistrationChange (unfenced), and for every partition that this broker may lead
 *                            PartitionChange naming its leader: the leader epoch rises at every start
 *     create-topics          per topic: Topic, Config*, Partition*
 *     delete-topics          per topic: RemoveTopic
 *     create-partitions      Partition*
 *     alter-configs          Config*
 *     allocate-producer-ids  ProducerIds
 *
 * `handle` only reads the image, `replay` only applies to it. Pure.
 */
import type { Instant } from '#core';
import { Errors } from '#protocol';
import type { Machine, MachineOutput, TimerEvent } from '../machine.ts';
import { alterConfigs } from './config-change.ts';
import type {
  AllocateProducerIdsEvent,
  ControllerEvent,
  DeleteTopicsEvent,
  ItemResult,
  ProducerIdBlock,
  RegisterBrokerEvent,
} from './events.ts';
import { MetadataImage, type PartitionImage, type TopicImage } from './metadata-image.ts';
import { METADATA_VERSION, METADATA_VERSION_LEVEL, type MetadataRecord } from './metadata-record.ts';
import { createPartitions } from './partition-growth.ts';
import { refuse } from './refusal.ts';
import { createTopics } from './topic-creation.ts';

/** How many producer ids a broker gets at once; Kafka's ProducerIdsBlock. */
const PRODUCER_ID_BLOCK_COUNT = 1000;

/** What the machine must know about configuration. All of it is constant while the machine lives. */
export interface ControllerRules {
  readonly numPartitions: number;
  readonly replicationFactor: number;
  /** A topic config in the form in which it is stored, or why it is refused (unknown name included). */
  checkTopicConfig(name: string, value: string): { readonly value: string } | { readonly problem: string };
  /** The value a list config has without an override; undefined when `name` is not a list. */
  listConfigDefault(name: string): string | undefined;
  /** Directory id that a broker's replicas are placed in. */
  directoryOf(brokerId: number): string;
}

/** Records and the answer of one event. */
export interface Decision {
  readonly records: readonly MetadataRecord[];
  readonly body: unknown;
}

export class ControllerMachine implements Machine<ControllerEvent, MetadataRecord> {
  /** Everything written so far, committed or not. */
  readonly image = new MetadataImage();
  readonly #rules: ControllerRules;

  constructor(rules: ControllerRules) {
    this.#rules = rules;
  }

  handle(event: ControllerEvent | TimerEvent, _now: Instant): MachineOutput<MetadataRecord> {
    if (event.type === 'timer') return { records: [], replies: [], timers: [] };
    const { records, body } = this.#decide(event);
    return { records, replies: [{ token: event.token, body }], timers: [] };
  }

  replay(record: MetadataRecord, offset: number): void {
    this.image.apply(record, offset);
  }

  #decide(event: ControllerEvent): Decision {
    switch (event.type) {
      case 'bootstrap':
        return bootstrap(this.image);
      case 'register-broker':
        return registerBroker(this.image, event);
      case 'create-topics':
        return createTopics(this.image, this.#rules, event);
      case 'delete-topics':
        return deleteTopics(this.image, event);
      case 'create-partitions':
        return createPartitions(this.image, this.#rules, event);
      case 'alter-configs':
        return alterConfigs(this.image, this.#rules, event);
      case 'allocate-producer-ids':
        return allocateProducerIds(this.image, event);
    }
  }
}

function bootstrap(image: MetadataImage): Decision {
  if (image.features.has(METADATA_VERSION)) return { records: [], body: null };
  const body = { name: METADATA_VERSION, featureLevel: METADATA_VERSION_LEVEL };
  return { records: [{ type: 'FeatureLevelRecord', body }], body: null };
}

function registerBroker(image: MetadataImage, event: RegisterBrokerEvent): Decision {
  const records: MetadataRecord[] = [{ type: 'RegisterBrokerRecord', body: registration(event) }];
  const { brokerId, brokerEpoch } = event;
  records.push({
    type: 'BrokerRegistrationChangeRecord',
    body: { brokerId, brokerEpoch, fenced: -1, inControlledShutdown: 0, logDirs: [], cordonedLogDirs: null },
  });
  for (const topic of image.topics.values()) pushElections(records, topic, brokerId);
  return { records, body: { brokerEpoch } };
}

function registration(event: RegisterBrokerEvent) {
  return {
    brokerId: event.brokerId,
    isMigratingZkBroker: false,
    incarnationId: event.incarnationId,
    brokerEpoch: event.brokerEpoch,
    endPoints: event.endPoints.map((endpoint) => ({ ...endpoint, securityProtocol: 0 })),
    features: [
      {
        name: METADATA_VERSION,
        minSupportedVersion: METADATA_VERSION_LEVEL,
        maxSupportedVersion: METADATA_VERSION_LEVEL,
      },
    ],
    rack: event.rack,
    fenced: true,
    inControlledShutdown: false,
    logDirs: [...event.logDirs],
    cordonedLogDirs: null,
  };
}

/** The broker leads what it led, and of what has no leader that which it may lead. */
function pushElections(records: MetadataRecord[], topic: TopicImage, brokerId: number): void {
  for (const partition of topic.partitions) {
    if (partition.leader !== brokerId && !(partition.leader === -1 && mayLead(partition, brokerId))) continue;
    const { isr, eligibleLeaderReplicas, lastKnownElr } = partition;
    records.push({
      type: 'PartitionChangeRecord',
      body: {
        partitionId: partition.partition,
        topicId: topic.topicId,
        isr: isr.includes(brokerId) ? null : [brokerId],
        leader: brokerId,
        replicas: null,
        removingReplicas: null,
        addingReplicas: null,
        leaderRecoveryState: -1,
        directories: null,
        eligibleLeaderReplicas: eligibleLeaderReplicas.length === 0 ? null : [],
        lastKnownElr: lastKnownElr.length === 0 ? null : [],
      },
    });
  }
}

/** Who is in sync; where nobody is any more, whoever left it cleanly; else whoever led last, alone. @see KIP-966 */
function mayLead({ isr, eligibleLeaderReplicas, lastKnownElr }: PartitionImage, brokerId: number): boolean {
  if (isr.length > 0) return isr.includes(brokerId);
  if (eligibleLeaderReplicas.length > 0) return eligibleLeaderReplicas.includes(brokerId);
  return lastKnownElr.length === 1 && lastKnownElr[0] === brokerId;
}

function deleteTopics(image: MetadataImage, event: DeleteTopicsEvent): Decision {
  const records: MetadataRecord[] = [];
  const seen = new Set<string>();
  const body: ItemResult[] = event.topicIds.map((topicId) => {
    const topic = image.topicById(topicId);
    if (topic === undefined || seen.has(topicId)) {
      return { name: topicId, ...refuse(Errors.UNKNOWN_TOPIC_ID, `No topic has the id ${topicId}.`) };
    }
    seen.add(topicId);
    records.push({ type: 'RemoveTopicRecord', body: { topicId } });
    return { name: topic.name, error: Errors.NONE, errorMessage: null };
  });
  return { records, body };
}

function allocateProducerIds(image: MetadataImage, event: AllocateProducerIdsEvent): Decision {
  const firstProducerId = image.nextProducerId;
  const { brokerId, brokerEpoch } = event;
  const nextProducerId = firstProducerId + PRODUCER_ID_BLOCK_COUNT;
  const block: ProducerIdBlock = { firstProducerId, count: PRODUCER_ID_BLOCK_COUNT };
  return { records: [{ type: 'ProducerIdsRecord', body: { brokerId, brokerEpoch, nextProducerId } }], body: block };
}
