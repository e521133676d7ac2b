/** The middle of a start: the metadata log, the partitions that it names, and the coordinators that live on some of them. */
import { Errors } from '#protocol';
import { type LogDirectories, topicConfig } from '#storage';
import type { BrokerParts } from '../broker-parts.ts';
import { controllerRules } from '../config/config-rules.ts';
import { followConfig } from '../config/follow-config.ts';
import type { BrokerConfig } from '../config/settings.ts';
import {
  type EndpointImage,
  finalizedLevel,
  GROUP_METADATA_TOPIC,
  TRANSACTION_STATE_TOPIC,
  TRANSACTION_VERSION,
} from '../controller/index.ts';
import { CommittedCluster } from '../coordination/committed-cluster.ts';
import { GroupCoordinators } from '../coordination/group-coordinators.ts';
import { PartitionMarkers } from '../coordination/partition-markers.ts';
import { StallMeter } from '../coordination/stall-meter.ts';
import { TransactionCoordinators } from '../coordination/transaction-coordinators.ts';
import { groupSettings } from '../group/index.ts';
import { HostedPartitions } from '../hosting/hosted-partitions.ts';
import { ReplicaMoves } from '../hosting/replica-moves.ts';
import { DirectoryReports } from '../metadata/directory-reports.ts';
import { MetadataLog, type MetadataLogLimits } from '../metadata/metadata-log.ts';
import { ProducerIds } from '../metadata/producer-ids.ts';
import type { Traffic } from '../meters/topic-traffic.ts';
import type { Server } from '../server/server.ts';
import { transactionSettings } from '../transaction/index.ts';
import type { Closer, Environment } from './environment.ts';
import { type ClientRules, tell, tellAll } from './told-of-metadata.ts';

/** RegisterBrokerRecord has 16 bits for a port; those of the in-process pipe can be larger. */
const RECORD_PORT_MAX = 65535;
/** As RegisterBrokerRecord numbers it. */
const PLAINTEXT = 0;

export type Cluster = Pick<
  BrokerParts,
  'metadata' | 'partitions' | 'moves' | 'producerIds' | 'groups' | 'transactions' | 'markers'
>;

export interface ClusterOptions {
  readonly environment: Environment;
  readonly directories: LogDirectories;
  /** Its listeners are what this broker registers. */
  readonly server: Server;
  readonly clientRules: ClientRules;
  readonly traffic: Traffic;
  readonly closers: Closer[];
}

export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const { environment, directories, server, clientRules, closers } = options;
  const { settings, live, disk, clock, random, logger } = environment;
  const metadata = await MetadataLog.open({
    directory: directories.metadata,
    disk,
    nodeId: settings.nodeId,
    rules: controllerRules(settings, live),
    limits: metadataLimits(settings.config),
    clock,
    logger,
    committed: (record, image) => tell(record, image, { live, partitions, groups, transactions, ...clientRules }),
    settled: () => partitions.settled(),
  });
  tellAll(metadata.image, clientRules);
  const reports = new DirectoryReports(metadata, clock);
  closers.push(() => {
    reports.stop();
    return metadata.stop();
  });
  const groups = newGroupCoordinators(environment, metadata);
  const partitions = new HostedPartitions({
    directories,
    nodeId: settings.nodeId,
    defaults: () => live.values,
    logger,
    hosted: (partition) => {
      if (partition.topic === GROUP_METADATA_TOPIC) groups.lead(partition);
      if (partition.topic === TRANSACTION_STATE_TOPIC) transactions.lead(partition);
    },
    placed: (topicId, partition, directoryId) => reports.placed({ topicId, partition, directoryId }),
    traffic: options.traffic,
    removed: (topic) => {
      options.traffic.remove(topic);
      groups.topicDeleted(topic);
      transactions.topicDeleted(topic);
    },
  });
  const producerIds = new ProducerIds(metadata);
  const markers = new PartitionMarkers(metadata.image, partitions, groups, clock);
  const transactions = newTransactionCoordinators(environment, metadata, producerIds, markers);
  closers.push(
    () => partitions.settled(),
    () => groups.stop(),
    () => transactions.stop(),
  );
  const moves = new ReplicaMoves({
    directories,
    logger,
    find: (topicId, partition) => partitions.get(topicId, partition),
    serveFrom: (log) => partitions.serveFrom(log, metadata.image),
  });
  closers.push(() => moves.stop());
  stopWithDirectories(directories, partitions, metadata, reports);
  const rack = settings.config['broker.rack'];
  await metadata.register(endPoints(server), rack, random.uuid(), () => directories.onlineIds);
  followConfig(live, { settings, directories, server, partitions, metadata, reports });
  await partitions.reconcile(metadata.image);
  groups.nodeStarted();
  return { metadata, partitions, moves, producerIds, groups, transactions, markers };
}

function newGroupCoordinators({ settings, live, clock, logger }: Environment, metadata: MetadataLog) {
  const { config } = settings;
  return new GroupCoordinators({
    settings: groupSettings(config, batchBytesMax(settings)),
    cluster: new CommittedCluster(metadata.image, () => live.current),
    partitionCount: () => partitionCount(metadata, GROUP_METADATA_TOPIC) ?? config['offsets.topic.num.partitions'],
    clock,
    logger,
    stalls: new StallMeter(clock),
  });
}

function newTransactionCoordinators(
  { settings, clock, logger }: Environment,
  metadata: MetadataLog,
  producerIds: ProducerIds,
  markers: PartitionMarkers,
) {
  const { config } = settings;
  return new TransactionCoordinators({
    settings: transactionSettings(config, batchBytesMax(settings)),
    partitionCount: () =>
      partitionCount(metadata, TRANSACTION_STATE_TOPIC) ?? config['transaction.state.log.num.partitions'],
    transactionVersion: () => finalizedLevel(metadata.image, TRANSACTION_VERSION),
    producerIds,
    markers,
    clock,
    logger,
  });
}

/** What coordinators write at a time is one batch. */
function batchBytesMax({ given }: Environment['settings']): number {
  return topicConfig({}, given)['max.message.bytes'];
}

function partitionCount({ image }: MetadataLog, topic: string): number | undefined {
  return image.topics.get(topic)?.partitions.length;
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

/** The log says why a directory went offline; here those who wait for it are told. */
function stopWithDirectories(
  directories: LogDirectories,
  partitions: HostedPartitions,
  metadata: MetadataLog,
  reports: DirectoryReports,
): void {
  directories.onFailure((directory) => {
    if (directories.failure === undefined) {
      partitions.stop(Errors.KAFKA_STORAGE_ERROR, directory);
      reports.failed(directory.directoryId);
    } else {
      partitions.stop(Errors.KAFKA_STORAGE_ERROR);
      metadata.log.stop(Errors.KAFKA_STORAGE_ERROR);
    }
  });
}

function endPoints({ listeners }: Server): EndpointImage[] {
  return listeners.map(({ name, advertisedHost, advertisedPort }) => ({
    name,
    host: advertisedHost,
    port: advertisedPort > RECORD_PORT_MAX ? 0 : advertisedPort,
    securityProtocol: PLAINTEXT,
  }));
}
