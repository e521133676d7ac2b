/**
 * The group coordinator ◇: membership in both protocols, classic and consumer (`consumer/`), rebalances and committed offsets as a pure machine, one per partition of
 * `__consumer_offsets`. It promises Kafka's answers and Kafka's records, and that a machine replayed from its records answers as the one
 * that wrote them. Leaves to others: sockets, timers, the log (`../runtime.ts`), authorization, topic ids and unknown topics (the handlers).
 * Imports core, protocol and assign.
 */
export type { ClusterView, GroupTopic } from './cluster-view.ts';
export {
  type ConsumerGroupConfig,
  consumerGroupDefaults,
  type GroupSettings,
  groupConfigTable,
  groupSettings,
} from './config.ts';
export { topicHash } from './consumer/topic-hash.ts';
export { compileTopicPattern } from './consumer/topic-pattern.ts';
export type {
  ConsumerHeartbeatEvent,
  DeleteGroupsEvent,
  DescribeConsumerGroupsEvent,
  DescribeGroupsEvent,
  GroupEvent,
  GroupRequestEvent,
  HeartbeatEvent,
  JoinEvent,
  LeaveEvent,
  ListGroupsEvent,
  LoadedEvent,
  OffsetCommitEvent,
  OffsetDeleteEvent,
  OffsetFetchEvent,
  StallEvent,
  SyncEvent,
  TopicsChangedEvent,
  TopicsDeletedEvent,
  TxnOffsetCommitEvent,
} from './events.ts';
export { GroupMachine } from './machine.ts';
export { type ReadRecord, readRecord } from './records.ts';
