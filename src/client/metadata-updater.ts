/**
 * Keeps the picture of the cluster fresh. Metadata is asked for when something points to a change (`refreshSoon`), when a topic is
 * wanted that is not known, and after `metadata.max.age.ms`. Refreshes are coalesced, and further apart the longer they bring nothing
 * (KIP-580). The rules for taking an answer over are in `metadata.ts`, which topics are asked for in `wanted-topics.ts`.
 */
import { Deferred, errorText, KafkaError, type Timer, ZERO_UUID } from '#core';
import { Apis, Errors, toKafkaError } from '#protocol';
import { backoffMs } from './backoff.ts';
import type { ClientEnvironment } from './broker-node.ts';
import {
  applyLeader,
  applyMetadata,
  type BrokerAddress,
  type ClusterMetadata,
  isSamePicture,
  type LeaderNews,
  NO_METADATA,
} from './metadata.ts';
import { closedError, type NetworkClient } from './network-client.ts';
import type { WantedTopics } from './wanted-topics.ts';

/** From this version of Metadata on a client says whether asking may create topics. */
const AUTO_CREATION_VERSION = 4;

export class MetadataUpdater {
  readonly #environment: ClientEnvironment;
  readonly #network: NetworkClient;
  readonly #wanted: WantedTopics;
  readonly #listeners = new Set<(metadata: ClusterMetadata) => void>();
  #metadata: ClusterMetadata = NO_METADATA;
  /** Who waits for the refresh that has not begun. */
  #nextRefresh: Deferred<void> | undefined;
  #isRefreshing = false;
  /** The next refresh asks for something new, so it does not wait for the back-off of those that brought nothing. */
  #isUrgent = false;
  /** Refreshes in a row that failed or changed nothing. */
  #fruitlessCount = 0;
  #lastRefreshMs = Number.NEGATIVE_INFINITY;
  #lastError: KafkaError | undefined;
  #ageTimer: Timer | undefined;

  constructor(environment: ClientEnvironment, network: NetworkClient, wanted: WantedTopics) {
    this.#environment = environment;
    this.#network = network;
    this.#wanted = wanted;
  }

  /** The present picture; never changed, replaced by the next one. */
  get metadata(): ClusterMetadata {
    return this.#metadata;
  }

  /** Why the last refresh failed; undefined when it did not. */
  get lastError(): KafkaError | undefined {
    return this.#lastError;
  }

  /** Says that a topic is in use; cheap enough for every send. */
  touch(name: string): void {
    this.#wanted.touch(name, this.#environment.clock.now().monotonicMs);
  }

