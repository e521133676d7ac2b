/** Callbacks around a change of the assignment, with the names and the order of Java's ConsumerRebalanceListener. */
import type { TopicPartition } from '#serde';

/**
 * Called from inside `poll()` (and `close()`, `unsubscribe()`), and awaited, so that no record is handed out and the group
 * does not move on while a callback runs. Commits and seeks are allowed inside. A callback that takes longer than
 * `max.poll.interval.ms` costs the membership. An error thrown here leaves `poll()` once the change is complete.
 *
 * With a cooperative assignor the lists hold only what changes; with an eager one they hold the whole assignment.
 */
export interface ConsumerRebalanceListener {
  /** The partitions are about to be taken away; they are still owned, so offsets can be committed. */
  onPartitionsRevoked?(partitions: TopicPartition[]): void | Promise<void>;
  /** The partitions are owned now; also called with an empty list, after every rebalance. */
  onPartitionsAssigned?(partitions: TopicPartition[]): void | Promise<void>;
  /** The partitions were lost already (expelled, fenced): others may own them. Without this callback onPartitionsRevoked is called. */
  onPartitionsLost?(partitions: TopicPartition[]): void | Promise<void>;
}
