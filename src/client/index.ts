/**
 * The clients of a Kafka cluster: producer, consumer and admin, each on a `Cluster` of its own (metadata, connections, versions,
 * coordinators). Usable alone, on any broker from the versions on that Apache Kafka 4.4 accepts; nothing here knows the broker
 * that springtide includes. They promise Kafka's configuration names and defaults, that every call ends (by its result, its
 * deadline or `close`), and that nothing waits in memory without a named bound. May import `core`, `protocol`, `serde`, `net`, `assign`.
 */

/** Records, partitions, headers and serializers: what a program that uses a client holds in its hands. */
export * from '#serde';
export { Admin, type AdminOptions, type ClusterDescription } from './admin/admin.ts';
export type { AdminCallOptions } from './admin/admin-calls.ts';
export { type AdminConfig, adminConfigTable } from './admin/config.ts';
export { type ConfigChange, type ConfigEntry, type ConfigResource, resourceName } from './admin/configs.ts';
export type { GroupDescription, GroupListing, GroupMember, ListGroupsOptions } from './admin/groups.ts';
export { ItemResults } from './admin/item-results.ts';
export type { ListedOffset, ListOffsetsOptions, OffsetQuery, OffsetSpec } from './admin/offsets.ts';
export type { CreatedTopic, NewTopic, TopicListing, ValidateOptions } from './admin/topics.ts';
export type { ClientEnvironment, RequestBody } from './broker-node.ts';
export { Cluster, type ClusterOptions } from './cluster.ts';
export { type ClientConfig, clientConfigTable, readClientConfig } from './config.ts';
export * from './consumer/index.ts';
export type { CoordinatorType } from './coordinators.ts';
export type { BrokerAddress, ClusterMetadata, PartitionMetadata, TopicMetadata } from './metadata.ts';
export type { ClusterRequestOptions, Target } from './network-client.ts';
export { type ProducerConfig, producerConfigTable } from './producer/config.ts';
export type { ProducerInterceptor } from './producer/interceptor.ts';
export { KafkaProducer, type KafkaProducerOptions } from './producer/kafka-producer.ts';
export { type Partitioner, RoundRobinPartitioner } from './producer/partitioner.ts';
export { type SendCallback, SendHandle } from './producer/send-handle.ts';
