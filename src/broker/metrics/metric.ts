/**
 * What a metric is: a row with Kafka's name, from which the name of its series follows, and a function that reads its values when
 * somebody asks. Counting is done elsewhere, in plain fields; nothing here runs before.
 *
 *     kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec       counter  kafka_server_brokertopicmetrics_bytesin_total
 *     kafka.network:type=RequestMetrics,name=TotalTimeMs            summary  kafka_network_requestmetrics_totaltimems
 *     kafka.server:type=socket-server-metrics,connection-count      gauge    kafka_server_socket_server_metrics_connection_count
 *
 * That is the mapping of the configuration for Kafka that comes with Prometheus's JMX exporter: domain, type and name or attribute, in
 * lower case, with `_` for what is no letter or digit; a rate becomes the counter that it is the rate of.
 */
import { assert, type Histogram } from '#core';
import type { LogDirectories } from '#storage';
import type { FetchSessionCache } from '../fetch-session/index.ts';
import type { HostedPartitions } from '../hosting/hosted-partitions.ts';
import type { MetadataLog } from '../metadata/metadata-log.ts';
import type { RequestMeter } from '../meters/request-meter.ts';
import type { Traffic } from '../meters/topic-traffic.ts';
import type { TimerWheel } from '../purgatory/timer-wheel.ts';
import type { RequestQuotas } from '../server/request-quotas.ts';
import type { Server } from '../server/server.ts';
import type { TelemetryReceiver } from '../telemetry/index.ts';
import type { Census } from './census.ts';
import type { LoopLag } from './loop-lag.ts';

export type MetricKind = 'counter' | 'gauge' | 'summary';

/** The parts that values are read from. */
export interface MeasuredParts {
  readonly meter: RequestMeter;
  readonly traffic: Traffic;
  readonly server: Server;
  readonly metadata: MetadataLog;
  readonly directories: LogDirectories;
  readonly partitions: HostedPartitions;
  readonly produceDeadlines: TimerWheel;
  readonly fetchDeadlines: TimerWheel;
  readonly fetchSessions: FetchSessionCache;
  readonly quotas: RequestQuotas;
  readonly telemetry: TelemetryReceiver;
}

export interface MetricSources extends MeasuredParts {
  readonly census: Census;
  /** Undefined where nobody reads it regularly. */
  readonly loopLag: LoopLag | undefined;
}

/** The values of the labels, in their order (fewer: those at the end are left out), and the value. */
export type Sample = readonly [labels: readonly string[], value: number | Histogram];

export interface Metric {
  /** Kafka's, without what varies: `domain:type=Type,name=Name` or `domain:type=Type,attribute`. */
  readonly mbean: string;
  readonly kind: MetricKind;
  readonly labels: readonly string[];
  /** One sentence for people. */
  readonly doc: string;
  /** Values may be read long after the first was taken, so what there is of topics is noted first: no series comes twice. */
  readonly read: (from: MetricSources) => Iterable<Sample>;
}

/** A gauge without labels. */
export function gauge(mbean: string, doc: string, read: (from: MetricSources) => number): Metric {
  return { mbean, kind: 'gauge', labels: [], doc, read: (from) => [[[], read(from)]] };
}

/** A counter without labels. */
export function counter(mbean: string, doc: string, read: (from: MetricSources) => number): Metric {
  return { ...gauge(mbean, doc, read), kind: 'counter' };
}

export function seriesName({ mbean, kind }: Pick<Metric, 'mbean' | 'kind'>): string {
  const match = /^([\w.]+):type=([\w-]+)(?:,(?:name=)?([\w-]+))?$/.exec(mbean);
  assert(match !== null, `${mbean} is no name of a metric`);
  const words = match.slice(1).filter((word) => word !== undefined);
  const name = words.join('_').replace(/[^\w]/g, '_').toLowerCase();
  return kind === 'counter' ? `${name.replace(/persec$|_total$/, '')}_total` : name;
}
