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
import { KeptRecords } from './kept-records.ts';
import { BROKER_RESOURCE, type MetadataRecord, TOPIC_RESOURCE } from './metadata-record.ts';
import { MetadataTransaction } from './metadata-transaction.ts';
import { SharedLists } from './shared-lists.ts';

export interface PartitionImage {
  readonly partition: number;
  readonly replicas: readonly number[];
  /** Log directories of the replicas, in their order; empty in records before Kafka 3.7. */
  readonly directories: readonly Uuid[];
  readonly isr: readonly number[];
  /** Replicas on their way out and in, while an Apache Kafka moves the partition. */
  readonly removingReplicas: readonly number[];
  readonly addingReplicas: readonly number[];
  /** Left the in-sync set by a clean shutdown and may lead. @see KIP-966 */
  readonly eligibleLeaderReplicas: readonly number[];
  /** Who led when the in-sync set emptied. */
  readonly lastKnownElr: readonly number[];
  /** Node id, -1 without a leader. */
  readonly leader: number;
  /** 1 after an unclean election, until the leader has told how far it recovered. @see KIP-704 */
  readonly leaderRecoveryState: number;
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
  /** 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL. */
  readonly securityProtocol: number;
}

export interface BrokerImage {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly incarnationId: Uuid;
  readonly endPoints: readonly EndpointImage[];
  readonly rack: string | null;
  readonly features: RegisterBrokerRecord['features'];
  readonly isFenced: boolean;
  /** It is stopping, and leads nothing any more. */
  readonly inControlledShutdown: boolean;
  /** Ids of the log directories that are online. */
  readonly logDirs: readonly Uuid[];
  /** Those that take no new replicas; null before Kafka 4.3. @see KIP-1066 */
  readonly cordonedLogDirs: readonly Uuid[] | null;
}

