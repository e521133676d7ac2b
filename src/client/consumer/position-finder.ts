/**
 * Gives partitions without a position one: the committed offset if the consumer has a group and the group has an offset, else what
 * `auto.offset.reset` says. Works in the background; poll looks at the outcome. Answers for partitions that were sought, or
 * taken away, meanwhile are dropped by their incarnation.
 */
import { type Clock, errorText, KafkaError, type Logger } from '#core';
import { PartitionMap } from '#serde';
import type { OffsetCommits } from './offset-commits.ts';
import type { FoundOffset, OffsetLookup } from './offset-lookup.ts';
import { LATEST_TIMESTAMP, type ResetPolicy, type ResetStrategy, resetTimestamp } from './offset-reset.ts';
import type { Signal } from './signal.ts';
import type { PartitionState, SubscriptionState } from './subscription-state.ts';

export interface PositionFinderOptions {
  readonly subscriptions: SubscriptionState;
  /** Undefined without a group: nothing is committed then. */
  readonly commits: OffsetCommits | undefined;
  readonly lookup: OffsetLookup;
  readonly resetPolicy: ResetPolicy;
  readonly requestTimeoutMs: number;
  readonly retryBackoffMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: Signal;
}

interface Asked {
  readonly state: PartitionState;
  readonly incarnation: number;
}

export class PositionFinder {
  readonly #options: PositionFinderOptions;
  /** Asked and not answered yet, with the incarnation that was asked. */
  readonly #asked = new Map<PartitionState, number>();
  readonly #errors: { asked: readonly Asked[]; error: Error }[] = [];

  constructor(options: PositionFinderOptions) {
    this.#options = options;
  }

  /** Asks for every position that is missing and was not asked for yet. Cheap when there is none. */
  update(): void {
    const unplaced: Asked[] = [];
    const resetting: Asked[] = [];
    const nowMs = this.#options.clock.now().monotonicMs;
    for (const state of this.#options.subscriptions.states()) {
      if (state.position !== undefined || state.retryAtMs > nowMs) continue;
      if (this.#asked.get(state) === state.incarnation) continue;
      (state.isUnplaced ? unplaced : resetting).push({ state, incarnation: state.incarnation });
    }
    if (unplaced.length > 0) this.#start(unplaced, this.#placeCommitted(unplaced));
    if (resetting.length > 0) this.#start(resetting, this.#reset(resetting));
  }

  /** What went wrong since the last call, for poll to throw; nothing about partitions that were sought or given up since. */
  takeError(): Error | undefined {
    for (let one = this.#errors.shift(); one !== undefined; one = this.#errors.shift()) {
      if (one.asked.some(isCurrent)) return one.error;
    }
    return undefined;
  }

  #start(asked: readonly Asked[], work: Promise<void>): void {
    for (const { state, incarnation } of asked) this.#asked.set(state, incarnation);
    work
      .catch((error: unknown) => this.#onFailure(asked, error))
      .finally(() => {
        for (const { state, incarnation } of asked) {
          if (this.#asked.get(state) === incarnation) this.#asked.delete(state);
        }
        this.#options.signal.raise();
      })
      .catch((error: unknown) => this.#errors.push({ asked, error: error as Error }));
  }

  #onFailure(asked: readonly Asked[], error: unknown): void {
    const { clock, retryBackoffMs, logger } = this.#options;
    for (const { state } of asked) state.retryAtMs = clock.now().monotonicMs + retryBackoffMs;
    logger.debug({ err: error }, `positions could not be had: ${errorText(error)}`);
    if (error instanceof KafkaError && error.retriable) return;
    this.#errors.push({ asked, error: Error.isError(error) ? error : new Error(String(error)) });
  }

  async #placeCommitted(unplaced: readonly Asked[]): Promise<void> {
    const { commits, logger } = this.#options;
    const partitions = unplaced.map(({ state }) => state.topicPartition);
    const committed = commits === undefined ? undefined : await commits.fetch(partitions, this.#deadlineMs());
    const missing: Asked[] = [];
    for (const one of unplaced) {
      if (!isCurrent(one)) continue;
      const offset = committed?.get(one.state.topicPartition);
      if (offset === undefined) {
        missing.push(one);
        continue;
      }
      logger.info(
        { partition: String(one.state.topicPartition), offset: offset.offset },
        `${one.state.topicPartition}: starts at the committed offset ${offset.offset}`,
      );
      one.state.place({ offset: offset.offset, leaderEpoch: offset.leaderEpoch ?? -1 });
    }
    if (missing.length > 0) this.#resetByPolicy(missing);
  }

  #resetByPolicy(missing: readonly Asked[]): void {
    const { resetPolicy } = this.#options;
    if (resetPolicy.type !== 'none') {
      for (const { state } of missing) state.awaitReset(resetPolicy);
      return;
    }
    const names = missing.map(({ state }) => state.topicPartition.toString()).join(', ');
    throw new KafkaError(
      'NO_OFFSET_FOR_PARTITION',
      `There is no committed offset for ${names}, and auto.offset.reset is none. Seek to where reading shall start, commit an offset, or choose earliest or latest.`,
    );
  }

  async #reset(resetting: readonly Asked[]): Promise<void> {
    const found = await this.#findResets(resetting);
    for (const one of resetting) {
      const answer = found.get(one.state.topicPartition);
      if (!isCurrent(one) || answer === undefined) continue;
      this.#options.logger.info(
        { partition: String(one.state.topicPartition), offset: answer.offset },
        `${one.state.topicPartition}: reset to ${one.state.reset?.type} at offset ${answer.offset}`,
      );
      one.state.place({ offset: answer.offset, leaderEpoch: answer.leaderEpoch });
    }
  }

  /**
   * For `by_duration` the end of the log is asked for first: when no record is young enough, what arrives between the two
   * questions is after that end, so it is read.
   */
  async #findResets(resetting: readonly Asked[]): Promise<PartitionMap<FoundOffset>> {
    const { lookup, clock } = this.#options;
    const { wallMs } = clock.now();
    const deadlineMs = this.#deadlineMs();
    const ends = new PartitionMap<number>();
    const wanted = new PartitionMap<number>();
    for (const { state } of resetting) {
      const strategy = state.reset as ResetStrategy;
      if (strategy.type === 'by_duration') ends.set(state.topicPartition, LATEST_TIMESTAMP);
      wanted.set(state.topicPartition, resetTimestamp(strategy, wallMs));
    }
    const endOffsets = ends.size === 0 ? undefined : await lookup.find(ends, deadlineMs);
    const found = await lookup.find(wanted, deadlineMs);
    for (const [at, answer] of found) if (answer.offset < 0) found.set(at, endOffsets?.get(at) ?? answer);
    return found;
  }

  #deadlineMs(): number {
    return this.#options.clock.now().monotonicMs + this.#options.requestTimeoutMs;
  }
}

function isCurrent({ state, incarnation }: Asked): boolean {
  return state.incarnation === incarnation;
}
