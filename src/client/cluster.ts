/**
 * The client's view of a cluster: finds it by the bootstrap addresses, keeps metadata fresh, holds one connection per broker (made
 * on demand) plus one per coordinator, so that group calls do not queue behind long polls. Producer, consumer and admin each own one.
 *
 * Metadata is asked for when something points to a change (`refreshSoon`), when a topic is asked for that is not known, and
 * after `metadata.max.age.ms`. Refreshes are coalesced, and further apart the longer they bring nothing (KIP-580). The rules for
 * taking an answer over are in `metadata.ts`.
 *
 * `request` does not retry: who asks knows whether asking twice is safe.
 */
import { Deferred, errorText, KafkaError, type Timer, ZERO_UUID } from '#core';
import { type Api, Apis, Errors, type Infer, type MessageSchema, toKafkaError } from '#protocol';
import { backoffMs } from './backoff.ts';
import type { ClientEnvironment, RequestBody, RequestOptions } from './broker-node.ts';
import { bootstrapAddresses } from './config.ts';
import { Coordinators, type CoordinatorType } from './coordinators.ts';
import { beforeDeadline, deadlineIn } from './deadline.ts';
import {
  applyLeader,
  applyMetadata,
  type BrokerAddress,
  type ClusterMetadata,
  isSamePicture,
  type LeaderNews,
  NO_METADATA,
  type PartitionMetadata,
  type TopicMetadata,
} from './metadata.ts';
import { NodePool } from './node-pool.ts';
import { WantedTopics } from './wanted-topics.ts';

export interface ClusterOptions extends ClientEnvironment {
  /** Whether asking for a missing topic may create it, unless `topic()` says otherwise. Default true. */
  allowAutoTopicCreation?: boolean;
  /** A topic that only `topic()` asked for is forgotten after this, ms. Default 300000 (`metadata.max.idle.ms`). */
  topicIdleMs?: number;
}

export interface ClusterRequestOptions {
  /** From the call to the reply, connecting included. Default `request.timeout.ms`. */
  timeoutMs?: number;
  /** Stops the waiting; the request itself may still be carried out. */
  signal?: AbortSignal;
  /** Highest version to use; the one in common may be lower. */
  version?: number;
}

/** A node id, a broker of the client's choice, or the one that takes controller requests. */
export type Target = number | 'any' | 'controller';

const TOPIC_IDLE_MS = 300_000;
/** From this version of Metadata on a client says whether asking may create topics. */
const AUTO_CREATION_VERSION = 4;

export class Cluster {
  readonly #environment: ClientEnvironment;
  readonly #nodes: NodePool;
  readonly #wanted: WantedTopics;
  readonly #coordinators: Coordinators;
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
  readonly #closing = new AbortController();

  constructor(options: ClusterOptions) {
    this.#environment = options;
    const bootstrap = bootstrapAddresses(options.config['bootstrap.servers']);
    this.#nodes = new NodePool(options, bootstrap, (error) => this.#onNodeLost(error));
    this.#wanted = new WantedTopics(options.allowAutoTopicCreation ?? true, options.topicIdleMs ?? TOPIC_IDLE_MS);
    this.#coordinators = new Coordinators(this, options);
  }

