/** Metrics of connections, of what waits, of groups and quotas, and of the process. */
import { Apis } from '#protocol';
import type { RateQuota } from '../quota/index.ts';
import { counter, gauge, type Metric, type MetricSources, type Sample } from './metric.ts';

export const serviceTable: readonly Metric[] = [
  {
    mbean: 'kafka.server:type=socket-server-metrics,connection-count',
    kind: 'gauge',
    labels: ['listener'],
    doc: 'Connections that are open.',
    read: ({ server }) => [...server.connectionCounts].map(([listener, count]): Sample => [[listener], count]),
  },
  counter(
    'kafka.server:type=socket-server-metrics,connection-creation-total',
    'Connections that were opened.',
    ({ server }) => server.openedCount,
  ),
  counter(
    'kafka.server:type=socket-server-metrics,connection-close-total',
    'Connections that have ended.',
    ({ server }) => server.openedCount - server.connectionCount,
  ),
  {
    mbean: 'kafka.server:type=DelayedOperationPurgatory,name=PurgatorySize',
    kind: 'gauge',
    labels: ['delayedOperation'],
    doc: 'Requests that wait: produce requests for their records to be committed, fetches for records.',
    read: ({ broker }) => [
      [['Produce'], broker.produceDeadlines.size],
      [['Fetch'], broker.fetchDeadlines.size],
    ],
  },
  gauge(
    'kafka.server:type=FetchSessionCache,name=NumIncrementalFetchSessions',
    'Fetch sessions.',
    ({ broker }) => broker.fetchSessions.sessionCount,
  ),
  gauge(
    'kafka.server:type=FetchSessionCache,name=NumIncrementalFetchPartitionsCached',
    'Partitions of all fetch sessions.',
    ({ broker }) => broker.fetchSessions.partitionCount,
  ),
  counter(
    'kafka.server:type=FetchSessionCache,name=IncrementalFetchSessionEvictionsPerSec',
    'Fetch sessions that had to make room for others.',
    ({ broker }) => broker.fetchSessions.evictionCount,
  ),
  gauge('kafka.coordinator.group:type=GroupMetadataManager,name=NumGroups', 'Groups.', ({ groups }) =>
    groups.reduce((sum, { count }) => sum + count, 0),
  ),
  {
    mbean: 'kafka.server:type=group-coordinator-metrics,name=group-count',
    kind: 'gauge',
    labels: ['protocol', 'state'],
    doc: 'Groups of each protocol in each state.',
    read: ({ groups }) => groups.map(({ protocol, state, count }): Sample => [[protocol, state], count]),
  },
  counter(
    'kafka.server:type=group-coordinator-metrics,offset-commit-count',
    'Offsets that were committed.',
    ({ broker }) => committedOffsetCount(broker),
  ),
  quotaGauge('Produce', 'byte-rate', 'producer_byte_rate', 'Bytes a second of produce requests'),
  quotaGauge('Fetch', 'byte-rate', 'consumer_byte_rate', 'Bytes a second of records in fetches'),
  quotaGauge('Request', 'request-time', 'request_percentage', "Percent of the time of the broker's loop"),
  {
    mbean: 'springtide.broker:type=EventLoop,name=LagMs',
    kind: 'summary',
    labels: [],
    doc: "How late the broker's loop comes to what is due; only where `springtide.broker.metrics.port` is set.",
    read: ({ loopLag }) => (loopLag === undefined ? [] : [[[], loopLag.lateMs]]),
  },
  gauge('process:type=resident_memory_bytes', 'Memory of the process.', () => process.memoryUsage.rss()),
  gauge('nodejs:type=heap_size_used_bytes', 'Heap that is in use.', () => process.memoryUsage().heapUsed),
  gauge(
    'nodejs:type=external_memory_bytes',
    'Memory outside the heap, buffers among it.',
    () => process.memoryUsage().external,
  ),
  counter('process:type=cpu_seconds_total', 'Processor time of the process.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  }),
];

/** Every offset has its error code in the answer. */
function committedOffsetCount({ meter }: MetricSources['broker']): number {
  let count = 0;
  for (const api of [Apis.OffsetCommit, Apis.TxnOffsetCommit]) {
    for (const [code, answers] of meter.of(api).errorCounts()) if (code === 0) count += answers;
  }
  return count;
}

function quotaGauge(type: string, attribute: string, quota: RateQuota, what: string): Metric {
  return {
    mbean: `kafka.server:type=${type},${attribute}`,
    kind: 'gauge',
    labels: ['user', 'client_id'],
    doc: `${what}, of each entity that ${quota} counts.`,
    *read({ broker }) {
      for (const { user, clientId, value } of broker.quotas.uses(quota)) yield [[user, clientId], value];
    },
  };
}
