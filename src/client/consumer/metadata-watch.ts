/**
 * Keeps the consumer's topics in the cluster's metadata, and turns news into what they mean for it: the pattern is matched again,
 * the leader compares its plan, poll looks again. Topics that do not exist (yet) are asked for as long as they are wanted.
 */
import { type KafkaError, ZERO_UUID } from '#core';
import { Errors, errorByCode, toKafkaError } from '#protocol';
import type { Cluster } from '../cluster.ts';
import type { ClusterMetadata } from '../metadata.ts';
import type { Signal } from './signal.ts';
import type { PartitionState, SubscriptionState } from './subscription-state.ts';

export interface MetadataWatchOptions {
  readonly cluster: Cluster;
  readonly subscriptions: SubscriptionState;
  /** exclude.internal.topics */
  readonly excludesInternalTopics: boolean;
  readonly signal: Signal;
  readonly onChange: () => void;
  /** An assigned partition belongs to another topic of the same name now: the old one was deleted. */
  readonly onRecreated: (state: PartitionState) => void;
}

export class MetadataWatch {
  readonly #options: MetadataWatchOptions;
  readonly #stop: () => void;
  /** The pattern in force was matched against all topics at least once. */
  #isPatternMatched = false;
  #isAsking = false;

  constructor(options: MetadataWatchOptions) {
    this.#options = options;
    this.#stop = options.cluster.onUpdate((metadata) => this.#onUpdate(metadata));
  }

  /** The subscription or the assignment is another one now. */
  follow(): void {
    const { cluster, subscriptions } = this.#options;
    this.#isPatternMatched = false;
    if (subscriptions.subscription.type === 'pattern') {
      cluster.wantAllTopics();
      this.#ask(() => this.#matchPattern(cluster.metadata));
    } else cluster.wantTopics(this.#wanted());
  }

  /** False while a pattern has not seen the topics: there is nothing to join a group with. */
  get isReady(): boolean {
    return this.#options.subscriptions.subscription.type !== 'pattern' || this.#isPatternMatched;
  }

  /**
   * Asks for topics that are missing. Cheap when none is.
   *
   * @returns why a wanted topic cannot be read for good, if one cannot
   */
  update(): KafkaError | undefined {
    const { cluster, subscriptions } = this.#options;
    if (!this.isReady) this.#ask(() => this.#matchPattern(cluster.metadata));
    if (subscriptions.subscription.type === 'pattern') return undefined;
    let isMissing = false;
    for (const topic of this.#wanted()) {
      const errorCode = cluster.metadata.topics.get(topic)?.errorCode;
      if (errorCode === Errors.NONE.code) continue;
      isMissing = true;
      if (errorCode !== undefined && !errorByCode(errorCode).retriable)
        return toKafkaError(errorCode, `topic '${topic}'`);
    }
    if (isMissing) this.#ask();
    return undefined;
  }

  close(): void {
    this.#stop();
  }

  #wanted(): Iterable<string> {
    const { subscriptions } = this.#options;
    if (subscriptions.isAutoAssigned) return subscriptions.topics;
    return new Set(Array.from(subscriptions.states(), ({ topicPartition }) => topicPartition.topic));
  }

  /** One question at a time; the cluster keeps a growing pause between fruitless ones. */
  #ask(then: () => void = () => {}): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const wake = () => {
      this.#isAsking = false;
      this.#options.signal.raise();
    };
    this.#options.cluster.refresh().then(then).then(wake, wake);
  }

  #onUpdate(metadata: ClusterMetadata): void {
    if (this.#isPatternMatched) this.#matchPattern(metadata);
    this.#compareTopicIds(metadata);
    this.#options.onChange();
    this.#options.signal.raise();
  }

  /** Before anything is committed: the position in the old topic says nothing about the new one. @see KIP-516 */
  #compareTopicIds({ topics }: ClusterMetadata): void {
    for (const state of this.#options.subscriptions.states()) {
      const topicId = topics.get(state.topicPartition.topic)?.topicId ?? ZERO_UUID;
      if (topicId === ZERO_UUID || topicId === state.topicId) continue;
      const isOther = state.topicId !== ZERO_UUID && state.position !== undefined;
      state.topicId = topicId;
      if (isOther) this.#options.onRecreated(state);
    }
  }

  #matchPattern(metadata: ClusterMetadata): void {
    const { subscriptions, excludesInternalTopics } = this.#options;
    const names: string[] = [];
    for (const { name, isInternal, errorCode } of metadata.topics.values()) {
      if (errorCode === Errors.NONE.code && !(isInternal && excludesInternalTopics)) names.push(name);
    }
    this.#isPatternMatched = true;
    subscriptions.matchPattern(names);
  }
}
