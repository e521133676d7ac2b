/** How a container behaves: Spring's `ContainerProperties`, with its names and defaults. */
import type { RebalanceListener } from './consumer-factory.ts';
import { type AckMode, parseAckMode } from './ack-mode.ts';

export interface ContainerPropertiesFields {
  /** Default `batch`. */
  ackMode: AckMode;
  /** Records per commit in `count` and `count_time`; default 1. */
  ackCount: number;
  /** Milliseconds between commits in `time` and `count_time`; default 5000. */
  ackTimeMs: number;
  /** Acknowledgments come after the listener has returned, in any order; `nack` is refused. Default false. */
  asyncAcks: boolean;
  /**
   * Spring's rule for the manual modes: an acknowledgment also commits every record below it. Default false: a record that is
   * not acknowledged holds the commit of its partition back, and nothing is lost after a crash.
   */
  commitHighestAck: boolean;
  /** Records delivered and not acknowledged, per consumer, at which it is paused until half of them are; default 10 000. */
  unackedRecordsMax: number;
  /** Milliseconds that one poll waits for records; default 5000. */
  pollTimeoutMs: number;
  /** The same while paused; default 100. */
  pollTimeoutWhilePausedMs: number;
  /** Milliseconds to rest before each poll; default 0. */
  idleBetweenPollsMs: number;
  /** Milliseconds that a handler or back-off may take before the consumer is polled (paused) to stay in its group; default 5000. */
  keepAliveMs: number;
  /** Longest stretch in which handlers may keep the event loop for themselves; default 10. */
  yieldMs: number;
  /** Wait for each commit; default true. */
  syncCommits: boolean;
  /** Milliseconds; default 60 000. */
  syncCommitTimeoutMs: number;
  /** Further tries of a commit that failed with something that may pass; default 3. */
  commitRetries: number;
  /** Milliseconds that `stop()` waits for records that were polled already; default 10 000. */
  shutdownTimeoutMs: number;
  /** Stop after the running record instead of after the records that were polled already. Default false. */
  stopImmediate: boolean;
  /** Publish an idle event each so many milliseconds without a record; default never. */
  idleEventIntervalMs: number | undefined;
  /** One call of a batch listener per partition instead of per poll; default false. */
  subBatchPerPartition: boolean;
  /** Refuse to start when a topic does not exist; default false. */
  missingTopicsFatal: boolean;
  /** Milliseconds between tries after an authentication or authorization error; default 10 000. `null`: stop, as Spring does. */
  authExceptionRetryIntervalMs: number | null;
  groupId: string | undefined;
  clientId: string | undefined;
  /** Consumer settings over those of the factory. */
  kafkaConsumerProperties: Readonly<Record<string, unknown>>;
  /** Told after the container has done its own part. */
  consumerRebalanceListener: RebalanceListener | undefined;
}

const defaults: ContainerPropertiesFields = {
  ackMode: 'batch',
  ackCount: 1,
  ackTimeMs: 5000,
  asyncAcks: false,
  commitHighestAck: false,
  unackedRecordsMax: 10_000,
  pollTimeoutMs: 5000,
  pollTimeoutWhilePausedMs: 100,
  idleBetweenPollsMs: 0,
  keepAliveMs: 5000,
  yieldMs: 10,
  syncCommits: true,
  syncCommitTimeoutMs: 60_000,
  commitRetries: 3,
  shutdownTimeoutMs: 10_000,
  stopImmediate: false,
  idleEventIntervalMs: undefined,
  subBatchPerPartition: false,
  missingTopicsFatal: false,
  authExceptionRetryIntervalMs: 10_000,
  groupId: undefined,
  clientId: undefined,
  kafkaConsumerProperties: {},
  consumerRebalanceListener: undefined,
};

/** A template of settings: the factory's is copied per container, so changing one container changes no other. */
export interface ContainerProperties extends ContainerPropertiesFields {}
export class ContainerProperties {
  constructor(fields: Partial<Omit<ContainerPropertiesFields, 'ackMode'>> & { ackMode?: AckMode | string } = {}) {
    Object.assign(this, defaults);
    for (const [name, value] of Object.entries(fields)) {
      if (value !== undefined) (this as unknown as Record<string, unknown>)[name] = value;
    }
    this.ackMode = parseAckMode(this.ackMode);
  }

  copy(changes: Partial<ContainerPropertiesFields> = {}): ContainerProperties {
    return new ContainerProperties({ ...this, ...changes });
  }
}
