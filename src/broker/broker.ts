/**
 * A whole broker, from its keys to its open doors. The order of opening is written here once, and closing is the same order backwards:
 *
 *     settings   keys read and checked
 *     doors      addresses bound; connections wait
 *     folders    data folders locked, logs opened and recovered
 *     metadata   the cluster's log replayed in a new leader epoch; this broker registered, its partitions led in a new epoch
 *     partitions logs of all topics hosted, group coordinators loading
 *     serving    connections answered
 *
 * A start that fails closes what it had opened and rejects with a KafkaError whose text says what is wrong and what to do.
 */
import { type Clock, errorText, type Logger, type Random, silentLogger, systemClock, systemRandom } from '#core';
import { type Acceptor, addressText, PipeNetwork, type Transport, tcpAcceptor } from '#net';
import { Errors } from '#protocol';
import { type Disk, LogDirectories, nodeDisk, topicConfig } from '#storage';
import { type Authorizer, allowEveryone } from './authorizer.ts';
import type { BrokerParts } from './broker-parts.ts';
import { controllerRules } from './config/config-rules.ts';
import { directoryLimits, followConfig } from './config/follow-config.ts';
import { LiveConfig } from './config/live-config.ts';
import { type BrokerConfig, type BrokerSettings, readSettings } from './config/settings.ts';
import {
  BROKER_RESOURCE,
  CLIENT_METRICS_RESOURCE,
  featureByName,
  finalizedLevel,
  GROUP_METADATA_TOPIC,
  type MetadataImage,
  TRANSACTION_STATE_TOPIC,
  TRANSACTION_VERSION,
} from './controller/index.ts';
import { CommittedCluster } from './coordination/committed-cluster.ts';
import { GroupCoordinators } from './coordination/group-coordinators.ts';
import { PartitionMarkers } from './coordination/partition-markers.ts';
import { StallMeter } from './coordination/stall-meter.ts';
import { TransactionCoordinators } from './coordination/transaction-coordinators.ts';
import { gateSettings, TransactionGate } from './coordination/transaction-gate.ts';
import { FetchSessionCache } from './fetch-session/index.ts';
import { groupSettings } from './group/index.ts';
import { HostedPartitions } from './hosting/hosted-partitions.ts';
import { DirectoryReports } from './metadata/directory-reports.ts';
import { MetadataLog, type MetadataLogLimits } from './metadata/metadata-log.ts';
import { ProducerIds } from './metadata/producer-ids.ts';
import { TopicAdmin } from './metadata/topic-admin.ts';
import { BrokerMetrics, type MetricFamily } from './metrics/index.ts';
import { AdvanceQueue } from './purgatory/advance-queue.ts';
import { ProduceDeadlines } from './purgatory/produce-deadlines.ts';
import { TimerWheel } from './purgatory/timer-wheel.ts';
import { ClientQuotas, quotaWindows } from './quota/index.ts';
import { routes } from './routes.ts';
import { isWildcardHost } from './server/listener-address.ts';
import { RequestQuotas } from './server/request-quotas.ts';
import { Server } from './server/server.ts';
import { TelemetryReceiver } from './telemetry/index.ts';
import { transactionSettings } from './transaction/index.ts';

/** RegisterBrokerRecord has 16 bits for a port; those of the in-process pipe can be larger. */
const RECORD_PORT_MAX = 65535;
/** As RegisterBrokerRecord numbers it. */
const PLAINTEXT = 0;

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