const NO_CONFIGS: ReadonlyMap<string, string> = new Map();
const LEADER_UNCHANGED = -2;
const RECOVERY_UNCHANGED = -1;

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
  /** By type and name of the resource. */
  readonly configs = new Map<number, Map<string, Map<string, string>>>();
  readonly kept = new KeptRecords();
  readonly #transaction = new MetadataTransaction();
  readonly #nodes = new SharedLists<number>();
  readonly #directories = new SharedLists<Uuid>();

  topicById(topicId: Uuid): TopicImage | undefined {
    return this.#topicsById.get(topicId);
  }

  /** Was there a topic of this id that was deleted? */
  hasRemoved(topicId: Uuid): boolean {
    return this.#removedTopicIds.has(topicId);
  }

  /** A metadata transaction has begun and not ended. */
  get hasOpenTransaction(): boolean {
    return this.#transaction.isOpen;
  }

  /** What is set for a resource, and for it alone. */
  configsOf(resourceType: number, resourceName: string): ReadonlyMap<string, string> {
    return this.configs.get(resourceType)?.get(resourceName) ?? NO_CONFIGS;
  }

  topicConfigs(name: string): ReadonlyMap<string, string> {
    return this.configsOf(TOPIC_RESOURCE, name);
  }

  /** Dynamic configs of one broker, or with '' of all of them. */
  brokerConfigs(name: string): ReadonlyMap<string, string> {
    return this.configsOf(BROKER_RESOURCE, name);
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
    for (const counted of this.#transaction.take(record)) this.#apply(counted);
  }

  #apply(record: MetadataRecord): void {
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
      case 'ClearElrRecord':
        this.#clearElr(record.body.topicName);
        return;
      case 'ConfigRecord':
        this.#setConfig(record.body.resourceType, record.body.resourceName, record.body.name, record.body.value);
        return;
      case 'RegisterBrokerRecord':
        this.#registerBroker(record.body);
        return;
      case 'UnregisterBrokerRecord':
        this.brokers.delete(record.body.brokerId);
        return;
      case 'BrokerRegistrationChangeRecord':
        this.#changeRegistration(record.body);
        return;
      case 'FenceBrokerRecord':
        this.#changeBroker(record.body.id, { isFenced: true });
        return;
      case 'UnfenceBrokerRecord':
        this.#changeBroker(record.body.id, { isFenced: false });
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
      default:
        this.kept.apply(record);
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
      replicas: this.#nodes.of(body.replicas),
      directories: this.#directories.of(body.directories),
      isr: this.#nodes.of(body.isr),
      removingReplicas: this.#nodes.of(body.removingReplicas),
      addingReplicas: this.#nodes.of(body.addingReplicas),
      eligibleLeaderReplicas: this.#nodes.of(body.eligibleLeaderReplicas ?? []),
      lastKnownElr: this.#nodes.of(body.lastKnownElr ?? []),
      leader: body.leader,
      leaderRecoveryState: body.leaderRecoveryState,
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
      replicas: body.replicas === null ? old.replicas : this.#nodes.of(body.replicas),
      directories: body.directories === null ? old.directories : this.#directories.of(body.directories),
      isr: body.isr === null ? old.isr : this.#nodes.of(body.isr),
      removingReplicas: body.removingReplicas === null ? old.removingReplicas : this.#nodes.of(body.removingReplicas),
      addingReplicas: body.addingReplicas === null ? old.addingReplicas : this.#nodes.of(body.addingReplicas),
      eligibleLeaderReplicas:
        body.eligibleLeaderReplicas === null ? old.eligibleLeaderReplicas : this.#nodes.of(body.eligibleLeaderReplicas),
      lastKnownElr: body.lastKnownElr === null ? old.lastKnownElr : this.#nodes.of(body.lastKnownElr),
      leader: isLeaderNamed ? body.leader : old.leader,
      leaderRecoveryState:
        body.leaderRecoveryState === RECOVERY_UNCHANGED ? old.leaderRecoveryState : body.leaderRecoveryState,
      leaderEpoch: isLeaderNamed ? old.leaderEpoch + 1 : old.leaderEpoch,
      partitionEpoch: old.partitionEpoch + 1,
    };
  }

  #removeTopic(topicId: Uuid): void {
    const topic = this.#topic(topicId);
    this.topics.delete(topic.name);
    this.#topicsById.delete(topicId);
    this.#removedTopicIds.add(topicId);
    this.configs.get(TOPIC_RESOURCE)?.delete(topic.name);
  }

  #setConfig(resourceType: number, resourceName: string, name: string, value: string | null): void {
    let resources = this.configs.get(resourceType);
    if (resources === undefined) this.configs.set(resourceType, (resources = new Map()));
    let configs = resources.get(resourceName);
    if (configs === undefined) resources.set(resourceName, (configs = new Map()));
    if (value === null) configs.delete(name);
    else configs.set(name, value);
    if (configs.size === 0) resources.delete(resourceName);
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
      features: body.features,
      isFenced: body.fenced,
      inControlledShutdown: body.inControlledShutdown,
      logDirs: body.logDirs,
      cordonedLogDirs: body.cordonedLogDirs,
    });
  }

  /** `fenced` is 1 to fence, -1 to unfence, 0 to leave it as it is; no directories stand for those that are there. */
  #changeRegistration(body: BrokerRegistrationChangeRecord): void {
    const { brokerId, fenced, inControlledShutdown, logDirs, cordonedLogDirs } = body;
    this.#changeBroker(brokerId, {
      ...(fenced === 0 ? {} : { isFenced: fenced > 0 }),
      ...(inControlledShutdown === 0 ? {} : { inControlledShutdown: true }),
      ...(logDirs.length === 0 ? {} : { logDirs }),
      ...(cordonedLogDirs === null ? {} : { cordonedLogDirs }),
    });
  }

  #changeBroker(brokerId: number, changes: Partial<BrokerImage>): void {
    const broker = this.brokers.get(brokerId);
    assert(broker !== undefined, `broker ${brokerId} changes before it registered`);
    this.brokers.set(brokerId, { ...broker, ...changes });
  }

  /** No name stands for all topics. */
  #clearElr(topicName: string): void {
    const topics = topicName === '' ? this.topics.values() : [this.topics.get(topicName)];
    for (const topic of topics) {
      for (const [index, partition] of topic?.partitions.entries() ?? []) {
        topic!.partitions[index] = { ...partition, eligibleLeaderReplicas: [], lastKnownElr: [] };
      }
    }
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
