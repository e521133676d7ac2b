/** What goes in and out of topics: plain counters, one set a topic and one of all; those of all outlive the topics. */
import { Errors, type KafkaErrorRow } from '#protocol';

export class TopicTraffic {
  messagesIn = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** Of records that were too large. */
  bytesRejected = 0;
  /** Partitions in produce requests, and in answers to fetches. */
  produced = 0;
  fetched = 0;
  failedProduces = 0;
  failedFetches = 0;
  readonly #all: TopicTraffic | undefined;

  constructor(all?: TopicTraffic) {
    this.#all = all;
  }

  appended(bytes: number, messageCount: number): void {
    this.produced++;
    this.bytesIn += bytes;
    this.messagesIn += messageCount;
    this.#all?.appended(bytes, messageCount);
  }

  refused(bytes: number, error: KafkaErrorRow): void {
    this.produced++;
    this.failedProduces++;
    if (error === Errors.MESSAGE_TOO_LARGE || error === Errors.RECORD_LIST_TOO_LARGE) this.bytesRejected += bytes;
    this.#all?.refused(bytes, error);
  }

  read(bytes: number, isFailed: boolean): void {
    this.fetched++;
    this.bytesOut += bytes;
    if (isFailed) this.failedFetches++;
    this.#all?.read(bytes, isFailed);
  }
}

export class Traffic {
  readonly all = new TopicTraffic();
  readonly #topics = new Map<string, TopicTraffic>();

  /** Those of a topic whose partitions are here from now on. */
  of(topic: string): TopicTraffic {
    let traffic = this.#topics.get(topic);
    if (traffic === undefined) this.#topics.set(topic, (traffic = new TopicTraffic(this.all)));
    return traffic;
  }

  /** The figures of a topic that is here; of all when it is not. */
  find(topic: string): TopicTraffic {
    return this.#topics.get(topic) ?? this.all;
  }

  /** The topic is gone, and so are its figures. */
  remove(topic: string): void {
    this.#topics.delete(topic);
  }

  topics(): Iterable<readonly [topic: string, traffic: TopicTraffic]> {
    return this.#topics;
  }
}
