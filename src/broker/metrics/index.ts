/** Metrics: what `meters/` and the other parts count in plain fields, told under Kafka's names when somebody asks. */
export * from './broker-metrics.ts';
export * from './config.ts';
export * from './families.ts';
export { type Metric, type MetricKind, type MetricSources, seriesName } from './metric.ts';
