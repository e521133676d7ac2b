/** Metrics of the controller, of partitions and their logs, of log directories. */
import type { MetadataImage, PartitionImage } from '../controller/index.ts';
import type { HostedPartition } from '../hosting/hosted-partition.ts';
import { counter, gauge, type Metric, type MetricSources, type Sample } from './metric.ts';

/** As Kafka numbers the states of a broker: it serves. */
const RUNNING = 3;

export const clusterTable: readonly Metric[] = [
  gauge('kafka.server:type=KafkaServer,name=BrokerState', 'What the broker does; 3 is running.', () => RUNNING),
  controllerGauge('ActiveControllerCount', 'Whether this node is the controller.', () => 1),
  controllerGauge('ActiveBrokerCount', 'Brokers that take part.', (image) => brokers(image, false)),
  controllerGauge('FencedBrokerCount', 'Brokers that are registered and do not take part.', (image) =>
    brokers(image, true),
  ),
  controllerGauge('GlobalTopicCount', 'Topics.', (image) => image.topics.size),
  controllerGauge('GlobalPartitionCount', 'Partitions of all topics.', (image) => countOf(image, () => true)),
  controllerGauge('OfflinePartitionsCount', 'Partitions without a leader.', (image) =>
    countOf(image, ({ leader }) => leader < 0),
  ),
  controllerGauge('PreferredReplicaImbalanceCount', 'Partitions that are not led by their first replica.', (image) =>
    countOf(image, ({ leader, replicas }) => leader !== replicas[0]),
  ),
  controllerGauge(
    'LastCommittedRecordOffset',
    'Offset of the last record of the metadata log that counts.',
    (image) => image.offset,
  ),
  replicaGauge('PartitionCount', 'Partitions whose log is here.', () => true),
  replicaGauge('LeaderCount', 'Partitions that are led here.', ({ state }) => state.isLeader),
  replicaGauge('OfflineReplicaCount', 'Partitions here whose log directory has failed.', ({ isOffline }) => isOffline),
  replicaGauge(
    'UnderReplicatedPartitions',
    'Partitions led here that lack replicas in sync.',
    (partition) => isLed(partition) && inSync(partition) < partition.state.assignment.replicas.length,
  ),
  replicaGauge(
    'UnderMinIsrPartitionCount',
    'Partitions led here that have fewer replicas in sync than min.insync.replicas.',
    (partition) => isLed(partition) && inSync(partition) < partition.config['min.insync.replicas'],
  ),
  replicaGauge(
    'AtMinIsrPartitionCount',
    'Partitions led here that have as many replicas in sync as min.insync.replicas, and no more.',
    (partition) => isLed(partition) && inSync(partition) === partition.config['min.insync.replicas'],
  ),
  logGauge('LogStartOffset', 'First offset.', ({ log }) => log.logStartOffset),
  logGauge('LogEndOffset', 'Offset that the next record gets.', ({ log }) => log.logEndOffset),
  logGauge('NumLogSegments', 'Segments.', ({ log }) => log.segmentCount),
  logGauge('Size', 'Bytes of all segments.', ({ log }) => log.sizeInBytes),
  {
    mbean: 'kafka.log:type=LogManager,name=LogDirectoryOffline',
    kind: 'gauge',
    labels: ['logDirectory'],
    doc: 'Whether a log directory has failed.',
    read: ({ directories }) =>
      directories.all.map(({ path, failure }): Sample => [[path], failure === undefined ? 0 : 1]),
  },
  gauge(
    'kafka.log:type=LogManager,name=OfflineLogDirectoryCount',
    'Log directories that have failed or could not be opened.',
    ({ directories }) => directories.offlineCount,
  ),
  counter(
    'springtide.storage:type=Sync,name=Groups',
    'Times that what was written was synced to disk, all logs of a directory together.',
    ({ directories }) => directories.all.reduce((sum, { syncCounts }) => sum + syncCounts.groups, 0),
  ),
  counter('springtide.storage:type=Sync,name=Logs', 'Logs in these syncs.', ({ directories }) =>
    directories.all.reduce((sum, { syncCounts }) => sum + syncCounts.logs, 0),
  ),
  gauge('springtide.storage:type=OpenFiles,name=Count', 'Files of logs that are open.', ({ directories }) =>
    directories.all.reduce((sum, { openFileCount }) => sum + openFileCount, 0),
  ),
  gauge('springtide.storage:type=MemoryTail,name=Bytes', 'Recent batches that are kept in memory.', ({ directories }) =>
    directories.all.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
  ),
];

function controllerGauge(name: string, doc: string, read: (image: MetadataImage) => number): Metric {
  return gauge(`kafka.controller:type=KafkaController,name=${name}`, doc, ({ metadata }) => read(metadata.image));
}

function brokers(image: MetadataImage, isFenced: boolean): number {
  return [...image.brokers.values()].filter((broker) => broker.isFenced === isFenced).length;
}

function countOf(image: MetadataImage, counts: (partition: PartitionImage) => boolean): number {
  let count = 0;
  for (const { partitions } of image.topics.values())
    for (const partition of partitions) if (counts(partition)) count++;
  return count;
}

function replicaGauge(name: string, doc: string, counts: (partition: HostedPartition) => boolean): Metric {
  return gauge(`kafka.server:type=ReplicaManager,name=${name}`, doc, ({ partitions }) => {
    let count = 0;
    for (const partition of partitions.all()) if (counts(partition)) count++;
    return count;
  });
}

function isLed({ state, isOffline }: HostedPartition): boolean {
  return state.isLeader && !isOffline;
}

function inSync({ state }: HostedPartition): number {
  return state.assignment.isr.length;
}

function logGauge(name: string, doc: string, read: (partition: HostedPartition) => number): Metric {
  return {
    mbean: `kafka.log:type=Log,name=${name}`,
    kind: 'gauge',
    labels: ['topic', 'partition'],
    doc: `${doc} Of each partition here.`,
    *read({ partitions }: MetricSources) {
      for (const hosted of [...partitions.all()]) {
        if (!hosted.isOffline) yield [[hosted.topic, String(hosted.partition)], read(hosted)];
      }
    },
  };
}