  /** As `touch`, of a topic that is waited for. */
  touchUrgently(name: string, allowAutoCreate: boolean | undefined): void {
    const isNew = this.#wanted.touch(name, this.#environment.clock.now().monotonicMs, allowAutoCreate);
    if (isNew && !this.#metadata.topics.has(name)) this.#isUrgent = true;
  }

  /** @see Cluster.wantTopics */
  wantTopics(names: Iterable<string>): void {
    this.#wanted.set(names);
    if (this.#wanted.lasting.some((name) => !this.#metadata.topics.has(name))) this.#refreshUrgently();
  }

  /** @see Cluster.wantAllTopics */
  wantAllTopics(): void {
    if (this.#wanted.isAll) return;
    this.#wanted.setAll();
    this.#refreshUrgently();
  }

  /** Asks for metadata now, or as soon as the back-off allows; settles with that answer. @throws as the request did */
  refresh(): Promise<void> {
    if (this.#network.isClosed) return Promise.reject(closedError());
    this.#nextRefresh ??= new Deferred<void>();
    const { promise } = this.#nextRefresh;
    if (!this.#isRefreshing) void this.#refreshLoop();
    return promise;
  }

  /** As `refresh`, for who does not wait: something points to a change. Failures are tried again by themselves. */
  refreshSoon(): void {
    this.refresh().catch(() => {
      // Kept in #lastError, logged by the loop, and tried again by the age timer.
    });
  }

  /** Takes over who leads, as a broker said in a refusal. */
  updateLeader(news: LeaderNews, endpoints: readonly BrokerAddress[]): void {
    this.#replace(applyLeader(this.#metadata, news, endpoints));
  }

  /** Calls `listener` after each change of the picture. @returns how to stop that */
  onUpdate(listener: (metadata: ClusterMetadata) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Asks for nothing any more; whoever waits hears CLOSED. */
  close(): void {
    this.#ageTimer?.cancel();
    this.#nextRefresh?.promise.catch(() => {
      // Nobody may be waiting for the refresh that does not come any more.
    });
    this.#nextRefresh?.reject(closedError());
    this.#nextRefresh = undefined;
    this.#listeners.clear();
  }

  #refreshUrgently(): void {
    this.#isUrgent = true;
    this.refreshSoon();
  }

  async #refreshLoop(): Promise<void> {
    this.#isRefreshing = true;
    while (this.#nextRefresh !== undefined && !this.#network.isClosed) {
      await this.#backOff();
      const turn = this.#nextRefresh;
      if (turn === undefined || this.#network.isClosed) break;
      this.#nextRefresh = undefined;
      await this.#refreshOnce().then(
        () => turn.resolve(),
        (error) => turn.reject(error),
      );
    }
    this.#isRefreshing = false;
  }

  /** Waits as long as the last refreshes ask for, unless something new is wanted. */
  async #backOff(): Promise<void> {
    const { clock, config, random } = this.#environment;
    if (this.#isUrgent && this.#lastError === undefined) return;
    const backoff = { firstMs: config['retry.backoff.ms'], mostMs: config['retry.backoff.max.ms'] };
    const sinceMs = clock.now().monotonicMs - this.#lastRefreshMs;
    const waitMs = backoffMs(backoff, Math.max(1, this.#fruitlessCount), random.float()) - sinceMs;
    if (waitMs <= 0) return;
    await this.#network.pause(waitMs);
  }

  async #refreshOnce(): Promise<void> {
    const { clock } = this.#environment;
    this.#isUrgent = false;
    this.#lastRefreshMs = clock.now().monotonicMs;
    try {
      const before = this.#metadata;
      await this.#ask();
      this.#fruitlessCount = isSamePicture(before, this.#metadata) ? this.#fruitlessCount + 1 : 0;
      this.#lastError = undefined;
    } catch (error) {
      this.#fruitlessCount++;
      this.#lastError = error instanceof KafkaError ? error : this.#lastError;
      this.#logFailure(error);
      throw error;
    } finally {
      this.#setAgeTimer();
    }
  }

  /** The first failure in a row is for people; the others say the same again. */
  #logFailure(error: unknown): void {
    if (this.#network.isClosed) return;
    const text = `no metadata, trying again: ${errorText(error)}`;
    if (this.#fruitlessCount === 1) this.#environment.logger.warn(text);
    else this.#environment.logger.debug(text);
  }

  async #ask(): Promise<void> {
    const { clock } = this.#environment;
    const nowMs = clock.now().monotonicMs;
    const asked = this.#wanted.asked(nowMs, (name) => this.#metadata.topics.has(name));
    const topics = asked.names?.map((name) => ({ topicId: ZERO_UUID, name })) ?? null;
    const response = await this.#network.request('any', Apis.Metadata, (version) => ({
      topics,
      ...(version >= AUTO_CREATION_VERSION ? { allowAutoTopicCreation: asked.allowAutoCreation } : {}),
    }));
    // Version 13 may refuse as a whole (REBOOTSTRAP_REQUIRED, KIP-1242): forget what is known and begin at the bootstrap list.
    if (response.errorCode === Errors.REBOOTSTRAP_REQUIRED.code) this.#network.update(new Map(), -1);
    if (response.errorCode !== Errors.NONE.code) throw toKafkaError(response.errorCode, 'metadata');
    if (response.brokers.length === 0)
      throw new KafkaError('BROKER_NOT_AVAILABLE', 'the cluster names no broker', { retriable: true });
    const answered = new Set(asked.names);
    const isKept = (name: string) => topics !== null && !answered.has(name) && this.#wanted.has(name);
    this.#replace(applyMetadata(this.#metadata, response, isKept));
  }

  #replace(next: ClusterMetadata): void {
    if (next === this.#metadata) return;
    this.#metadata = next;
    this.#network.update(next.brokers, next.controllerId);
    for (const listener of this.#listeners) listener(next);
  }

  #setAgeTimer(): void {
    const { clock, config } = this.#environment;
    this.#ageTimer?.cancel();
    if (this.#network.isClosed) return;
    const delayMs = this.#lastError === undefined ? config['metadata.max.age.ms'] : config['retry.backoff.max.ms'];
    this.#ageTimer = clock.setTimer(Math.max(1, delayMs), () => this.refreshSoon(), { unref: true });
  }
}
