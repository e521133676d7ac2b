/** What containers tell about themselves, with Spring's names. `container` is the child; `parent` the container users know. */
import type { TopicPartition } from '#serde';

export type StopReason = 'NORMAL' | 'ABNORMAL' | 'ERROR' | 'FENCED' | 'AUTH' | 'NO_OFFSET';

export type ContainerEvent = {
  /** Bean name of the child: `<id>-<n>`. */
  container: string;
  /** The listener's id. */
  listenerId: string;
} & (
  | { type: 'ConsumerStarting' }
  | { type: 'ConsumerStarted' }
  | { type: 'ConsumerFailedToStart'; error: unknown }
  | { type: 'ConsumerStopping'; partitions: TopicPartition[] }
  | { type: 'ConsumerStopped'; reason: StopReason }
  | { type: 'ConsumerPaused'; partitions: TopicPartition[] }
  | { type: 'ConsumerResumed'; partitions: TopicPartition[] }
  | { type: 'ConsumerRetryAuth'; error: unknown }
  | { type: 'ListenerContainerIdle'; idleMs: number; partitions: TopicPartition[] }
  | { type: 'ListenerContainerNoLongerIdle'; idleMs: number; partitions: TopicPartition[] }
  | { type: 'ContainerStopped' }
  | { type: 'ConcurrentContainerStopped'; reason: StopReason }
);

export type ContainerEventListener = (event: ContainerEvent) => void;
