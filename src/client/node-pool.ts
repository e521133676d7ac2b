/**
 * The brokers a client may talk to: those of the bootstrap list, those of the metadata, and coordinators, which get a connection of
 * their own (under a node id far above any broker's) so that a heartbeat does not wait behind a fetch. Chooses a broker
 * for requests that any may answer, and closes connections nobody has used for `connections.max.idle.ms`.
 */
import { errorText, KafkaError, type Timer } from '#core';
import { networkError } from '#net';
import { BrokerNode, type ClientEnvironment } from './broker-node.ts';
import { beforeDeadline } from './deadline.ts';
import type { BrokerAddress } from './metadata.ts';

/** Coordinators are nodes MAX_INT − broker id, as in Java's client. */
const COORDINATOR_NODE = 0x7fffffff;
/** Node ids from here on are coordinators'. */
const COORDINATOR_NODE_MIN = 0x40000000;

export class NodePool {
  readonly #environment: ClientEnvironment;
  readonly #onLost: (error: KafkaError) => void;
  readonly #nodes = new Map<number, BrokerNode>();
  /** Brokers of the latest metadata; others in `#nodes` are asked only by id. */
  #brokerIds: number[] = [];
  #bootstrap: BrokerNode[];
  #idleTimer: Timer | undefined;
  #isClosed = false;

  constructor(
    environment: ClientEnvironment,
    bootstrap: readonly { host: string; port: number }[],
    onLost: (error: KafkaError) => void,
  ) {
    this.#environment = environment;
    this.#onLost = onLost;
    this.#bootstrap = bootstrap.map((address, index) => this.#make({ nodeId: -1 - index, ...address }));
  }

  get(nodeId: number): BrokerNode | undefined {
    return this.#nodes.get(nodeId);
  }

  /** Takes the brokers of new metadata over. A broker that moved gets a new connection; a bootstrap connection is kept. */
  update(brokers: ReadonlyMap<number, BrokerAddress>): void {
    this.#brokerIds = [...brokers.keys()];
    for (const broker of brokers.values()) this.#put(broker.nodeId, broker);
  }

  /** Makes a coordinator known; @returns its node id. */
  addCoordinator(address: BrokerAddress): number {
    const nodeId = COORDINATOR_NODE - address.nodeId;
    this.#put(nodeId, address);
    return nodeId;
  }

  brokerIdOf(nodeId: number): number {
    return nodeId >= COORDINATOR_NODE_MIN ? COORDINATOR_NODE - nodeId : nodeId;
  }

