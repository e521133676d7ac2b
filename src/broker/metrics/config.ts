/** The keys of metrics. */
import { defineConfig } from '#core';

export const metricsConfigTable = defineConfig({
  'springtide.broker.metrics.port': {
    type: 'int',
    default: null,
    min: 0,
    max: 65535,
    importance: 'medium',
    doc: 'The port at which metrics can be read in the text format of Prometheus, under `/metrics`; `/health` there says whether the broker serves. 0 takes a free one. Without it there is no such port; `Broker.metrics()` has the same figures.',
  },
  'springtide.broker.metrics.host': {
    type: 'string',
    default: '127.0.0.1',
    importance: 'medium',
    doc: 'The address of `springtide.broker.metrics.port`. Names of topics, groups and clients are to be read there by whoever reaches it.',
  },
});
