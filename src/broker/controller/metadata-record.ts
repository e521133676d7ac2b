/**
 * The records of `__cluster_metadata-0` that springtide writes and understands, decoded, with the version each is written in: those of
 * Kafka's metadata.version 33 (4.4-IV2). Records of other types are ignored by the image, as Kafka's tools do. Their bytes are the
 * codec's business (`metadata-codec.ts`, outside this pure folder).
 */
import type {
  BrokerRegistrationChangeRecord,
  ClientQuotaRecord,
  ConfigRecord,
  FeatureLevelRecord,
  PartitionChangeRecord,
  PartitionRecord,
  ProducerIdsRecord,
  RegisterBrokerRecord,
  RemoveTopicRecord,
  TopicRecord,
} from '#protocol';

export type MetadataRecord =
  | { readonly type: 'RegisterBrokerRecord'; readonly body: RegisterBrokerRecord }
  | { readonly type: 'BrokerRegistrationChangeRecord'; readonly body: BrokerRegistrationChangeRecord }
  | { readonly type: 'FeatureLevelRecord'; readonly body: FeatureLevelRecord }
  | { readonly type: 'TopicRecord'; readonly body: TopicRecord }
  | { readonly type: 'PartitionRecord'; readonly body: PartitionRecord }
  | { readonly type: 'PartitionChangeRecord'; readonly body: PartitionChangeRecord }
  | { readonly type: 'RemoveTopicRecord'; readonly body: RemoveTopicRecord }
  | { readonly type: 'ConfigRecord'; readonly body: ConfigRecord }
  | { readonly type: 'ClientQuotaRecord'; readonly body: ClientQuotaRecord }
  | { readonly type: 'ProducerIdsRecord'; readonly body: ProducerIdsRecord }
  | { readonly type: 'other'; readonly body: null };

/** Resource types of configs as Kafka numbers them. */
export const TOPIC_RESOURCE = 2;
export const BROKER_RESOURCE = 4;

/** The feature that names the format of these records, and its level: Kafka 4.4-IV2. */
export const METADATA_VERSION = 'metadata.version';
export const METADATA_VERSION_LEVEL = 33;
/** The feature of Kafka that keeps who may lead apart from who is in sync. We never turn it on. @see KIP-966 */
export const ELR_VERSION = 'eligible.leader.replicas.version';
