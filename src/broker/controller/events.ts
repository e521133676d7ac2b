/**
 * What the controller machine can be asked, and what it answers. Everything that is chance or configuration comes in with the event
 * (topic ids, defaults, the check of a config value), so that the machine stays pure. Refusals are rows of Kafka's error table.
 */
import type { Uuid } from '#core';
import type { KafkaErrorRow } from '#protocol';
import type { QuotaEntityPart } from './client-quotas-image.ts';
import type { EndpointImage } from './metadata-image.ts';

/** The cluster starts, perhaps for the first time. */
export interface BootstrapEvent {
  readonly type: 'bootstrap';
  readonly token: number;
}

/** This broker starts: it registers, and takes over its partitions in a new leader epoch. */
export interface RegisterBrokerEvent {
  readonly type: 'register-broker';
  readonly token: number;
  readonly brokerId: number;
  readonly incarnationId: Uuid;
  /** Kafka's broker epoch is the offset of its registration, the first record of this event; the shell knows where that will be. */
  readonly brokerEpoch: number;
  readonly endPoints: readonly EndpointImage[];
  readonly rack: string | null;
  /** Ids of those that are online. */
  readonly logDirs: readonly Uuid[];
}

/** This broker is about to stop, with nothing left to be done for clients. */
export interface StopBrokerEvent {
  readonly type: 'stop-broker';
  readonly token: number;
  readonly brokerId: number;
}

/** Log directories of a broker have failed; they stay so until it registers again. */
export interface DirectoriesOfflineEvent {
  readonly type: 'directories-offline';
  readonly token: number;
  readonly brokerId: number;
  readonly directoryIds: readonly Uuid[];
}

/** Log directories of a broker that get no new replicas: these, and no others. */
export interface CordonDirectoriesEvent {
  readonly type: 'cordon-directories';
  readonly token: number;
  readonly brokerId: number;
  readonly directoryIds: readonly Uuid[];
}

/** A broker tells in which of its log directories replicas lie. */
export interface AssignReplicasEvent {
  readonly type: 'assign-replicas';
  readonly token: number;
  readonly brokerId: number;
  readonly replicas: readonly ReplicaPlace[];
}

export interface ReplicaPlace {
  readonly topicId: Uuid;
  readonly partition: number;
  readonly directoryId: Uuid;
}

export interface ConfigEntry {
  readonly name: string;
  readonly value: string | null;
}

export interface NewTopic {
  readonly name: string;
  /** Chosen by the shell; must be new. */
  readonly topicId: Uuid;
  /** -1 = the default. */
  readonly numPartitions: number;
  /** -1 = the default. */
  readonly replicationFactor: number;
  /** By hand: partition → node ids. Excludes the two numbers above. */
  readonly assignments: readonly { readonly partitionIndex: number; readonly brokerIds: readonly number[] }[];
  readonly configs: readonly ConfigEntry[];
}

export interface CreateTopicsEvent {
  readonly type: 'create-topics';
  readonly token: number;
  readonly topics: readonly NewTopic[];
  readonly validateOnly: boolean;
}

export interface DeleteTopicsEvent {
  readonly type: 'delete-topics';
  readonly token: number;
  readonly topicIds: readonly Uuid[];
}

export interface CreatePartitionsEvent {
  readonly type: 'create-partitions';
  readonly token: number;
  readonly topics: readonly {
    readonly name: string;
    /** The new total. */
    readonly count: number;
    readonly assignments: readonly { readonly brokerIds: readonly number[] }[] | null;
  }[];
  readonly validateOnly: boolean;
}

/** 0 set, 1 delete, 2 append, 3 subtract, as on the wire. */
export type AlterOperation = 0 | 1 | 2 | 3;

export interface ConfigChange extends ConfigEntry {
  readonly operation: AlterOperation;
}

export interface AlterConfigsEvent {
  readonly type: 'alter-configs';
  readonly token: number;
  readonly resources: readonly {
    /** One that has rules. */
    readonly type: number;
    readonly name: string;
    readonly changes: readonly ConfigChange[];
    /** AlterConfigs of old: what is not named goes back to its default. */
    readonly replacesAll: boolean;
  }[];
  readonly validateOnly: boolean;
}

export interface FeatureUpdate {
  readonly name: string;
  readonly level: number;
  /** 1 upgrade, 2 downgrade, 3 downgrade that may lose metadata, as on the wire. */
  readonly upgradeType: number;
}

export interface UpdateFeaturesEvent {
  readonly type: 'update-features';
  readonly token: number;
  readonly updates: readonly FeatureUpdate[];
  readonly validateOnly: boolean;
}

export interface AlterClientQuotasEvent {
  readonly type: 'alter-client-quotas';
  readonly token: number;
  readonly entries: readonly {
    readonly entity: readonly QuotaEntityPart[];
    readonly ops: readonly { readonly key: string; readonly value: number; readonly remove: boolean }[];
  }[];
  readonly validateOnly: boolean;
}

export interface ElectLeadersEvent {
  readonly type: 'elect-leaders';
  readonly token: number;
  /** 0 the preferred leader, 1 an unclean one, as on the wire; of others the answer is undefined. */
  readonly electionType: number;
  /** null: all partitions. */
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[] | null;
}

export interface AlterReassignmentsEvent {
  readonly type: 'alter-reassignments';
  readonly token: number;
  /** The new number of replicas may differ. */
  readonly allowsOtherCount: boolean;
  readonly topics: readonly {
    readonly topic: string;
    /** Replicas null: back to those before. */
    readonly partitions: readonly { readonly partition: number; readonly replicas: readonly number[] | null }[];
  }[];
}

export interface UnregisterBrokerEvent {
  readonly type: 'unregister-broker';
  readonly token: number;
  readonly brokerId: number;
  /** Who was asked: that one runs. */
  readonly servingBrokerId: number;
}

/** A block of producer ids for one broker. */
export interface AllocateProducerIdsEvent {
  readonly type: 'allocate-producer-ids';
  readonly token: number;
  readonly brokerId: number;
  readonly brokerEpoch: number;
}

export type ControllerEvent =
  | BootstrapEvent
  | RegisterBrokerEvent
  | StopBrokerEvent
  | DirectoriesOfflineEvent
  | CordonDirectoriesEvent
  | AssignReplicasEvent
  | CreateTopicsEvent
  | DeleteTopicsEvent
  | CreatePartitionsEvent
  | AlterConfigsEvent
  | UpdateFeaturesEvent
  | ElectLeadersEvent
  | AlterReassignmentsEvent
  | UnregisterBrokerEvent
  | AlterClientQuotasEvent
  | AllocateProducerIdsEvent;

/** How one named thing of a request went. */
export interface ItemResult {
  readonly name: string;
  readonly error: KafkaErrorRow;
  readonly errorMessage: string | null;
}

/** How one partition of a request went. */
export interface PartitionResult {
  readonly partition: number;
  readonly error: KafkaErrorRow;
  readonly errorMessage: string | null;
}

export interface TopicPartitionResults {
  readonly topic: string;
  readonly partitions: readonly PartitionResult[];
}

export interface CreateTopicResult extends ItemResult {
  readonly topicId: Uuid;
  readonly numPartitions: number;
  readonly replicationFactor: number;
}

export interface QuotaResult extends Omit<ItemResult, 'name'> {
  readonly entity: readonly QuotaEntityPart[];
}

export interface ProducerIdBlock {
  readonly firstProducerId: number;
  readonly count: number;
}
