/**
 * The records of `__cluster_metadata-0`, decoded: all of Kafka 4.4. Their bytes are the codec's business (`metadata-codec.ts`, outside
 * this pure folder).
 */
import type {
  AbortTransactionRecord,
  AccessControlEntryRecord,
  BeginTransactionRecord,
  BrokerRegistrationChangeRecord,
  ClearElrRecord,
  ClientQuotaRecord,
  ConfigRecord,
  DelegationTokenRecord,
  EndTransactionRecord,
  FeatureLevelRecord,
  FenceBrokerRecord,
  NoOpRecord,
  PartitionChangeRecord,
  PartitionRecord,
  ProducerIdsRecord,
  RegisterBrokerRecord,
  RegisterControllerRecord,
  RemoveAccessControlEntryRecord,
  RemoveDelegationTokenRecord,
  RemoveTopicRecord,
  RemoveUserScramCredentialRecord,
  TopicRecord,
  UnfenceBrokerRecord,
  UnregisterBrokerRecord,
  UnregisterControllerRecord,
  UserScramCredentialRecord,
  ZkMigrationStateRecord,
} from '#protocol';

export interface MetadataBodies {
  readonly RegisterBrokerRecord: RegisterBrokerRecord;
  readonly UnregisterBrokerRecord: UnregisterBrokerRecord;
  readonly FenceBrokerRecord: FenceBrokerRecord;
  readonly UnfenceBrokerRecord: UnfenceBrokerRecord;
  readonly BrokerRegistrationChangeRecord: BrokerRegistrationChangeRecord;
  readonly RegisterControllerRecord: RegisterControllerRecord;
  readonly UnregisterControllerRecord: UnregisterControllerRecord;
  readonly FeatureLevelRecord: FeatureLevelRecord;
  readonly TopicRecord: TopicRecord;
  readonly PartitionRecord: PartitionRecord;
  readonly PartitionChangeRecord: PartitionChangeRecord;
  readonly RemoveTopicRecord: RemoveTopicRecord;
  readonly ClearElrRecord: ClearElrRecord;
  readonly ConfigRecord: ConfigRecord;
  readonly ClientQuotaRecord: ClientQuotaRecord;
  readonly ProducerIdsRecord: ProducerIdsRecord;
  readonly AccessControlEntryRecord: AccessControlEntryRecord;
  readonly RemoveAccessControlEntryRecord: RemoveAccessControlEntryRecord;
  readonly UserScramCredentialRecord: UserScramCredentialRecord;
  readonly RemoveUserScramCredentialRecord: RemoveUserScramCredentialRecord;
  readonly DelegationTokenRecord: DelegationTokenRecord;
  readonly RemoveDelegationTokenRecord: RemoveDelegationTokenRecord;
  readonly BeginTransactionRecord: BeginTransactionRecord;
  readonly EndTransactionRecord: EndTransactionRecord;
  readonly AbortTransactionRecord: AbortTransactionRecord;
  readonly ZkMigrationStateRecord: ZkMigrationStateRecord;
  readonly NoOpRecord: NoOpRecord;
}

export type MetadataRecordType = keyof MetadataBodies;

export type MetadataRecord = {
  [T in MetadataRecordType]: { readonly type: T; readonly body: MetadataBodies[T] };
}[MetadataRecordType];

/** Resource types of configs as Kafka numbers them. */
export const TOPIC_RESOURCE = 2;
export const BROKER_RESOURCE = 4;
export const BROKER_LOGGER_RESOURCE = 8;
export const CLIENT_METRICS_RESOURCE = 16;
export const GROUP_RESOURCE = 32;

/** The feature that names the format of these records, and its level: Kafka 4.4-IV2. */
export const METADATA_VERSION = 'metadata.version';
export const METADATA_VERSION_LEVEL = 33;
/** The feature of Kafka that keeps who may lead apart from who is in sync. We never turn it on. @see KIP-966 */
export const ELR_VERSION = 'eligible.leader.replicas.version';
