/**
 * Sends requests to the brokers of a cluster: to one by its node id, to any of them, or to the controller, over one connection per node
 * that is made on demand. Knows which brokers there are (whoever keeps the metadata tells it) and nothing of topics.
 *
 * `request` does not retry: who asks knows whether asking twice is safe.
 */
import { KafkaError } from '#core';
import type { Api, Infer, MessageSchema } from '#protocol';
import type { ClientEnvironment, RequestBody } from './broker-node.ts';
import { bootstrapAddresses } from './config.ts';
import { deadlineIn } from './deadline.ts';
import type { BrokerAddress } from './metadata.ts';
import { NodePool } from './node-pool.ts';

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

export class NetworkClient {
  readonly #environment: ClientEnvironment;
  readonly #nodes: NodePool;
  /** -1: unknown. */
  #controllerId = -1;
  readonly #closing = new AbortController();

  /** `onLost` hears of connections that ended although this side did not close them. */
  constructor(environment: ClientEnvironment, onLost: (error: KafkaError) => void) {
    this.#environment = environment;
    this.#nodes = new NodePool(environment, bootstrapAddresses(environment.config['bootstrap.servers']), onLost);
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** @see Cluster.request */
  request<Request extends MessageSchema, Response extends MessageSchema>(
    node: Target,
    api: Api<Request, Response>,
    body: RequestBody<Request>,
    options: ClusterRequestOptions = {},
  ): Promise<Infer<Response>> {
    if (this.isClosed) return Promise.reject(closedError());
    const timeoutMs = options.timeoutMs ?? this.#requestTimeoutMs;
    const { version } = options;
    const reply =
      typeof node === 'number'
        ? (this.#nodes.get(node)?.request(api, body, { timeoutMs, version }) ?? Promise.reject(unknownNode(node)))
        : this.#requestSome(node, api, body, timeoutMs, version);
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

  /** These are the brokers from now on; without any, the bootstrap list is where to ask. `controllerId` -1: unknown. */
  update(brokers: ReadonlyMap<number, BrokerAddress>, controllerId: number): void {
    this.#controllerId = controllerId;
    this.#nodes.update(brokers);
  }

  /** Makes a coordinator known. @returns the node to send its requests to: a connection of its own to that broker */
  addCoordinator(address: BrokerAddress): number {
    return this.#nodes.addCoordinator(address);
  }

  /** The broker's own id behind a node from `addCoordinator`. */
  brokerIdOf(node: number): number {
    return this.#nodes.brokerIdOf(node);
  }

  /** The error that names every address that was tried. */
  unreachable(cause?: KafkaError): KafkaError {
    return this.#nodes.unreachable(cause);
  }

  /** Waits before another try; ends early when the client is closed. */
  pause(delayMs: number): Promise<void> {
    return this.#environment.clock.sleep(delayMs, this.#closing.signal).catch(() => {
      // Closed: whoever paused finds that out with its next request.
    });
  }

  /** Closes all connections; what waits fails with CLOSED. Idempotent. */
  close(): void {
    if (this.isClosed) return;
    this.#closing.abort(closedError());
    this.#nodes.close();
  }

  get #requestTimeoutMs(): number {
    return this.#environment.config['request.timeout.ms'];
  }

  /** Goes on to another broker when one cannot be connected to. */
  async #requestSome<Request extends MessageSchema, Response extends MessageSchema>(
    target: 'any' | 'controller',
    api: Api<Request, Response>,
    body: RequestBody<Request>,
    timeoutMs: number,
    version: number | undefined,
  ): Promise<Infer<Response>> {
    const deadlineMs = deadlineIn(this.#environment.clock, timeoutMs);
    const node = await this.#nodes.connectSome(target === 'controller' ? this.#controllerId : -1, deadlineMs);
    const leftMs = Math.max(1, deadlineMs - this.#environment.clock.now().monotonicMs);
    return node.request(api, body, { timeoutMs: leftMs, version });
  }
}

export function closedError(): KafkaError {
  return new KafkaError('CLOSED', 'the client was closed');
}

function untilAborted<T>(reply: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new KafkaError('ABORTED', 'the request was aborted', { cause: signal.reason }));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    reply.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function unknownNode(node: number): KafkaError {
  return new KafkaError('BROKER_NOT_AVAILABLE', `broker ${node} is not in the cluster's metadata`, { retriable: true });
}
