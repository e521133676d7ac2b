/**
 * The two moments of a rebalance that belong to poll, because the application's callbacks run in them: giving partitions up before
 * the join, and taking the new assignment over after it.
 *
 * |             | before the join                                      | after it                                         |
 * |-------------|------------------------------------------------------|--------------------------------------------------|
 * | eager       | commit, revoke all                                   | assign all                                       |
 * | cooperative | commit, revoke what is not subscribed any more       | revoke what went to others (and join again), assign what is new |
 * | expelled    | lose all                                             |                                                  |
 */
import type { Assignor, TopicPartitionId } from '#assign';
import { KafkaError, type Logger } from '#core';
import { TopicPartition } from '#serde';
import { changes, readAssignment, rebalanceProtocolOf } from './group-protocol.ts';
import type { Completion } from './membership.ts';
import type { SubscriptionState } from './subscription-state.ts';

export interface RebalanceOptions {
  readonly subscriptions: SubscriptionState;
  readonly assignors: readonly Assignor[];
  readonly logger: Logger;
  /** Commits the positions if auto commit is on; a failure is logged, not thrown. */
  readonly autoCommit: () => Promise<void>;
}

/** The last assignment taken over, as assignors with a memory want it. */
export interface LastAssignment {
  readonly partitions: readonly TopicPartitionId[];
  readonly generationId: number;
}

export class Rebalance {
  readonly #options: RebalanceOptions;
  #last: LastAssignment | undefined;
  /** The first error of a callback in this rebalance. */
  #callbackError: unknown;

  constructor(options: RebalanceOptions) {
    this.#options = options;
  }

  get isCooperative(): boolean {
    return rebalanceProtocolOf(this.#options.assignors) === 'cooperative';
  }

  get lastAssignment(): LastAssignment | undefined {
    return this.#last;
  }

  /** Before a join. `isMember`: the coordinator still counts this one, so what it holds is its own. */
  async prepare(isMember: boolean): Promise<void> {
    const { subscriptions } = this.#options;
    if (!isMember) {
      await this.loseAll();
      return;
    }
    const owned = subscriptions.assignment();
    const revoked = this.isCooperative ? owned.filter(({ topic }) => !subscriptions.topics.has(topic)) : owned;
    if (owned.length > 0) await this.#options.autoCommit();
    if (this.isCooperative && revoked.length === 0) return;
    await this.#revoke(revoked);
    this.#keepAllBut(revoked);
  }

  /**
   * After a join. Returns why the group has to be joined again at once, if it has to: partitions were given up that others
   * are waiting for, or the subscription has changed since.
   */
  async complete(completion: Completion): Promise<string | undefined> {
    const { subscriptions, logger } = this.#options;
    const assigned = readAssignment(completion.assignment);
    if (assigned.some(({ topic }) => !subscriptions.accepts(topic))) {
      return 'the assignment has topics that are not subscribed to (any more)';
    }
    const { added, revoked } = changes(subscriptions.assignment(), assigned);
    logger.info(
      {
        generationId: completion.generation.generationId,
        assigned: assigned.length,
        added: added.length,
        revoked: revoked.length,
      },
      `assigned by ${completion.generation.protocolName}: ${assigned.map(nameOf).join(', ') || 'no partition'}`,
    );
    if (revoked.length > 0) {
      await this.#options.autoCommit();
      await this.#revoke(revoked.map(asTopicPartition));
    }
    this.#last = { partitions: assigned, generationId: completion.generation.generationId };
    subscriptions.replaceAssignment(assigned);
    await this.#call(() => subscriptions.listener.onPartitionsAssigned?.(added.map(asTopicPartition)));
    return revoked.length > 0 && this.isCooperative ? 'partitions were given up, others can take them now' : undefined;
  }

  /** Everything held belongs to others by now. */
  async loseAll(): Promise<void> {
    const { subscriptions, logger } = this.#options;
    const lost = subscriptions.assignment();
    if (lost.length === 0) return;
    logger.warn({ lost: lost.map(String) }, `lost ${lost.join(', ')}: the membership ended without handing them over`);
    this.#markRevoking(lost);
    const { listener } = subscriptions;
    const callback = listener.onPartitionsLost ?? listener.onPartitionsRevoked;
    await this.#call(() => callback?.call(listener, lost));
    subscriptions.replaceAssignment([]);
  }

  /** Gives everything up, on leaving. */
  async revokeAll(): Promise<void> {
    const owned = this.#options.subscriptions.assignment();
    if (owned.length === 0) return;
    await this.#revoke(owned);
    this.#options.subscriptions.replaceAssignment([]);
  }

  /** What a callback threw since the last call, as poll throws it. */
  takeCallbackError(): KafkaError | undefined {
    const error = this.#callbackError;
    this.#callbackError = undefined;
    if (error === undefined) return undefined;
    return error instanceof KafkaError
      ? error
      : new KafkaError('ILLEGAL_STATE', 'a rebalance callback threw an error; see its cause', { cause: error });
  }

  async #revoke(partitions: readonly TopicPartition[]): Promise<void> {
    const { subscriptions } = this.#options;
    this.#markRevoking(partitions);
    await this.#call(() => subscriptions.listener.onPartitionsRevoked?.([...partitions]));
  }

  /** From here on nothing of them is handed out. */
  #markRevoking(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const state = this.#options.subscriptions.get(partition);
      if (state !== undefined) state.isRevoking = true;
    }
  }

  #keepAllBut(revoked: readonly TopicPartition[]): void {
    const { subscriptions } = this.#options;
    const { added: kept } = changes(revoked, subscriptions.assignment());
    subscriptions.replaceAssignment(kept);
  }

  async #call(callback: () => void | Promise<void>): Promise<void> {
    try {
      await callback();
    } catch (error) {
      this.#options.logger.error({ err: error }, 'a rebalance callback threw');
      this.#callbackError ??= error;
    }
  }
}

function asTopicPartition({ topic, partition }: TopicPartitionId): TopicPartition {
  return new TopicPartition(topic, partition);
}

function nameOf({ topic, partition }: TopicPartitionId): string {
  return `${topic}-${partition}`;
}
