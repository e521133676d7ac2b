/**
 * What the consumer is subscribed to, which partitions it has, and where it stands in each ◇; everything else reads
 * and moves it. One partition goes through
 *
 * | state     | is                                    | leaves it by                                              |
 * |-----------|---------------------------------------|-----------------------------------------------------------|
 * | unplaced  | no position, no reset                 | committed offset found → placed; none found → resetting    |
 * | resetting | no position, `reset` says where to go | ListOffsets answered → placed                              |
 * | placed    | `position` is the next record to hand out | seek → placed; OFFSET_OUT_OF_RANGE, seekToEnd… → resetting |
 *
 * Every jump (anything but handing out the next record) raises `incarnation`; answers that were asked under an older
 * incarnation are thrown away, so a late fetch can never move a partition that was sought meanwhile.
 */
import { KafkaError, type Uuid, ZERO_UUID } from '#core';
import { TopicPartition } from '#serde';
import type { ResetStrategy } from './offset-reset.ts';
import type { ConsumerRebalanceListener } from './rebalance-listener.ts';

/** An offset and the leader epoch of the record before it (-1: not known). */
export interface Position {
  readonly offset: number;
  readonly leaderEpoch: number;
}

export type Subscription =
  | { readonly type: 'none' }
  | { readonly type: 'topics'; readonly topics: ReadonlySet<string> }
  | { readonly type: 'pattern'; readonly pattern: RegExp; readonly topics: ReadonlySet<string> }
  | { readonly type: 'manual' };

/** One assigned partition. Written by SubscriptionState and by the fetcher's bookkeeping, nobody else. */
export class PartitionState {
  readonly topicPartition: TopicPartition;
  /** Of the topic that the position belongs to; ZERO_UUID until it is known. */
  topicId: Uuid = ZERO_UUID;
  position: Position | undefined;
  reset: ResetStrategy | undefined;
  isPaused = false;
  /** Being taken away by a rebalance: nothing more is handed out. */
  isRevoking = false;
  incarnation = 0;
  /** Where the next fetch starts: `position` plus what is buffered. Meaningless without a position. */
  nextFetch: Position = { offset: -1, leaderEpoch: -1 };
  bufferedBytes = 0;
  /** Monotonic time before which nothing is asked for this partition again, after an error. */
  retryAtMs = 0;
  /** A follower that the leader told us to read from (KIP-392), and until when that holds (monotonic). */
  preferredReplica: { readonly nodeId: number; readonly untilMs: number } | undefined;
  highWatermark = -1;
  lastStableOffset = -1;
  logStartOffset = -1;

  constructor(topicPartition: TopicPartition) {
    this.topicPartition = topicPartition;
  }

  get isUnplaced(): boolean {
    return this.position === undefined && this.reset === undefined;
  }

  /** Jumps to `position`; what was buffered or asked before is void. */
  place(position: Position): void {
    this.position = position;
    this.nextFetch = position;
    this.reset = undefined;
    this.retryAtMs = 0;
    this.incarnation += 1;
  }

  /** Gives up the position until the committed offset, or what to do without one, was looked up. */
  unplace(): void {
    this.position = undefined;
    this.reset = undefined;
    this.retryAtMs = 0;
    this.incarnation += 1;
  }

  /** Stays where it is, but what was buffered or asked ahead is void: an answer still to come must not be taken for what comes next. */
  askAgain(): void {
    if (this.position !== undefined) this.nextFetch = this.position;
    this.incarnation += 1;
  }

  /** Gives up the position until `strategy` was looked up. */
  awaitReset(strategy: ResetStrategy): void {
    this.position = undefined;
    this.reset = strategy;
    this.retryAtMs = 0;
    this.incarnation += 1;
  }
}

export class SubscriptionState {
  #subscription: Subscription = { type: 'none' };
  #listener: ConsumerRebalanceListener = {};
  readonly #partitions = new Map<string, PartitionState>();

  get subscription(): Subscription {
    return this.#subscription;
  }

  get listener(): ConsumerRebalanceListener {
    return this.#listener;
  }

  /** Whether a group decides about the partitions. */
  get isAutoAssigned(): boolean {
    return this.#subscription.type === 'topics' || this.#subscription.type === 'pattern';
  }

  /** The topics subscribed to: named ones, or those the pattern matched at the last look. */
  get topics(): ReadonlySet<string> {
    const subscription = this.#subscription;
    return subscription.type === 'topics' || subscription.type === 'pattern' ? subscription.topics : NO_TOPICS;
  }