interface Environment {
  readonly authorizer: Authorizer;
  readonly settings: BrokerSettings;
  readonly live: LiveConfig;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** What is told of the committed metadata. */
interface Watchers {
  readonly quotas: ClientQuotas;
  readonly metrics: BrokerMetrics;
  readonly telemetry: TelemetryReceiver;
}

type Closer = () => void | Promise<void>;

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
      const { clusterId, server, image, metrics, metricsPort } = await open(
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

  private constructor(open: OpenBroker) {
    const { settings, server, clusterId, image, metrics, metricsPort, network, closers } = open;
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
    return Array.from(await this.#metrics.families());
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

async function open(
  environment: Environment,
  acceptors: readonly Acceptor[],
  closers: Closer[],
): Promise<Pick<OpenBroker, 'clusterId' | 'server' | 'image' | 'metrics' | 'metricsPort'>> {
  const { settings, live, clock, random, logger } = environment;
  const { config } = settings;
  const routeTable = routes({ hasTelemetry: config['springtide.broker.client.telemetry'] });
  const server = new Server({
    clock,
    logger,
    routes: routeTable,
    authorizer: environment.authorizer,
    requestBytesMax: config['socket.request.max.bytes'],
    limits: settings.connectionLimits,
    backlogCount: config['socket.listen.backlog.size'],
    idleMsMax: config['connections.max.idle.ms'],
    requestBytesOfAllMax: config['queued.max.request.bytes'],
    replyBytesOfAllMax: config['springtide.broker.queued.reply.bytes.max'],
  });
  closers.push(() => server.close());
  await server.open(settings.listeners, [...new Set(acceptors)]);
  const directories = await openDirectories(environment);
  let brokerEpoch = -1;
  closers.push(() => directories.close({ brokerEpoch }));
  const quotas = new ClientQuotas(quotaWindows(config));
  const metrics = new BrokerMetrics();
  const telemetry = new TelemetryReceiver(config['telemetry.max.bytes']);
  const watchers = { quotas, metrics, telemetry };
  const cluster = await openCluster(environment, directories, server, watchers, closers);
  const { metadata, partitions, groups, transactions } = cluster;
  brokerEpoch = metadata.brokerEpoch;
  const produceDeadlines = new ProduceDeadlines(clock);
  const fetchDeadlines = new TimerWheel(clock);
  closers.push(() => {
    produceDeadlines.stop();
    fetchDeadlines.stop();
  });
  const parts: BrokerParts = {
    settings,
    live,
    clusterId: directories.clusterId,
    clock,
    random,
    logger,
    directories,
    ...cluster,
    gate: new TransactionGate(
      transactions,
      gateSettings(() => live.current),
      clock,
    ),
    topics: new TopicAdmin(metadata, partitions, config, random),
    quotas: new RequestQuotas(quotas, clock),
    telemetry,
    meter: metrics.meter,
    traffic: metrics.traffic,
    listeners: server.listeners,
    routes: routeTable,
    fetchSessions: fetchSessions(config, random),
    advances: new AdvanceQueue(clock),
    produceDeadlines,
    fetchDeadlines,
  };
  server.serve(parts);
  metrics.serve({ broker: parts, directories, server });
  // Clients go before anything they use.
  closers.push(() =>
    stopServing(server, () => {
      fetchDeadlines.expireAll();
      groups.stop();
      transactions.stop();
    }),
  );
  closers.push(() => metrics.close());
  const metricsPort = await metrics.openPort(config);
  return { clusterId: directories.clusterId, server, image: metadata.image, metrics, metricsPort };
}

function fetchSessions(config: BrokerConfig, random: Random): FetchSessionCache {
  return new FetchSessionCache(config['max.incremental.fetch.session.cache.slots'], () => (random.uint32() >>> 1) | 1);
}

/** What was begun is answered, whoever waits is told, then connections end. */
async function stopServing(server: Server, stopCoordinators: () => void): Promise<void> {
  await server.end();
  stopCoordinators();
  await server.finished();
  await server.close();
}

function tcpDoor({ settings, clock }: Environment): Acceptor {
  return tcpAcceptor({ clock, backlogCount: settings.config['socket.listen.backlog.size'] });
}

function openDirectories({ settings, disk, clock, random, logger }: Environment): Promise<LogDirectories> {
  return LogDirectories.open({
    disk,
    ...settings.logDirs,
    clock,
    random,
    logger,
    config: settings.given,
    nodeId: settings.nodeId,
    clusterId: settings.config['cluster.id'] ?? undefined,
    durability: settings.durability,
    ...directoryLimits(settings.config),
    retentionCheckMs: settings.config['log.retention.check.interval.ms'],
    scrubBytesPerSecond: settings.config['springtide.broker.scrub.bytes.per.second'],
    openFilesMax: settings.config['springtide.broker.open.files.max'],
  });
}

function metadataLimits(config: BrokerConfig): MetadataLogLimits {
  return {
    bytesBetweenMax: config['metadata.log.max.record.bytes.between.snapshots'],
    intervalMs: config['metadata.log.max.snapshot.interval.ms'],
    retentionBytes: config['metadata.max.retention.bytes'],
    retentionMs: config['metadata.max.retention.ms'],
    segmentBytes: config['metadata.log.segment.bytes'],
    segmentMs: config['metadata.log.segment.ms'],
  };
}

async function openCluster(
  environment: Environment,
  directories: LogDirectories,
  server: Server,
  { quotas, metrics, telemetry }: Watchers,
  closers: Closer[],
): Promise<Pick<BrokerParts, 'metadata' | 'partitions' | 'producerIds' | 'groups' | 'transactions' | 'markers'>> {
  const { settings, live, disk, clock, random, logger } = environment;
  const { nodeId, config, given } = settings;
  const metadata = await MetadataLog.open({
    directory: directories.metadata,
    disk,
    nodeId,
    rules: controllerRules(settings, live),
    limits: metadataLimits(config),
    clock,
    logger,
    committed: (record, image) => {
      if (record.type === 'ConfigRecord' && record.body.resourceType === BROKER_RESOURCE) live.update(image);
      partitions.committed(record, image);
      groups.committed(record);
      if (record.type === 'ClientQuotaRecord') quotas.apply(record.body);
      if (record.type === 'FeatureLevelRecord') transactions.versionChanged(finalizedLevel(image, TRANSACTION_VERSION));
      if (record.type === 'ConfigRecord' && record.body.resourceType === CLIENT_METRICS_RESOURCE) {
        const { resourceName } = record.body;
        telemetry.configured(resourceName, image.configsOf(CLIENT_METRICS_RESOURCE, resourceName));
      }
    },
    settled: () => partitions.settled(),
  });
  for (const record of metadata.image.clientQuotas.records()) quotas.apply(record);
  for (const [name, configs] of metadata.image.configs.get(CLIENT_METRICS_RESOURCE) ?? []) {
    telemetry.configured(name, configs);
  }
  const reports = new DirectoryReports(metadata, clock);
  closers.push(() => {
    reports.stop();
    return metadata.stop();
  });
  const batchBytesMax = topicConfig({}, given)['max.message.bytes'];
  const groups = new GroupCoordinators({
    settings: groupSettings(config, batchBytesMax),
    cluster: new CommittedCluster(metadata.image, () => live.current),
    partitionCount: () =>
      metadata.image.topics.get(GROUP_METADATA_TOPIC)?.partitions.length ?? config['offsets.topic.num.partitions'],
    clock,
    logger,
    stalls: new StallMeter(clock),
  });
  const partitions = new HostedPartitions({
    directories,
    nodeId,
    defaults: () => live.values,
    logger,
    hosted: (partition) => {
      if (partition.topic === GROUP_METADATA_TOPIC) groups.lead(partition);
      if (partition.topic === TRANSACTION_STATE_TOPIC) transactions.lead(partition);
    },
    placed: (topicId, partition, directoryId) => reports.placed({ topicId, partition, directoryId }),
    traffic: metrics.traffic,
    removed: (topic) => {
      metrics.traffic.remove(topic);
      groups.topicDeleted(topic);
      transactions.topicDeleted(topic);
    },
  });
  const producerIds = new ProducerIds(metadata);
  const markers = new PartitionMarkers(metadata.image, partitions, groups, clock);
  const transactions = new TransactionCoordinators({
    settings: transactionSettings(config, batchBytesMax),
    partitionCount: () =>
      metadata.image.topics.get(TRANSACTION_STATE_TOPIC)?.partitions.length ??
      config['transaction.state.log.num.partitions'],
    transactionVersion: () => finalizedLevel(metadata.image, TRANSACTION_VERSION),
    producerIds,
    markers,
    clock,
    logger,
  });
  closers.push(
    () => partitions.settled(),
    () => groups.stop(),
    () => transactions.stop(),
  );
  // The log says why it went offline; here those who wait for it are told.
  directories.onFailure((directory) => {
    if (directories.failure === undefined) {
      partitions.stop(Errors.KAFKA_STORAGE_ERROR, directory);
      reports.failed(directory.directoryId);
    } else {
      partitions.stop(Errors.KAFKA_STORAGE_ERROR);
      metadata.log.stop(Errors.KAFKA_STORAGE_ERROR);
    }
  });
  const endPoints = server.listeners.map(({ name, advertisedHost, advertisedPort }) => ({
    name,
    host: advertisedHost,
    port: advertisedPort > RECORD_PORT_MAX ? 0 : advertisedPort,
    securityProtocol: PLAINTEXT,
  }));
  await metadata.register(endPoints, config['broker.rack'], random.uuid(), () => directories.onlineIds);
  followConfig(live, { settings, directories, server, partitions, metadata, reports });
  await partitions.reconcile(metadata.image);
  groups.nodeStarted();
  return { metadata, partitions, producerIds, groups, transactions, markers };
}

/** Last opened, first closed. Everything is tried; the first error is thrown, or with a logger only told. */
async function closeAll(closers: Closer[], logger?: Logger): Promise<void> {
  let failure: unknown;
  for (const close of closers.splice(0).reverse()) {
    try {
      await close();
    } catch (error) {
      logger?.warn({ err: error }, `While closing after a failed start: ${errorText(error)}`);
      failure ??= error;
    }
  }
  if (failure !== undefined && logger === undefined) throw failure;
}