  /** The present picture; never changed, replaced by the next one. */
  get metadata(): ClusterMetadata {
    return this.#metadata;
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Finds the cluster. Not needed before other calls; it tells early when no broker can be reached. */
  async start(options: { deadlineMs?: number } = {}): Promise<void> {
    const deadlineMs = options.deadlineMs ?? deadlineIn(this.#environment.clock, this.#requestTimeoutMs);
    while (this.#metadata.version === 0) await this.#refreshBefore(deadlineMs, () => this.#unreachable());
  }

  /**
   * The metadata of a topic, waited for until it exists and is without error, or `deadlineMs` (monotonic) is over.
   *
   * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION, BROKER_NOT_AVAILABLE at the deadline; INVALID_TOPIC_EXCEPTION,
   * TOPIC_AUTHORIZATION_FAILED and other final answers at once
   */
  async topic(name: string, options: { deadlineMs: number; allowAutoCreate?: boolean }): Promise<TopicMetadata> {
    this.#touch(name, options.allowAutoCreate);
    for (let isFirst = true; ; isFirst = false) {
      const topic = this.#metadata.topics.get(name);
      if (topic !== undefined && topic.errorCode === Errors.NONE.code) return topic;
      if (topic !== undefined && !isFirst) this.#checkTopicError(topic);
      await this.#refreshBefore(options.deadlineMs, () => this.#topicMissing(name));
      this.#touch(name, options.allowAutoCreate);
    }
  }

  /** Says that a topic is in use, so that it stays in the metadata; cheap enough for every send. */
  touchTopic(name: string): void {
    this.#wanted.touch(name, this.#environment.clock.now().monotonicMs);
  }

  /** Replaces the topics that are kept up to date until further notice. Asks for metadata when some are not known. */
  wantTopics(names: Iterable<string>): void {
    this.#wanted.set(names);
    if (this.#wanted.lasting.some((name) => !this.#metadata.topics.has(name))) this.#refreshUrgently();
  }

  /** Keeps all topics up to date (a consumer that subscribed to a pattern) until `wantTopics` is called. */
  wantAllTopics(): void {
    if (this.#wanted.isAll) return;
    this.#wanted.setAll();
    this.#refreshUrgently();
  }

  /** Asks for metadata now, or as soon as the back-off allows; settles with that answer. @throws as the request did */
  refresh(): Promise<void> {
    if (this.isClosed) return Promise.reject(closedError());
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

  /** Waits before another try; ends early when the client is closed. */
  pause(delayMs: number): Promise<void> {
    return this.#environment.clock.sleep(delayMs, this.#closing.signal).catch(() => {
      // Closed: whoever paused finds that out with its next request.
    });
  }

  /** Calls `listener` after each change of the picture. @returns how to stop that */
  onUpdate(listener: (metadata: ClusterMetadata) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Sends one request. `any` and `controller` go on to another broker when one cannot be connected to.
   *
   * @param node also a node from `findCoordinator`
   * @throws KafkaError REQUEST_TIMED_OUT, NETWORK_EXCEPTION, BROKER_NOT_AVAILABLE (none of them could be connected to),
   * UNSUPPORTED_VERSION, CLOSED, ABORTED. Error codes inside the reply are the caller's.
   */
  request<Request extends MessageSchema, Response extends MessageSchema>(
    node: Target,
    api: Api<Request, Response>,
    body: RequestBody<Request>,
    options: ClusterRequestOptions = {},
  ): Promise<Infer<Response>> {
    if (this.isClosed) return Promise.reject(closedError());
    const timeoutMs = options.timeoutMs ?? this.#requestTimeoutMs;
    const reply =
      typeof node === 'number'
        ? this.#requestNode(node, api, body, { timeoutMs, version: options.version })
        : this.#requestSome(node, api, body, timeoutMs, options.version);
    return options.signal === undefined ? reply : untilAborted(reply, options.signal);
  }

  /** Sends a request that the broker does not answer; settles when the connection takes more. */
  requestNoReply<Request extends MessageSchema>(
    node: number,
    api: Api<Request>,
    body: RequestBody<Request>,
    options: { version?: number } = {},
  ): Promise<void> {
    const one = this.#nodes.get(node);
    if (this.isClosed) return Promise.reject(closedError());
    if (one === undefined) return Promise.reject(unknownNode(node));
    return one.requestNoReply(api, body, { timeoutMs: this.#requestTimeoutMs, version: options.version });
  }

  /** Whether a request to this node would leave within the call. */
  isReady(node: number): boolean {
    return this.#nodes.get(node)?.isReady === true;
  }

  /** Connects to a node unless connected, waiting out its back-off. @throws KafkaError NETWORK_EXCEPTION, … */
  connect(node: number): Promise<void> {
    if (this.isClosed) return Promise.reject(closedError());
    return this.#nodes.get(node)?.connect() ?? Promise.reject(unknownNode(node));
  }

  /** The version that a request to a node would have; undefined before it was connected to, or when there is none. */
  versionFor(node: number, api: Api): number | undefined {
    return this.#nodes.get(node)?.versionOf(api);
  }

  /** Who leads a partition; undefined when that is not known, or nobody does. */
  leader(topic: string, partition: number): { leaderId: number; leaderEpoch: number } | undefined {
    const found: PartitionMetadata | undefined = this.#metadata.topics.get(topic)?.partitions[partition];
    if (found === undefined || found.leaderId < 0 || !this.#metadata.brokers.has(found.leaderId)) return undefined;
    return found;
  }

  /** Takes over who leads, as a broker said in a refusal (Produce 10, Fetch 16). @see KIP-951 */
  updateLeader(news: LeaderNews, endpoints: readonly BrokerAddress[]): void {
    this.#replaceMetadata(applyLeader(this.#metadata, news, endpoints));
  }

  /**
   * Asks until `deadlineMs` (monotonic) who coordinates a group or a transactional id.
   *
   * @returns a node for `request`: not the broker's id but a connection of its own to it; `brokerIdOf` translates
   * @throws KafkaError COORDINATOR_NOT_AVAILABLE, BROKER_NOT_AVAILABLE at the deadline; GROUP_AUTHORIZATION_FAILED and other
   * final answers at once
   */
  findCoordinator(type: CoordinatorType, key: string, deadlineMs: number): Promise<number> {
    return this.#coordinators.find(type, key, deadlineMs);
  }

  /** Makes a coordinator known, and gives the node to send its requests to. */
  coordinatorNode(address: BrokerAddress): number {
    return this.#nodes.addCoordinator(address);
  }

  /** The broker's own id behind a node from `findCoordinator`. */
  brokerIdOf(node: number): number {
    return this.#nodes.brokerIdOf(node);
  }

  /** Closes all connections; what waits fails with CLOSED. Idempotent. */
  close(): Promise<void> {
    if (this.isClosed) return Promise.resolve();
    this.#closing.abort(closedError());
    this.#ageTimer?.cancel();
    this.#nextRefresh?.promise.catch(() => {
      // Nobody may be waiting for the refresh that does not come any more.
    });
    this.#nextRefresh?.reject(closedError());
    this.#nextRefresh = undefined;
    this.#nodes.close();
    this.#listeners.clear();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #requestTimeoutMs(): number {
    return this.#environment.config['request.timeout.ms'];
  }

  #touch(name: string, allowAutoCreate: boolean | undefined): void {
    const isNew = this.#wanted.touch(name, this.#environment.clock.now().monotonicMs, allowAutoCreate);
    if (isNew && !this.#metadata.topics.has(name)) this.#isUrgent = true;
  }

  #refreshUrgently(): void {
    this.#isUrgent = true;
    this.refreshSoon();
  }

  async #refreshBefore(deadlineMs: number, late: () => KafkaError): Promise<void> {
    const { clock } = this.#environment;
    try {
      await beforeDeadline(clock, this.refresh(), deadlineMs, late);
    } catch (error) {
      if (this.isClosed || clock.now().monotonicMs >= deadlineMs || !isRetriable(error)) throw error;
    }
  }

  async #refreshLoop(): Promise<void> {
    this.#isRefreshing = true;
    while (this.#nextRefresh !== undefined && !this.isClosed) {
      await this.#backOff();
      const turn = this.#nextRefresh;
      if (turn === undefined || this.isClosed) break;
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
    await this.pause(waitMs);
  }

  async #refreshOnce(): Promise<void> {
    const { clock } = this.#environment;
    this.#isUrgent = false;
    this.#lastRefreshMs = clock.now().monotonicMs;
    try {
      const before = this.#metadata;
      await this.#askMetadata();
      this.#fruitlessCount = isSamePicture(before, this.#metadata) ? this.#fruitlessCount + 1 : 0;
      this.#lastError = undefined;
    } catch (error) {
      this.#fruitlessCount++;
      this.#lastError = error instanceof KafkaError ? error : this.#lastError;
      this.#logRefreshFailure(error);
      throw error;
    } finally {
      this.#setAgeTimer();
    }
  }

  /** The first failure in a row is for people; the others say the same again. */
  #logRefreshFailure(error: unknown): void {
    if (this.isClosed) return;
    const text = `no metadata, trying again: ${errorText(error)}`;
    if (this.#fruitlessCount === 1) this.#environment.logger.warn(text);
    else this.#environment.logger.debug(text);
  }

  async #askMetadata(): Promise<void> {
    const { clock } = this.#environment;
    const nowMs = clock.now().monotonicMs;
    const asked = this.#wanted.asked(nowMs, (name) => this.#metadata.topics.has(name));
    const topics = asked.names?.map((name) => ({ topicId: ZERO_UUID, name })) ?? null;
    const response = await this.request('any', Apis.Metadata, (version) => ({
      topics,
      ...(version >= AUTO_CREATION_VERSION ? { allowAutoTopicCreation: asked.allowAutoCreation } : {}),
    }));
    // Version 13 may refuse as a whole (REBOOTSTRAP_REQUIRED, KIP-1242): forget what is known and begin at the bootstrap list.
    if (response.errorCode === Errors.REBOOTSTRAP_REQUIRED.code) this.#nodes.update(new Map());
    if (response.errorCode !== Errors.NONE.code) throw toKafkaError(response.errorCode, 'metadata');
    if (response.brokers.length === 0)
      throw new KafkaError('BROKER_NOT_AVAILABLE', 'the cluster names no broker', { retriable: true });
    const answered = new Set(asked.names);
    const isKept = (name: string) => topics !== null && !answered.has(name) && this.#wanted.has(name);
    this.#replaceMetadata(applyMetadata(this.#metadata, response, isKept));
  }

  #replaceMetadata(next: ClusterMetadata): void {
    if (next === this.#metadata) return;
    this.#metadata = next;
    this.#nodes.update(next.brokers);
    for (const listener of this.#listeners) listener(next);
  }

  #setAgeTimer(): void {
    const { clock, config } = this.#environment;
    this.#ageTimer?.cancel();
    if (this.isClosed) return;
    const delayMs = this.#lastError === undefined ? config['metadata.max.age.ms'] : config['retry.backoff.max.ms'];
    this.#ageTimer = clock.setTimer(Math.max(1, delayMs), () => this.refreshSoon(), { unref: true });
  }

  #onNodeLost(error: KafkaError): void {
    if (this.isClosed) return;
    this.#environment.logger.debug({ err: error }, 'a connection was lost');
    if (this.#metadata.version > 0) this.refreshSoon();
  }

  #requestNode<Request extends MessageSchema, Response extends MessageSchema>(
    nodeId: number,
    api: Api<Request, Response>,
    body: RequestBody<Request>,
    options: RequestOptions,
  ): Promise<Infer<Response>> {
    return this.#nodes.get(nodeId)?.request(api, body, options) ?? Promise.reject(unknownNode(nodeId));
  }

  async #requestSome<Request extends MessageSchema, Response extends MessageSchema>(
    target: 'any' | 'controller',
    api: Api<Request, Response>,
    body: RequestBody<Request>,
    timeoutMs: number,
    version: number | undefined,
  ): Promise<Infer<Response>> {
    const deadlineMs = deadlineIn(this.#environment.clock, timeoutMs);
    const preferred = target === 'controller' ? this.#metadata.controllerId : -1;
    const node = await this.#nodes.connectSome(preferred, deadlineMs);
    const leftMs = Math.max(1, deadlineMs - this.#environment.clock.now().monotonicMs);
    return node.request(api, body, { timeoutMs: leftMs, version });
  }

  #checkTopicError(topic: TopicMetadata): void {
    const error = toKafkaError(topic.errorCode, `topic '${topic.name}'`);
    if (!error.retriable) throw error;
  }

  #topicMissing(name: string): KafkaError {
    if (this.#metadata.version === 0 || this.#lastError !== undefined) return this.#unreachable();
    const code = this.#metadata.topics.get(name)?.errorCode ?? Errors.UNKNOWN_TOPIC_OR_PARTITION.code;
    return toKafkaError(code, `topic '${name}' did not appear in the cluster's metadata in time; does it exist?`);
  }

  #unreachable(): KafkaError {
    return this.#lastError?.code === 'BROKER_NOT_AVAILABLE'
      ? this.#lastError
      : this.#nodes.unreachable(this.#lastError);
  }
}

function untilAborted<T>(reply: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new KafkaError('ABORTED', 'the request was aborted', { cause: signal.reason }));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    reply.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function isRetriable(error: unknown): boolean {
  return error instanceof KafkaError && error.retriable;
}

function unknownNode(node: number): KafkaError {
  return new KafkaError('BROKER_NOT_AVAILABLE', `broker ${node} is not in the cluster's metadata`, { retriable: true });
}

function closedError(): KafkaError {
  return new KafkaError('CLOSED', 'the client was closed');
}
