/** The keys of client telemetry. */
import { defineConfig } from '#core';

export const telemetryConfigTable = defineConfig({
  'springtide.broker.client.telemetry': {
    type: 'boolean',
    default: false,
    importance: 'medium',
    doc: 'Whether clients are told that they may push their metrics here (KIP-714), as Kafka does where a reporter takes them. Which of them push what is set with `kafka-client-metrics`; it is told at `springtide.broker.metrics.port`.',
  },
  'telemetry.max.bytes': {
    type: 'int',
    default: 1_048_576,
    min: 1,
    importance: 'low',
    doc: 'Most bytes of one push of client metrics, compressed as they come.',
  },
});
