/** How a container behaves: Spring's `ContainerProperties`, with its names and defaults. */

import { type AckMode, parseAckMode } from './ack-mode.ts';
import type { RebalanceListener } from './consumer-factory.ts';
import type { AssignmentCommitOption } from './start-commits.ts';

/** A template of settings: the factory's is copied per container, so changing one container changes no other. */
export class ContainerProperties {
  /** Default `batch`. */
  ackMode: AckMode = 'batch';
  /** Records per commit in `count` and `count_time`; default 1. */
  ackCount = 1;
  /** Milliseconds between commits in `time` and `count_time`; default 5000. */
  ackTimeMs = 5000;
  /** Acknowledgments come after the listener has returned, in any order; `nack` is refused. Default false. */
  asyncAcks = false;
  /**
   * Spring's rule for the manual modes: an acknowledgment also commits every record below it. Default false: a record that is
   * not acknowledged holds the commit of its partition back, and nothing is lost after a crash.
   */
  commitHighestAck = false;
  /** Records delivered and not acknowledged, per consumer, at which it is paused until half of them are; default 10 000. */
  unackedRecordsMax = 10_000;
  /** Milliseconds that one poll waits for records; default 5000. */
  pollTimeoutMs = 5000;
  /** The same while paused; default 100. */
  pollTimeoutWhilePausedMs = 100;
  /** Milliseconds to rest before each poll; default 0. */
  idleBetweenPollsMs = 0;
  /** Milliseconds that a handler or back-off may take before the consumer is polled (paused) to stay in its group; default 5000. */
  keepAliveMs = 5000;
  /** Longest stretch in which handlers may keep the event loop for themselves; default 10. */
  yieldMs = 10;
  /** Wait for each commit; default true. */
  syncCommits = true;
  /** Milliseconds; default 60 000. */
  syncCommitTimeoutMs = 60_000;
  /** Further tries of a commit that failed with something that may pass; default 3. */
  commitRetries = 3;
  /** Milliseconds that `stop()` waits for records that were polled already; default 10 000. */
  shutdownTimeoutMs = 10_000;
  /** Stop after the running record instead of after the records that were polled already. Default false. */
  stopImmediate = false;
  /** Publish an idle event each so many milliseconds without a record; default never. */
  idleEventIntervalMs: number | undefined = undefined;
  /** One call of a batch listener per partition instead of per poll; default false. */
  subBatchPerPartition = false;
  /** Refuse to start when a topic does not exist; default false. */
  missingTopicsFatal = false;
  /** Milliseconds between tries after an authentication or authorization error; default 10 000. `null`: stop, as Spring does. */
  authExceptionRetryIntervalMs: number | null = 10_000;
  /** When to commit where a partition without a committed offset starts; default `latest_only`. */
  assignmentCommitOption: AssignmentCommitOption = 'latest_only';
  groupId: string | undefined = undefined;
  clientId: string | undefined = undefined;
  /** Consumer settings over those of the factory. */
  kafkaConsumerProperties: Readonly<Record<string, unknown>> = {};
  /** Told after the container has done its own part. */
  consumerRebalanceListener: RebalanceListener | undefined = undefined;

  constructor(fields: ContainerPropertiesFields = {}) {
    const { ackMode, ...others } = fields;
    for (const [name, value] of Object.entries(others)) {
      if (value !== undefined) (this as unknown as Record<string, unknown>)[name] = value;
    }
    if (ackMode !== undefined) this.ackMode = parseAckMode(ackMode);
  }

  copy(changes: ContainerPropertiesFields = {}): ContainerProperties {
    return new ContainerProperties({ ...this, ...changes });
  }
}

/** Any of the settings; the ack mode also as text (`MANUAL_IMMEDIATE`, `manual-immediate`). */
export type ContainerPropertiesFields = Partial<Omit<ContainerProperties, 'ackMode' | 'copy'>> & {
  ackMode?: AckMode | string;
};
