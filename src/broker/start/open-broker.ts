/**
 * A whole broker, from its keys to its open doors. The order of opening is written here once, and closing is the same order backwards:
 *
 *     settings   keys read and checked
 *     doors      addresses bound; connections wait
 *     folders    data folders locked, logs opened and recovered
 *     metadata   the cluster's log replayed in a new leader epoch; this broker registered, its partitions led in a new epoch
 *     partitions logs of all topics hosted, coordinators loading
 *     serving    connections answered
 *
 * A start that fails closes what it had opened and rejects with a KafkaError whose text says what is wrong and what to do.
 */
import type { Random } from '#core';
import { type Acceptor, tcpAcceptor } from '#net';
import { LogDirectories } from '#storage';
import type { BrokerParts } from '../broker-parts.ts';
import { directoryLimits } from '../config/follow-config.ts';
import type { BrokerConfig } from '../config/settings.ts';
import type { MetadataImage } from '../controller/index.ts';
import { gateSettings, TransactionGate } from '../coordination/transaction-gate.ts';
import { FetchSessionCache } from '../fetch-session/index.ts';
import { TopicAdmin } from '../metadata/topic-admin.ts';
import { RequestMeter } from '../meters/request-meter.ts';
import { Traffic } from '../meters/topic-traffic.ts';
import { BrokerMetrics } from '../metrics/index.ts';
import { AdvanceQueue } from '../purgatory/advance-queue.ts';
import { TimerWheel } from '../purgatory/timer-wheel.ts';
import { ClientQuotas, quotaWindows } from '../quota/index.ts';
import { routes } from '../routes.ts';
import { RequestQuotas } from '../server/request-quotas.ts';
import { Server } from '../server/server.ts';
import { TelemetryReceiver } from '../telemetry/index.ts';
import type { Closer, Environment } from './environment.ts';
import { openCluster } from './open-cluster.ts';

/** What a start ends with. */
export interface OpenedBroker {
  readonly clusterId: string;
  readonly server: Server;
  readonly image: MetadataImage;
  readonly metrics: BrokerMetrics;
  readonly metricsPort: number | undefined;
}

export async function openBroker(
  environment: Environment,
  acceptors: readonly Acceptor[],
  closers: Closer[],
): Promise<OpenedBroker> {
  const { settings, live, clock, random, logger } = environment;
  const { config } = settings;
  const server = newServer(environment);
  closers.push(() => server.close());
  await server.open(settings.listeners, [...new Set(acceptors)]);
  const directories = await openDirectories(environment);
  let brokerEpoch = -1;
  closers.push(() => directories.close({ brokerEpoch }));
  const quotas = new ClientQuotas(quotaWindows(config));
  const traffic = new Traffic();
  const telemetry = new TelemetryReceiver(config['telemetry.max.bytes']);
  const clientRules = { quotas, telemetry };
  const cluster = await openCluster({ environment, directories, server, clientRules, traffic, closers });
  const { metadata, partitions, groups, transactions } = cluster;
  brokerEpoch = metadata.brokerEpoch;
  const produceDeadlines = new TimerWheel(clock);
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
    meter: new RequestMeter(),
    traffic,
    listeners: server.listeners,
    fetchSessions: fetchSessions(config, random),
    advances: new AdvanceQueue(),
    produceDeadlines,
    fetchDeadlines,
  };
  server.serve({
    routes: routes(parts, { hasTelemetry: config['springtide.broker.client.telemetry'] }),
    quotas: parts.quotas,
    meter: parts.meter,
  });
  const metrics = new BrokerMetrics({ ...parts, server }, clock, logger);
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

function newServer({ settings, authorizer, clock, logger }: Environment): Server {
  const { config } = settings;
  return new Server({
    clock,
    logger,
    authorizer,
    requestBytesMax: config['socket.request.max.bytes'],
    limits: settings.connectionLimits,
    backlogCount: config['socket.listen.backlog.size'],
    idleMsMax: config['connections.max.idle.ms'],
    requestBytesOfAllMax: config['queued.max.request.bytes'],
    replyBytesOfAllMax: config['springtide.broker.queued.reply.bytes.max'],
  });
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

/** Listeners on TCP. */
export function tcpDoor({ settings, clock }: Environment): Acceptor {
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
    openFilesMax: settings.config['springtide.broker.open.files.max'] ?? undefined,
  });
}
