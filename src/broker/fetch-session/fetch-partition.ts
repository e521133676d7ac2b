/** One partition that a client fetches, and what it was told of it last. Lives as long as one fetch, or as a session. */
import type { Uuid } from '#core';
import { Errors } from '#protocol';

const UNTOLD = -1;

/** As a request names topics: by `topicId` (Fetch 13+), or by `topic`. */
export interface AskedTopic {
  readonly topic: string;
  readonly topicId: Uuid;
  readonly partitions: readonly AskedPartition[];
}

export interface AskedPartition {
  readonly partition: number;
  readonly currentLeaderEpoch: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  readonly partitionMaxBytes: number;
}

/** What is to be said about a partition now. */
export interface PartitionNews {
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly hasRecords: boolean;
  readonly isDiverging: boolean;
}

export class FetchPartition {
  readonly key: string;
  readonly topicId: Uuid;
  /** The name that was asked for; for one asked by id the name that it was found under first, '' until then. */
  topic: string;
  readonly partition: number;
  fetchOffset: number;
  currentLeaderEpoch: number;
  lastFetchedEpoch: number;
  partitionMaxBytes: number;
  #toldHighWatermark = UNTOLD;
  #toldLogStartOffset = UNTOLD;

  constructor(key: string, topic: string, topicId: Uuid, asked: AskedPartition) {
    this.key = key;
    this.topicId = topicId;
    this.topic = topic;
    this.partition = asked.partition;
    this.fetchOffset = asked.fetchOffset;
    this.currentLeaderEpoch = asked.currentLeaderEpoch;
    this.lastFetchedEpoch = asked.lastFetchedEpoch;
    this.partitionMaxBytes = asked.partitionMaxBytes;
  }

  /** The client asks for something else from now on; what it was told stays. */
  ask(asked: AskedPartition): void {
    this.fetchOffset = asked.fetchOffset;
    this.currentLeaderEpoch = asked.currentLeaderEpoch;
    this.lastFetchedEpoch = asked.lastFetchedEpoch;
    this.partitionMaxBytes = asked.partitionMaxBytes;
  }

  /** Whether the client knows these two, so that only records or an error would be worth telling. */
  knows(highWatermark: number, logStartOffset: number): boolean {
    return this.#toldHighWatermark === highWatermark && this.#toldLogStartOffset === logStartOffset;
  }

  /** The client is told. An error is forgotten at once, so that its end is news. @returns whether it is news */
  tell(news: PartitionNews): boolean {
    const isKnown = this.knows(news.highWatermark, news.logStartOffset);
    const isError = news.errorCode !== Errors.NONE.code;
    this.#toldHighWatermark = isError ? UNTOLD : news.highWatermark;
    this.#toldLogStartOffset = news.logStartOffset;
    return !isKnown || isError || news.hasRecords || news.isDiverging;
  }
}

/** Partitions by their keys, in the order in which they are read. */
export type FetchPartitions = Map<string, FetchPartition>;

/** Each partition once: of a repeated one the last word counts, at the place of the first. */
export function askedPartitions(topics: readonly AskedTopic[], usesTopicIds: boolean): FetchPartitions {
  const found: FetchPartitions = new Map();
  for (const { topic, topicId, partitions } of topics) {
    for (const asked of partitions) {
      const key = partitionKey(usesTopicIds ? topicId : topic, asked.partition);
      const known = found.get(key);
      if (known === undefined) found.set(key, new FetchPartition(key, topic, topicId, asked));
      else known.ask(asked);
    }
  }
  return found;
}

/** `topic`: its id or its name, as requests of this version have it. */
export function partitionKey(topic: string, partition: number): string {
  return `${topic}:${partition}`;
}
