/** The metrics with their values, as they are told to people and to Prometheus: plain data, families in the order of the tables. */
import { Histogram } from '#core';
import { clusterTable } from './cluster-table.ts';
import { type Metric, type MetricKind, type MetricSources, type Sample, seriesName } from './metric.ts';
import { serviceTable } from './service-table.ts';
import { trafficTable } from './traffic-table.ts';

export const metricTable: readonly Metric[] = [...trafficTable, ...serviceTable, ...clusterTable];

/** The table without its code, for the documentation. */
export const brokerMetricTable: readonly {
  readonly name: string;
  readonly mbean: string;
  readonly kind: MetricKind;
  readonly labels: readonly string[];
  readonly doc: string;
}[] = metricTable.map(({ mbean, kind, labels, doc }) => ({
  name: seriesName({ mbean, kind }),
  mbean,
  kind,
  labels,
  doc,
}));

/** Those of Kafka's histograms. */
const QUANTILES = [0.5, 0.75, 0.95, 0.98, 0.99, 0.999];

/** One metric with all its series. */
export interface MetricFamily {
  /** As Prometheus names it: `kafka_server_brokertopicmetrics_bytesin_total`. */
  readonly name: string;
  /** As Kafka names it over JMX: `kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec`; '' for what clients pushed. */
  readonly mbean: string;
  readonly kind: MetricKind;
  readonly doc: string;
  readonly samples: readonly MetricSample[];
}

export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  /** Of a summary: how many values it has. */
  readonly value: number;
  readonly summary?: {
    readonly sum: number;
    /** Of the last five to ten minutes: `[0.99, 12.5]` = 99 % were at most 12.5. */
    readonly quantiles: readonly (readonly [quantile: number, value: number])[];
  };
}

/** A family whose samples are made as somebody takes them, for who has other things to do between: there may be ten thousand. */
export interface LiveFamily extends Omit<MetricFamily, 'samples'> {
  readonly samples: Iterable<MetricSample>;
}

/** Values are read as somebody takes them. */
export function* families(sources: MetricSources): Iterable<LiveFamily> {
  for (const metric of metricTable) {
    const samples = toSamples(metric, metric.read(sources));
    yield { name: seriesName(metric), mbean: metric.mbean, kind: metric.kind, doc: metric.doc, samples };
  }
  yield* pushedFamilies(sources.telemetry);
}

function* pushedFamilies({ clients, figures }: MetricSources['telemetry']): Iterable<LiveFamily> {
  for (const { name, isCounter, series } of figures.families((id) => clients.knows(id))) {
    yield { name, mbean: '', kind: isCounter ? 'counter' : 'gauge', doc: 'Pushed by clients.', samples: series };
  }
}

function* toSamples(metric: Metric, samples: Iterable<Sample>): Iterable<MetricSample> {
  for (const sample of samples) yield toSample(metric, sample);
}

function toSample({ labels: names }: Metric, [values, value]: Sample): MetricSample {
  const labels: Record<string, string> = {};
  values.forEach((text, index) => {
    labels[names[index]] = text;
  });
  if (!(value instanceof Histogram)) return { labels, value };
  const quantiles = QUANTILES.map((quantile) => [quantile, value.percentile(quantile)] as const);
  return { labels, value: value.count, summary: { sum: value.sum, quantiles } };
}
