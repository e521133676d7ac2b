/** The state of one partition (leader, epochs, in-sync replicas, high watermark) as a pure machine. Imports core and protocol only. */
export { type PartitionAssignment, PartitionState } from './partition-state.ts';
