/**
 * Commits offsets and reads committed ones. Asynchronous commits leave in the order of the calls and their callbacks come in that order; a
 * synchronous one waits for those before it, is retried until its deadline, and holds back those after it, so a late retry
 * never undoes a newer commit. Auto commit is a commit of all positions, due at the poll after its interval.
 */
import { type Clock, KafkaError, type Logger, type MetricsRegistry } from '#core';
import { Apis } from '#protocol';
import { type OffsetAndMetadata, PartitionMap, type TopicPartitionLike } from '#serde';
import {
  type CommittedOffsets,
  type Committer,
  type CommitVerdict,
  commitError,
  commitFailed,
  commitRequest,
  judgeCommit,
  NAMED_OFFSETS_VERSION,
  offsetFetchRequest,
  readCommitted,
  rebalanceInProgress,
} from './commit-requests.ts';
import type { CoordinatorLink } from './coordinator-link.ts';
import { type Generation, type MemberState, NO_GENERATION } from './membership.ts';

export type OffsetCommitCallback = (offsets: PartitionMap<OffsetAndMetadata>, error: KafkaError | null) => void;

/** As much of the membership as commits need. Undefined when partitions are assigned by hand. */
export interface CommitMembership {
  readonly state: MemberState;
  readonly generation: Generation;
  commitRefused(generation: Generation, errorCode: number): void;
}

export interface OffsetCommitsOptions {
  readonly link: CoordinatorLink;
  readonly groupInstanceId: string | null;
  /** The membership that decides about the partitions now, if one does. */
  readonly membership: () => CommitMembership | undefined;
  readonly requestTimeoutMs: number;
  readonly retryBackoffMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
}

export class OffsetCommits {
  readonly #options: OffsetCommitsOptions;
  /** Asynchronous commits not answered yet, in order. */
  readonly #unsettled = new Set<Promise<unknown>>();
  /** The end of all synchronous commits so far; undefined when none is under way. */
  #synchronous: Promise<unknown> | undefined;

  constructor(options: OffsetCommitsOptions) {
    this.#options = options;
  }