  /**
   * A connected broker: `preferredId` if it can be had, else the connected one with the fewest requests in flight, else any that
   * can be connected to, the bootstrap list last.
   *
   * @throws KafkaError BROKER_NOT_AVAILABLE when none could
   */
  async connectSome(preferredId: number, deadlineMs: number): Promise<BrokerNode> {
    const { clock } = this.#environment;
    const candidates = this.#candidates(preferredId);
    for (const node of candidates) {
      if (node.isReady) return node;
      const late = () => this.unreachable();
      const isConnected = await beforeDeadline(clock, node.connect(), deadlineMs, late).then(
        () => true,
        (error) => {
          if (this.#isClosed || clock.now().monotonicMs >= deadlineMs) throw error;
          return false;
        },
      );
      if (isConnected) return node;
    }
    throw this.unreachable();
  }

  /** The error that names every address that was tried, and why it could not be had. */
  unreachable(cause?: unknown): KafkaError {
    const tried = new Map<string, string>();
    const known = this.#brokerIds.map((id) => this.#nodes.get(id)).filter((node) => node !== undefined);
    for (const node of [...this.#bootstrap, ...known]) {
      if (node.lastError !== undefined) tried.set(node.address, `${node.address} (${errorText(node.lastError)})`);
      else if (!tried.has(node.address)) tried.set(node.address, `${node.address} (no answer yet)`);
    }
    return new KafkaError(
      'BROKER_NOT_AVAILABLE',
      `no broker can be reached: ${[...tried.values()].join(', ')}. Check that a broker runs there and bootstrap.servers names it`,
      { retriable: true, cause },
    );
  }

  close(): void {
    this.#isClosed = true;
    this.#idleTimer?.cancel();
    for (const node of this.#nodes.values()) node.close();
    for (const node of this.#bootstrap) node.close();
  }

  #candidates(preferredId: number): BrokerNode[] {
    const known = this.#brokerIds.map((id) => this.#nodes.get(id)).filter((node) => node !== undefined);
    const ordered = this.#inOrder(known);
    const preferred = this.#brokerIds.includes(preferredId) ? this.#nodes.get(preferredId) : undefined;
    const isRebootstrapping = this.#environment.config['metadata.recovery.strategy'] === 'rebootstrap';
    const bootstrap = known.length === 0 || isRebootstrapping ? this.#inOrder(this.#bootstrap) : [];
    return [
      ...(preferred === undefined ? [] : [preferred]),
      ...ordered.filter((node) => node !== preferred),
      ...bootstrap,
    ];
  }

  /** Connected ones first, the least busy leading; then those that may be tried now, in random order; then by back-off. */
  #inOrder(nodes: readonly BrokerNode[]): BrokerNode[] {
    const nowMs = this.#environment.clock.now().monotonicMs;
    const keyed = nodes.map((node) => ({
      node,
      waitMs: node.isReady ? -1 : Math.max(0, node.retryAtMs - nowMs),
      tie: node.isReady ? node.inFlightCount : this.#environment.random.float(),
    }));
    return keyed.sort((a, b) => a.waitMs - b.waitMs || a.tie - b.tie).map((one) => one.node);
  }

  #put(nodeId: number, address: { host: string; port: number }): void {
    const known = this.#nodes.get(nodeId);
    if (known !== undefined && known.host === address.host && known.port === address.port) return;
    known?.close(networkError(`broker ${this.brokerIdOf(nodeId)} moved to ${address.host}:${address.port}`));
    const isBroker = nodeId < COORDINATOR_NODE_MIN;
    const adopted = isBroker ? this.#adoptBootstrap(address) : undefined;
    this.#nodes.set(nodeId, adopted ?? this.#make({ nodeId, host: address.host, port: address.port }));
    this.#armIdleTimer();
  }

  /** The open bootstrap connection to that address: the first connection serves on instead of being made twice. */
  #adoptBootstrap(address: { host: string; port: number }): BrokerNode | undefined {
    const index = this.#bootstrap.findIndex(
      (node) => node.isReady && node.host === address.host && node.port === address.port,
    );
    if (index < 0) return undefined;
    const [node] = this.#bootstrap.splice(index, 1, this.#make({ ...address, nodeId: -1 - index }));
    return node;
  }

  #make(address: { nodeId: number; host: string; port: number }): BrokerNode {
    return new BrokerNode(address, this.#environment, (_, error) => this.#onLost(error));
  }

  /** One timer for all connections, set for the first that may become idle. */
  #armIdleTimer(): void {
    const idleMs = this.#environment.config['connections.max.idle.ms'];
    if (this.#idleTimer !== undefined || idleMs < 0 || this.#isClosed) return;
    const { clock } = this.#environment;
    const nowMs = clock.now().monotonicMs;
    const open = [...this.#nodes.values(), ...this.#bootstrap].filter((node) => node.isReady);
    const nextMs = open.reduce((least, node) => Math.min(least, node.lastUsedMs + idleMs - nowMs), idleMs);
    const fire = () => {
      this.#idleTimer = undefined;
      this.#closeIdle(idleMs);
      this.#armIdleTimer();
    };
    this.#idleTimer = clock.setTimer(Math.max(1, Math.ceil(nextMs)), fire, { unref: true });
  }

  #closeIdle(idleMs: number): void {
    const nowMs = this.#environment.clock.now().monotonicMs;
    for (const node of [...this.#nodes.values(), ...this.#bootstrap]) {
      if (node.isReady && node.inFlightCount === 0 && node.lastUsedMs + idleMs <= nowMs) node.disconnect();
    }
  }
}
