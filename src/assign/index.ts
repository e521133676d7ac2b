/**
 * Partition assignment strategies of the classic group protocol, as the leader of a group computes them: range, round-robin, sticky and
 * cooperative-sticky. Promises the same result as the assignors of Kafka's Java client for the same members, so that groups of Java and
 * springtide consumers are stable whoever leads (racks are not looked at; see the docs of each file). Pure: imports core only.
 */
export type {
  Assignment,
  Assignor,
  AssignorMember,
  AssignorState,
  RebalanceProtocol,
  TopicPartitionId,
} from './assignor.ts';
export { assignorByName } from './names.ts';
export { rangeAssignor } from './range.ts';
export { roundRobinAssignor } from './round-robin.ts';
export { cooperativeStickyAssignor, stickyAssignor } from './sticky.ts';