  /** Sends one commit, and never again. `callback` hears how it ended; without one a failure is logged. */
  commitAsync(offsets: PartitionMap<OffsetAndMetadata>, callback: OffsetCommitCallback = this.#logFailure): void {
    const commit = this.#commitOnce(offsets, this.#synchronous).then(
      () => callback(offsets, null),
      (error: unknown) => callback(offsets, asKafkaError(error)),
    );
    this.#unsettled.add(commit);
    void commit
      .catch((error: unknown) => this.#options.logger.error({ err: error }, 'a commit callback threw'))
      .finally(() => this.#unsettled.delete(commit));
  }

  /**
   * Commits, trying again while that may help, until `deadlineMs` (monotonic).
   *
   * @param mayPass which errors are worth another try; default all that Kafka calls retriable
   * @throws KafkaError COMMIT_FAILED (no member any more), REBALANCE_IN_PROGRESS (poll first), or the last error at the deadline
   */
  commitSync(
    offsets: PartitionMap<OffsetAndMetadata>,
    deadlineMs: number,
    mayPass: (error: KafkaError) => boolean = isRetriable,
  ): Promise<void> {
    const earlier = Promise.allSettled([...this.#unsettled, this.#synchronous]);
    const commit = earlier.then(() => this.#commitUntil(offsets, deadlineMs, mayPass));
    const settled = commit.then(ignore, ignore).then(() => {
      if (this.#synchronous === settled) this.#synchronous = undefined;
    });
    this.#synchronous = settled;
    return commit;
  }

  /** Settles when every commit that was begun has its answer. */
  async settle(): Promise<void> {
    await Promise.allSettled([...this.#unsettled, this.#synchronous]);
  }

  /** Committed offsets of the group, tried for until `deadlineMs`. Partitions without one are missing in the answer. */
  async fetch(partitions: readonly TopicPartitionLike[], deadlineMs: number): Promise<CommittedOffsets> {
    if (partitions.length === 0) return new PartitionMap();
    const { groupId } = this.#options.link;
    return this.#until(deadlineMs, async (timeoutMs) => {
      const body = (version: number) => offsetFetchRequest(groupId, partitions, version);
      const response = await this.#options.link.request(Apis.OffsetFetch, body, {
        timeoutMs,
        deadlineMs,
        version: NAMED_OFFSETS_VERSION,
      });
      return readCommitted(groupId, response);
    });
  }

  async #commitUntil(
    offsets: PartitionMap<OffsetAndMetadata>,
    deadlineMs: number,
    mayPass: (error: KafkaError) => boolean,
  ): Promise<void> {
    if (offsets.size === 0) return;
    await this.#until(deadlineMs, (timeoutMs) => this.#send(offsets, timeoutMs, deadlineMs), mayPass);
  }

  async #commitOnce(offsets: PartitionMap<OffsetAndMetadata>, after: Promise<unknown> | undefined): Promise<void> {
    if (after !== undefined) await after;
    if (offsets.size > 0) await this.#send(offsets, this.#options.requestTimeoutMs);
  }

  async #send(offsets: PartitionMap<OffsetAndMetadata>, timeoutMs: number, deadlineMs?: number): Promise<void> {
    const { link, metrics, clock } = this.#options;
    const membership = this.#options.membership();
    const generation = stableGeneration(membership);
    const startMs = clock.now().monotonicMs;
    const body = (version: number) => commitRequest(this.#committer(generation), offsets, version);
    const options = { timeoutMs, deadlineMs, version: NAMED_OFFSETS_VERSION };
    const verdict = judgeCommit(await link.request(Apis.OffsetCommit, body, options));
    metrics.histogram('coordinator.commit-latency-ms').record(clock.now().monotonicMs - startMs);
    if (verdict.type === 'done') return;
    this.#learn(verdict, membership, generation);
    throw commitError(verdict);
  }

  #learn(verdict: CommitVerdict, membership: CommitMembership | undefined, generation: Generation): void {
    const error = commitError(verdict);
    if (COORDINATOR_MOVED.has(error.code)) this.#options.link.lose(error.code);
    membership?.commitRefused(generation, verdict.errorCode);
  }

  #committer({ generationId, memberId }: Generation): Committer {
    const { link, groupInstanceId } = this.#options;
    return { groupId: link.groupId, generationId, memberId, groupInstanceId: memberId === '' ? null : groupInstanceId };
  }

  /** Repeats `attempt` while it fails with something that may pass. */
  async #until<T>(
    deadlineMs: number,
    attempt: (timeoutMs: number) => Promise<T>,
    mayPass: (error: KafkaError) => boolean = isRetriable,
  ): Promise<T> {
    const { clock, requestTimeoutMs, retryBackoffMs } = this.#options;
    for (;;) {
      const leftMs = deadlineMs - clock.now().monotonicMs;
      try {
        return await attempt(Math.max(1, Math.min(requestTimeoutMs, leftMs)));
      } catch (error) {
        const isOver = clock.now().monotonicMs + retryBackoffMs >= deadlineMs;
        if (!(error instanceof KafkaError) || !mayPass(error) || isOver) throw error;
        if (COORDINATOR_MOVED.has(error.code)) this.#options.link.lose(error.code);
        await clock.sleep(retryBackoffMs);
      }
    }
  }

  readonly #logFailure: OffsetCommitCallback = (_offsets, error) => {
    if (error !== null)
      this.#options.logger.warn({ code: error.code }, `an asynchronous commit failed: ${error.message}`);
  };
}

const COORDINATOR_MOVED = new Set(['NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE']);

/** A member commits only between rebalances; who has its partitions by hand commits without a generation. */
function stableGeneration(membership: CommitMembership | undefined): Generation {
  if (membership === undefined) return NO_GENERATION;
  if (membership.state === 'STABLE') return membership.generation;
  if (membership.state === 'UNJOINED') throw commitFailed('it has left the group or was expelled');
  throw rebalanceInProgress();
}

function asKafkaError(error: unknown): KafkaError {
  if (error instanceof KafkaError) return error;
  throw error;
}

function isRetriable(error: KafkaError): boolean {
  return error.retriable;
}

function ignore(): void {}
