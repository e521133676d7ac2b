/**
 * The classic group coordinator ◇: group membership, rebalances and committed offsets as a pure machine, one per partition of
 * `__consumer_offsets`. It promises Kafka's answers and Kafka's records, and that a machine replayed from its records answers as the one
 * that wrote them. Leaves to others: sockets, timers, the log (`../runtime.ts`), authorization, topic ids and unknown topics (the handlers).
 * Imports core and protocol.
 */
export { type GroupSettings, groupConfigTable, groupSettings } from './config.ts';
export type {
  CoordinatorRecord,
  DeleteGroupsEvent,
  DescribeGroupsEvent,
  GroupEvent,
  GroupReply,
  GroupRequestEvent,
  HeartbeatEvent,
  JoinEvent,
  LeaveEvent,
  ListGroupsEvent,
  LoadedEvent,
  MachineOutput,
  OffsetCommitEvent,
  OffsetDeleteEvent,
  OffsetFetchEvent,
  StallEvent,
  SyncEvent,
  TimerChange,
  TimerEvent,
  TopicsDeletedEvent,
} from './events.ts';
export { GroupMachine } from './machine.ts';
export { coordinatorPartition } from './placement.ts';
export { type ReadRecord, readRecord } from './records.ts';