  /** Whether partitions of this topic may be assigned: a leader may know a topic of the pattern earlier than we do. */
  accepts(topic: string): boolean {
    const subscription = this.#subscription;
    return subscription.type === 'pattern' ? subscription.pattern.test(topic) : this.topics.has(topic);
  }

  /** True when the set of topics is another than before. */
  subscribeTopics(topics: Iterable<string>, listener: ConsumerRebalanceListener): boolean {
    this.#refuseMixing('topics');
    const before = this.topics;
    const wanted = new Set(topics);
    this.#subscription = { type: 'topics', topics: wanted };
    this.#listener = listener;
    return !hasSameMembers(before, wanted);
  }

  subscribePattern(pattern: RegExp, listener: ConsumerRebalanceListener): void {
    this.#refuseMixing('pattern');
    // A sticky or global flag would make test() remember its last match.
    const stateless = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
    this.#subscription = { type: 'pattern', pattern: stateless, topics: new Set() };
    this.#listener = listener;
  }

  /** Matches the pattern against all topic names; true when the result is another than before. */
  matchPattern(names: Iterable<string>): boolean {
    const subscription = this.#subscription;
    if (subscription.type !== 'pattern') return false;
    const topics = new Set<string>();
    for (const name of names) if (subscription.pattern.test(name)) topics.add(name);
    if (hasSameMembers(subscription.topics, topics)) return false;
    this.#subscription = { ...subscription, topics };
    return true;
  }

  assignManually(partitions: readonly { topic: string; partition: number }[]): void {
    this.#refuseMixing('manual');
    this.#subscription = { type: 'manual' };
    this.#listener = {};
    this.replaceAssignment(partitions);
  }

  unsubscribe(): void {
    this.#subscription = { type: 'none' };
    this.#listener = {};
    this.#partitions.clear();
  }

  /** Makes `partitions` the assignment. Those that were assigned before keep their position and their pause. */
  replaceAssignment(partitions: readonly { topic: string; partition: number }[]): void {
    const kept = new Map<string, PartitionState>();
    for (const { topic, partition } of partitions) {
      const key = keyOf(topic, partition);
      const state = this.#partitions.get(key) ?? new PartitionState(new TopicPartition(topic, partition));
      state.isRevoking = false;
      kept.set(key, state);
    }
    for (const [key, state] of this.#partitions) if (!kept.has(key)) state.incarnation += 1;
    this.#partitions.clear();
    for (const [key, state] of kept) this.#partitions.set(key, state);
  }

  get(partition: { topic: string; partition: number }): PartitionState | undefined {
    return this.#partitions.get(keyOf(partition.topic, partition.partition));
  }

  /** @throws KafkaError ILLEGAL_STATE */
  assigned(partition: { topic: string; partition: number }): PartitionState {
    const state = this.get(partition);
    if (state !== undefined) return state;
    throw new KafkaError(
      'ILLEGAL_STATE',
      `${keyOf(partition.topic, partition.partition)} is not assigned to this consumer now. Partitions of a subscription are assigned inside poll(); ` +
        'use a rebalance listener to act on them as they arrive.',
    );
  }

  states(): IterableIterator<PartitionState> {
    return this.#partitions.values();
  }

  get assignmentCount(): number {
    return this.#partitions.size;
  }

  assignment(): TopicPartition[] {
    return Array.from(this.#partitions.values(), (state) => state.topicPartition);
  }

  #refuseMixing(wanted: Subscription['type']): void {
    const current = this.#subscription.type;
    if (current === 'none' || current === wanted) return;
    throw new KafkaError(
      'ILLEGAL_STATE',
      'Subscription to topics, to a pattern and assignment of partitions exclude each other: ' +
        `this consumer has ${DESCRIPTIONS[current]}. Call unsubscribe() first.`,
    );
  }
}

const NO_TOPICS: ReadonlySet<string> = new Set();

const DESCRIPTIONS = {
  topics: 'a list of topics',
  pattern: 'a pattern',
  manual: 'partitions assigned by hand',
} as const;

function keyOf(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

export function hasSameMembers(left: ReadonlySet<string>, right: ReadonlySet<string>): boolean {
  if (left.size !== right.size) return false;
  for (const member of left) if (!right.has(member)) return false;
  return true;
}
