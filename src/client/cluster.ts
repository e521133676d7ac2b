/**
 * The client's view of a cluster: finds it by the bootstrap addresses, keeps metadata fresh (`metadata-updater.ts`), holds one connection
 * per broker plus one per coordinator, so that group calls do not queue behind long polls (`network-client.ts`), and finds coordinators
 * (`coordinators.ts`). Producer, consumer and admin each own one.
 */
import { KafkaError } from '#core';
import { type Api, Errors, type Infer, type MessageSchema, toKafkaError } from '#protocol';
import type { ClientEnvironment, RequestBody } from './broker-node.ts';
import { Coordinators, type CoordinatorType } from './coordinators.ts';
import { beforeDeadline, deadlineIn } from './deadline.ts';
import type { BrokerAddress, ClusterMetadata, LeaderNews, PartitionMetadata, TopicMetadata } from './metadata.ts';
import { MetadataUpdater } from './metadata-updater.ts';
import { type ClusterRequestOptions, NetworkClient, type Target } from './network-client.ts';
import { WantedTopics } from './wanted-topics.ts';

export interface ClusterOptions extends ClientEnvironment {
  /** Whether asking for a missing topic may create it, unless `topic()` says otherwise. Default true. */
  allowAutoTopicCreation?: boolean;
  /** A topic that only `topic()` asked for is forgotten after this, ms. Default 300000 (`metadata.max.idle.ms`). */
  topicIdleMs?: number;
}

const TOPIC_IDLE_MS = 300_000;

export class Cluster {
  readonly #environment: ClientEnvironment;
  readonly #network: NetworkClient;
  readonly #updater: MetadataUpdater;
  readonly #coordinators: Coordinators;

  constructor(options: ClusterOptions) {
    this.#environment = options;
    this.#network = new NetworkClient(options, (error) => this.#onNodeLost(error));
    const wanted = new WantedTopics(options.allowAutoTopicCreation ?? true, options.topicIdleMs ?? TOPIC_IDLE_MS);
    this.#updater = new MetadataUpdater(options, this.#network, wanted);
    this.#coordinators = new Coordinators(this.#network, options);
  }

  /** The present picture; never changed, replaced by the next one. */
  get metadata(): ClusterMetadata {
    return this.#updater.metadata;
  }

  get isClosed(): boolean {
    return this.#network.isClosed;
  }

  /** Finds the cluster. Not needed before other calls; it tells early when no broker can be reached. */
  async start(options: { deadlineMs?: number } = {}): Promise<void> {
    const { clock, config } = this.#environment;
    const deadlineMs = options.deadlineMs ?? deadlineIn(clock, config['request.timeout.ms']);
    while (this.metadata.version === 0) await this.#refreshBefore(deadlineMs, () => this.#unreachable());
  }

  /**
   * The metadata of a topic, waited for until it exists and is without error, or `deadlineMs` (monotonic) is over.
   *
   * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION, BROKER_NOT_AVAILABLE at the deadline; INVALID_TOPIC_EXCEPTION,
   * TOPIC_AUTHORIZATION_FAILED and other final answers at once
   */
  async topic(name: string, options: { deadlineMs: number; allowAutoCreate?: boolean }): Promise<TopicMetadata> {
    this.#updater.touchUrgently(name, options.allowAutoCreate);
    for (let isFirst = true; ; isFirst = false) {
      const topic = this.metadata.topics.get(name);
      if (topic !== undefined && topic.errorCode === Errors.NONE.code) return topic;
      if (topic !== undefined && !isFirst) checkTopicError(topic);
      await this.#refreshBefore(options.deadlineMs, () => this.#topicMissing(name));
      this.#updater.touchUrgently(name, options.allowAutoCreate);
    }
  }

  /** Says that a topic is in use, so that it stays in the metadata; cheap enough for every send. */
  touchTopic(name: string): void {
    this.#updater.touch(name);
  }

  /** Replaces the topics that are kept up to date until further notice. Asks for metadata when some are not known. */
  wantTopics(names: Iterable<string>): void {
    this.#updater.wantTopics(names);
  }

  /** Keeps all topics up to date (a consumer that subscribed to a pattern) until `wantTopics` is called. */
  wantAllTopics(): void {
    this.#updater.wantAllTopics();
  }

