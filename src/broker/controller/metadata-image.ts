/**
 * The cluster as its metadata log tells it: topics, partitions, configs, brokers, features, client quotas, the next producer id. One class on both
 * sides of the log: the controller machine keeps one with everything written (to decide on), the broker keeps one with everything
 * committed (to answer from). `apply` is the only way in. Pure.
 */
import { assert, type Uuid } from '#core';
import type {
  BrokerRegistrationChangeRecord,
  PartitionChangeRecord,
  PartitionRecord,
  RegisterBrokerRecord,
} from '#protocol';
import { ClientQuotasImage } from './client-quotas-image.ts';
import { isOnlineDirectory, MIGRATING_DIRECTORY } from './directory-id.ts';
import { BROKER_RESOURCE, type MetadataRecord, TOPIC_RESOURCE } from './metadata-record.ts';

export interface PartitionImage {
  readonly partition: number;
  readonly replicas: readonly number[];
  /** Log directories of the replicas, in their order; empty in records before Kafka 3.7. */
  readonly directories: readonly Uuid[];
  readonly isr: readonly number[];
  /** Left the in-sync set by a clean shutdown and may lead. @see KIP-966 */
  readonly eligibleLeaderReplicas: readonly number[];
  /** Who led when the in-sync set emptied. */
  readonly lastKnownElr: readonly number[];
  /** Node id, -1 without a leader. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
}

export interface TopicImage {
  readonly name: string;
  readonly topicId: Uuid;
  /** By partition number, without gaps. */
  readonly partitions: PartitionImage[];
}

export interface EndpointImage {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

export interface BrokerImage {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly incarnationId: Uuid;
  readonly endPoints: readonly EndpointImage[];
  readonly rack: string | null;
  readonly isFenced: boolean;
  /** Ids of the log directories that are online. */
  readonly logDirs: readonly Uuid[];
}

const NO_CONFIGS: ReadonlyMap<string, string> = new Map();
const LEADER_UNCHANGED = -2;

export class MetadataImage {
  readonly topics = new Map<string, TopicImage>();
  readonly brokers = new Map<number, BrokerImage>();
  /** Finalized levels of those that are on. */
  readonly features = new Map<string, number>();
  readonly clientQuotas = new ClientQuotasImage();
  nextProducerId = 0;
  /** Offset of the last record applied, -1 before the first. */
  offset = -1;
  readonly #topicsById = new Map<Uuid, TopicImage>();
  readonly #removedTopicIds = new Set<Uuid>();
  readonly #configs = new Map<string, Map<string, string>>();

  topicById(topicId: Uuid): TopicImage | undefined {
    return this.#topicsById.get(topicId);
  }

  /** Was there a topic of this id that was deleted? */
  hasRemoved(topicId: Uuid): boolean {
    return this.#removedTopicIds.has(topicId);
  }

  topicConfigs(name: string): ReadonlyMap<string, string> {
    return this.#configs.get(configsKey(TOPIC_RESOURCE, name)) ?? NO_CONFIGS;
  }

  /** Dynamic configs of one broker, or with '' of all of them. */
  brokerConfigs(name: string): ReadonlyMap<string, string> {
    return this.#configs.get(configsKey(BROKER_RESOURCE, name)) ?? NO_CONFIGS;
  }

  /** Replicas that nobody can read now: the broker is away, or the log directory. */
  offlineReplicas({ replicas, directories }: PartitionImage): number[] {
    return replicas.filter((id, index) => {
      const broker = this.brokers.get(id);
      if (broker === undefined || broker.isFenced) return true;
      return !isOnlineDirectory(directories[index] ?? MIGRATING_DIRECTORY, broker.logDirs);
    });
  }

  apply(record: MetadataRecord, offset: number): void {
    assert(offset > this.offset, `metadata record ${offset} is applied after ${this.offset}`);
    this.offset = offset;
    switch (record.type) {
      case 'TopicRecord':
        this.#addTopic(record.body.name, record.body.topicId);
        return;
      case 'PartitionRecord':
        this.#addPartition(record.body);
        return;
      case 'PartitionChangeRecord':
        this.#changePartition(record.body);
        return;
      case 'RemoveTopicRecord':
        this.#removeTopic(record.body.topicId);
        return;
      case 'ConfigRecord':
        this.#setConfig(record.body.resourceType, record.body.resourceName, record.body.name, record.body.value);
        return;
      case 'RegisterBrokerRecord':
        this.#registerBroker(record.body);
        return;
      case 'BrokerRegistrationChangeRecord':
        this.#changeRegistration(record.body);
        return;
      case 'FeatureLevelRecord':
        this.#setFeature(record.body.name, record.body.featureLevel);
        return;
      case 'ClientQuotaRecord':
        this.clientQuotas.apply(record.body);
        return;
      case 'ProducerIdsRecord':
        this.nextProducerId = record.body.nextProducerId;
        return;
      case 'other':
        return;
    }
  }

