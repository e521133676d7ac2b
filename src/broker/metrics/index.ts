/** Metrics: counted in plain fields where things happen, told under Kafka's names when somebody asks. */
export * from './broker-metrics.ts';
export * from './config.ts';
export * from './families.ts';
export { type Metric, type MetricKind, type MetricSources, seriesName } from './metric.ts';
export { RequestMeter } from './request-meter.ts';
export { TopicTraffic, Traffic } from './topic-traffic.ts';