  /** Asks for metadata now, or as soon as the back-off allows; settles with that answer. @throws as the request did */
  refresh(): Promise<void> {
    return this.#updater.refresh();
  }

  /** As `refresh`, for who does not wait: something points to a change. Failures are tried again by themselves. */
  refreshSoon(): void {
    this.#updater.refreshSoon();
  }

  /** Waits before another try; ends early when the client is closed. */
  pause(delayMs: number): Promise<void> {
    return this.#network.pause(delayMs);
  }

  /** Calls `listener` after each change of the picture. @returns how to stop that */
  onUpdate(listener: (metadata: ClusterMetadata) => void): () => void {
    return this.#updater.onUpdate(listener);
  }

  /**
   * Sends one request, once: who asks knows whether asking twice is safe. `any` and `controller` go on to another broker when one
   * cannot be connected to.
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
    return this.#network.request(node, api, body, options);
  }

  /** Sends a request that the broker does not answer; settles when the connection takes more. */
  requestNoReply<Request extends MessageSchema>(
    node: number,
    api: Api<Request>,
    body: RequestBody<Request>,
    options: { version?: number } = {},
  ): Promise<void> {
    return this.#network.requestNoReply(node, api, body, options);
  }

  /** Whether a request to this node would leave within the call. */
  isReady(node: number): boolean {
    return this.#network.isReady(node);
  }

  /** Connects to a node unless connected, waiting out its back-off. @throws KafkaError NETWORK_EXCEPTION, … */
  connect(node: number): Promise<void> {
    return this.#network.connect(node);
  }

  /** The version that a request to a node would have; undefined before it was connected to, or when there is none. */
  versionFor(node: number, api: Api): number | undefined {
    return this.#network.versionFor(node, api);
  }

  /** Who leads a partition; undefined when that is not known, or nobody does. */
  leader(topic: string, partition: number): { leaderId: number; leaderEpoch: number } | undefined {
    const { topics, brokers } = this.metadata;
    const found: PartitionMetadata | undefined = topics.get(topic)?.partitions[partition];
    if (found === undefined || found.leaderId < 0 || !brokers.has(found.leaderId)) return undefined;
    return found;
  }

  /** Takes over who leads, as a broker said in a refusal (Produce 10, Fetch 16). @see KIP-951 */
  updateLeader(news: LeaderNews, endpoints: readonly BrokerAddress[]): void {
    this.#updater.updateLeader(news, endpoints);
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

  /** The broker's own id behind a node from `findCoordinator`. */
  brokerIdOf(node: number): number {
    return this.#network.brokerIdOf(node);
  }

  /** Closes all connections; what waits fails with CLOSED. Idempotent. */
  close(): Promise<void> {
    if (this.isClosed) return Promise.resolve();
    this.#network.close();
    this.#updater.close();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #refreshBefore(deadlineMs: number, late: () => KafkaError): Promise<void> {
    const { clock } = this.#environment;
    try {
      await beforeDeadline(clock, this.refresh(), deadlineMs, late);
    } catch (error) {
      if (this.isClosed || clock.now().monotonicMs >= deadlineMs || !isRetriable(error)) throw error;
    }
  }

  #onNodeLost(error: KafkaError): void {
    if (this.isClosed) return;
    this.#environment.logger.debug({ err: error }, 'a connection was lost');
    if (this.metadata.version > 0) this.refreshSoon();
  }

  #topicMissing(name: string): KafkaError {
    if (this.metadata.version === 0 || this.#updater.lastError !== undefined) return this.#unreachable();
    const code = this.metadata.topics.get(name)?.errorCode ?? Errors.UNKNOWN_TOPIC_OR_PARTITION.code;
    return toKafkaError(code, `topic '${name}' did not appear in the cluster's metadata in time; does it exist?`);
  }

  #unreachable(): KafkaError {
    const { lastError } = this.#updater;
    return lastError?.code === 'BROKER_NOT_AVAILABLE' ? lastError : this.#network.unreachable(lastError);
  }
}

function checkTopicError(topic: TopicMetadata): void {
  const error = toKafkaError(topic.errorCode, `topic '${topic.name}'`);
  if (!error.retriable) throw error;
}

function isRetriable(error: unknown): boolean {
  return error instanceof KafkaError && error.retriable;
}
