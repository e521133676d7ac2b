/**
 * What a log is configured with: something that stands in for it until the topic is known, then what the topic says. Also what follows
 * from that: where records may be missing. ◇
 */
import type { TopicConfig } from '../config.ts';

export class LogConfig {
  #topicConfig: TopicConfig;
  #isTopics: boolean;
  #compactedTo: number;

  /**
   * @param isTopics whether `topicConfig` is that of the topic
   * @param compactedTo where the cleaner has come to
   */
  constructor(topicConfig: TopicConfig, isTopics: boolean, compactedTo: number) {
    this.#topicConfig = topicConfig;
    this.#isTopics = isTopics;
    this.#compactedTo = compactedToOf(topicConfig, compactedTo);
  }

  get topicConfig(): TopicConfig {
    return this.#topicConfig;
  }

  /** Whether `topicConfig` is known to be that of the topic. */
  get isTopics(): boolean {
    return this.#isTopics;
  }

  /** @see SegmentsOwner */
  get compactedTo(): number {
    return this.#isTopics ? this.#compactedTo : Number.POSITIVE_INFINITY;
  }

  update(topicConfig: TopicConfig): void {
    this.#topicConfig = topicConfig;
    this.#compactedTo = compactedToOf(topicConfig, this.#compactedTo);
    this.#isTopics = true;
  }
}

/** Once a topic is compacted, gaps may be anywhere. */
function compactedToOf(topicConfig: TopicConfig, known: number): number {
  return topicConfig['cleanup.policy'].includes('compact') ? Number.POSITIVE_INFINITY : known;
}
