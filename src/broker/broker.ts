/** A running broker, as whoever started it sees it. How it is put together stands in `start/`. */
import { type Clock, type Logger, type Random, silentLogger, systemClock, systemRandom } from '#core';
import { type Acceptor, addressText, PipeNetwork, type Transport } from '#net';
import { type Disk, nodeDisk } from '#storage';
import { type Authorizer, allowEveryone } from './authorizer.ts';
import { LiveConfig } from './config/live-config.ts';
import { type BrokerSettings, readSettings } from './config/settings.ts';
import { featureByName, type MetadataImage } from './controller/index.ts';
import type { BrokerMetrics, MetricFamily } from './metrics/index.ts';
import { isWildcardHost } from './server/listener-address.ts';
import type { Server } from './server/server.ts';
import { type Closer, closeAll, type Environment } from './start/environment.ts';
import { openBroker, tcpDoor } from './start/open-broker.ts';

export interface BrokerOptions {
  /** server.properties keys, bare; ours in full (`springtide.broker.durability`). */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Default: the file system. */
  readonly disk?: Disk;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  /** Where the listeners are opened. Default: TCP. Hand in `network` here as well for a broker without sockets. */
  readonly acceptor?: Acceptor;
  /** The in-process network on which the listeners are open too. Default: one of its own. */
  readonly network?: PipeNetwork;
  /** Asked before anything is done for a client. Default: everybody may do everything. */
  readonly authorizer?: Authorizer;
}

/** What a start ends with. */
interface OpenBroker {
  readonly metrics: BrokerMetrics;
  readonly metricsPort: number | undefined;
  readonly settings: BrokerSettings;
  readonly server: Server;
  readonly clusterId: string;
  readonly image: MetadataImage;
  readonly network: PipeNetwork;
  readonly closers: Closer[];
}

export class Broker {
  /** The host that was bound, as a client on this machine names it. */
  readonly host: string;
  readonly port: number;
  /** `host:port` for clients on this machine. */
  readonly bootstrapServers: string;
  readonly clusterId: string;
  readonly nodeId: number;
  /** `host:port` of each listener, as clients are told. */
  readonly advertisedListeners: readonly string[];
  /** What acknowledged means: on the disk, or in the page cache. */
  readonly durability: 'sync' | 'os';
  /** Where `/metrics` is, when `springtide.broker.metrics.port` is set. */
  readonly metricsPort: number | undefined;
  readonly #image: MetadataImage;
  readonly #metrics: BrokerMetrics;
  readonly #network: PipeNetwork;
  readonly #closers: Closer[];
  #closing: Promise<void> | undefined;

  /** @throws KafkaError INVALID_CONFIG, NETWORK_EXCEPTION (address in use), LOCKED (data folder in use), or what the disk says */
  static async start(options: BrokerOptions = {}): Promise<Broker> {
    const clock = options.clock ?? systemClock;
    const logger = options.logger ?? silentLogger;
    const settings = readSettings(options.config ?? {}, logger);
    const environment: Environment = {
      settings,
      live: new LiveConfig(settings, logger),
      disk: options.disk ?? nodeDisk(),
      clock,
      random: options.random ?? systemRandom,
      logger,
      authorizer: options.authorizer ?? allowEveryone,
    };
    const network = options.network ?? new PipeNetwork(clock);
    const closers: Closer[] = [];
    try {
      const { clusterId, server, image, metrics, metricsPort } = await openBroker(
        environment,
        [options.acceptor ?? tcpDoor(environment), network],
        closers,
      );
      return new Broker({ settings, server, clusterId, image, metrics, metricsPort, network, closers });
    } catch (error) {
      await closeAll(closers, logger);
      throw error;
    }
  }

  private constructor(parts: OpenBroker) {
    const { settings, server, clusterId, image, metrics, metricsPort, network, closers } = parts;
    const [listener] = server.listeners;
    this.host = isWildcardHost(listener.host) ? 'localhost' : listener.host;
    this.port = listener.port;
    this.bootstrapServers = server.listeners
      .map(({ host, port }) => addressText(isWildcardHost(host) ? 'localhost' : host, port))
      .join(',');
    this.clusterId = clusterId;
    this.nodeId = settings.nodeId;
    this.advertisedListeners = server.listeners.map(({ advertisedHost, advertisedPort }) =>
      addressText(advertisedHost, advertisedPort),
    );
    this.durability = settings.durability;
    this.metricsPort = metricsPort;
    this.#image = image;
    this.#metrics = metrics;
    this.#network = network;
    this.#closers = closers;
  }

  /** What clients may count on, by name, with its level now. */
  get features(): ReadonlyMap<string, number> {
    return new Map([...this.#image.features].filter(([name]) => featureByName(name) !== undefined));
  }

  /** The way to this broker inside the process; use it with `bootstrapServers`. */
  connect(): Transport {
    return this.#network;
  }

  /** What the broker counts and measures, now: the same figures as at `springtide.broker.metrics.port`. */
  async metrics(): Promise<MetricFamily[]> {
    return Array.from(await this.#metrics.families(), (family) => ({ ...family, samples: [...family.samples] }));
  }

  /** Ends connections, writes what is pending, marks the folder as cleanly closed, unlocks it. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= closeAll(this.#closers);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
