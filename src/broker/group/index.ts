/**
 * The classic group coordinator ◇: group membership, rebalances and committed offsets as a pure machine, one per partition of
 * `__consumer_offsets`. It promises Kafka's answers and Kafka's records, and that a machine replayed from its records answers as the one
 * that wrote them. Leaves to others: sockets, timers, the log (`../runtime.ts`), authorization, topic ids and unknown topics (the handlers).
 * Imports core and protocol.
 */
export { type GroupSettings, groupConfigTable, groupSettings } from './config.ts';
export type {
  DeleteGroupsEvent,
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
  TopicsDeletedEvent,
  TxnOffsetCommitEvent,
} from './events.ts';
export { GroupMachine } from './machine.ts';
export { type ReadRecord, readRecord } from './records.ts';