  #addTopic(name: string, topicId: Uuid): void {
    assert(!this.topics.has(name), `topic ${name} is created twice`);
    const topic = { name, topicId, partitions: [] };
    this.topics.set(name, topic);
    this.#topicsById.set(topicId, topic);
  }

  #addPartition(body: PartitionRecord): void {
    const { partitions } = this.#topic(body.topicId);
    partitions[body.partitionId] = {
      partition: body.partitionId,
      replicas: body.replicas,
      directories: body.directories,
      isr: body.isr,
      eligibleLeaderReplicas: body.eligibleLeaderReplicas ?? [],
      lastKnownElr: body.lastKnownElr ?? [],
      leader: body.leader,
      leaderEpoch: body.leaderEpoch,
      partitionEpoch: body.partitionEpoch,
    };
  }

  /** Naming a leader, be it the same one, starts a new leader epoch (Kafka's PartitionRegistration.merge). */
  #changePartition(body: PartitionChangeRecord): void {
    const { partitions } = this.#topic(body.topicId);
    const old = partitions[body.partitionId];
    assert(old !== undefined, `partition ${body.partitionId} of ${body.topicId} changes before it exists`);
    const isLeaderNamed = body.leader !== LEADER_UNCHANGED;
    partitions[body.partitionId] = {
      partition: old.partition,
      replicas: body.replicas ?? old.replicas,
      directories: body.directories ?? old.directories,
      isr: body.isr ?? old.isr,
      eligibleLeaderReplicas: body.eligibleLeaderReplicas ?? old.eligibleLeaderReplicas,
      lastKnownElr: body.lastKnownElr ?? old.lastKnownElr,
      leader: isLeaderNamed ? body.leader : old.leader,
      leaderEpoch: isLeaderNamed ? old.leaderEpoch + 1 : old.leaderEpoch,
      partitionEpoch: old.partitionEpoch + 1,
    };
  }

  #removeTopic(topicId: Uuid): void {
    const topic = this.#topic(topicId);
    this.topics.delete(topic.name);
    this.#topicsById.delete(topicId);
    this.#removedTopicIds.add(topicId);
    this.#configs.delete(configsKey(TOPIC_RESOURCE, topic.name));
  }

  #setConfig(resourceType: number, resourceName: string, name: string, value: string | null): void {
    const key = configsKey(resourceType, resourceName);
    let configs = this.#configs.get(key);
    if (configs === undefined) this.#configs.set(key, (configs = new Map()));
    if (value === null) configs.delete(name);
    else configs.set(name, value);
  }

  #setFeature(name: string, level: number): void {
    if (level === 0) this.features.delete(name);
    else this.features.set(name, level);
  }

  #registerBroker(body: RegisterBrokerRecord): void {
    this.brokers.set(body.brokerId, {
      brokerId: body.brokerId,
      brokerEpoch: body.brokerEpoch,
      incarnationId: body.incarnationId,
      endPoints: body.endPoints,
      rack: body.rack,
      isFenced: body.fenced,
      logDirs: body.logDirs,
    });
  }

  /** `fenced` is 1 to fence, -1 to unfence, 0 to leave it as it is; no directories stand for those that are there. */
  #changeRegistration({ brokerId, fenced, logDirs }: BrokerRegistrationChangeRecord): void {
    const broker = this.brokers.get(brokerId);
    assert(broker !== undefined, `broker ${brokerId} changes before it registered`);
    this.brokers.set(brokerId, {
      ...broker,
      isFenced: fenced === 0 ? broker.isFenced : fenced > 0,
      logDirs: logDirs.length === 0 ? broker.logDirs : logDirs,
    });
  }

  #topic(topicId: Uuid): TopicImage {
    const topic = this.#topicsById.get(topicId);
    assert(topic !== undefined, `no topic has the id ${topicId}`);
    return topic;
  }
}

/** The log directory of a broker's replica. */
export function directoryOf({ replicas, directories }: PartitionImage, brokerId: number): Uuid {
  return directories[replicas.indexOf(brokerId)] ?? MIGRATING_DIRECTORY;
}

function configsKey(resourceType: number, resourceName: string): string {
  return `${resourceType}:${resourceName}`;
}
