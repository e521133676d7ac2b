/** Metrics of connections, of what waits, of groups and quotas, and of the process. */
import { Apis } from '#protocol';
import type { RequestMeter } from '../meters/request-meter.ts';
import type { RateQuota } from '../quota/index.ts';
import { counter, gauge, type Metric, type Sample } from './metric.ts';

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
    read: ({ produceDeadlines, fetchDeadlines }) => [
      [['Produce'], produceDeadlines.size],
      [['Fetch'], fetchDeadlines.size],
    ],
  },
  gauge(
    'kafka.server:type=FetchSessionCache,name=NumIncrementalFetchSessions',
    'Fetch sessions.',
    ({ fetchSessions }) => fetchSessions.sessionCount,
  ),
  gauge(
    'kafka.server:type=FetchSessionCache,name=NumIncrementalFetchPartitionsCached',
    'Partitions of all fetch sessions.',
    ({ fetchSessions }) => fetchSessions.partitionCount,
  ),
  counter(
    'kafka.server:type=FetchSessionCache,name=IncrementalFetchSessionEvictionsPerSec',
    'Fetch sessions that had to make room for others.',
    ({ fetchSessions }) => fetchSessions.evictionCount,
  ),
  gauge('kafka.coordinator.group:type=GroupMetadataManager,name=NumGroups', 'Groups.', ({ census }) =>
    census.groups.reduce((sum, { count }) => sum + count, 0),
  ),
  groupGauge('group-count', ['protocol'], 'Groups of each protocol.', ([protocol]) => [protocol]),
  groupGauge('classic-group-count', ['state'], 'Groups of the classic protocol in each state.', stateOf('classic')),
  groupGauge('consumer-group-count', ['state'], 'Groups of the consumer protocol in each state.', stateOf('consumer')),
  counter(
    'kafka.server:type=group-coordinator-metrics,offset-commit-count',
    'Offsets that were committed.',
    ({ meter }) => committedOffsetCount(meter),
  ),
  {
    mbean: 'springtide.broker:type=Transactions,name=Count',
    kind: 'gauge',
    labels: ['state'],
    doc: 'Transactional ids by the state of their transaction.',
    read: ({ census }) => census.transactions.map(({ labels, count }): Sample => [labels, count]),
  },
  quotaGauge('Produce', 'byte-rate', 'producer_byte_rate', 'Bytes a second of produce requests'),
  quotaGauge('Fetch', 'byte-rate', 'consumer_byte_rate', 'Bytes a second of records in fetches'),
  quotaGauge('Request', 'request-time', 'request_percentage', "Percent of the time of the broker's loop"),
  gauge(
    'kafka.server:type=client-metrics,instance-count',
    'Clients that may push their metrics.',
    ({ telemetry }) => telemetry.clients.clientCount,
  ),
  counter(
    'kafka.server:type=client-metrics,plugin-export-count',
    'Pushes of clients that were taken.',
    ({ telemetry }) => telemetry.figures.pushCount,
  ),
  counter(
    'kafka.server:type=client-metrics,plugin-error-count',
    'Pushes of clients that could not be read, or for which there was no room.',
    ({ telemetry }) => telemetry.figures.corruptCount + telemetry.figures.droppedCount,
  ),
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

/** `labelsOf`: of a group's protocol and state; undefined leaves it out. */
function groupGauge(
  attribute: string,
  labels: readonly string[],
  doc: string,
  labelsOf: (group: readonly string[]) => string[] | undefined,
): Metric {
  return {
    mbean: `kafka.server:type=group-coordinator-metrics,${attribute}`,
    kind: 'gauge',
    labels,
    doc,
    *read({ census }) {
      const counts = new Map<string, { values: string[]; count: number }>();
      for (const { labels: group, count } of census.groups) {
        const values = labelsOf(group);
        if (values === undefined) continue;
        const before = counts.get(values.join())?.count ?? 0;
        counts.set(values.join(), { values, count: before + count });
      }
      for (const { values, count } of counts.values()) yield [values, count];
    },
  };
}

function stateOf(wanted: string) {
  return ([protocol, state]: readonly string[]) => (protocol === wanted ? [state] : undefined);
}

/** Every offset has its error code in the answer. */
function committedOffsetCount(meter: RequestMeter): number {
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
    *read({ quotas }) {
      for (const { user, clientId, value } of [...quotas.uses(quota)]) yield [[user, clientId], value];
    },
  };
}
