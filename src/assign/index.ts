/**
 * Partition assignment strategies: those of the classic group protocol, as the leader of a group computes them (range, round-robin, sticky and
 * cooperative-sticky), and those of the consumer protocol, as the coordinator does (uniform and range). The former promise the same result as the assignors of Kafka's Java client for the same members, so that groups of Java and
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
export { assignorByName, serverAssignors } from './names.ts';
export { rangeAssignor } from './range.ts';
export { roundRobinAssignor } from './round-robin.ts';
export type {
  ServerAssignor,
  ServerAssignorGroup,
  ServerAssignorMember,
  TopicIdPartitions,
} from './server-assignor.ts';
export { cooperativeStickyAssignor, stickyAssignor } from './sticky.ts';
