/** Configs of subscriptions to the metrics of clients. ◇ */
import { defineConfig } from '#core';

/** @see KIP-714 */
export const clientMetricsTable = defineConfig({
  'interval.ms': {
    type: 'int',
    default: 300_000,
    min: 100,
    max: 3_600_000,
    importance: 'medium',
    doc: 'How often clients are to push the metrics they are asked for.',
  },
  match: {
    type: 'list',
    default: [],
    importance: 'medium',
    doc: 'Which clients are asked: `client_id=orders.*` and the like, all of which must match.',
  },
  metrics: {
    type: 'list',
    default: [],
    importance: 'medium',
    doc: 'What metrics: prefixes of names; `*` is all of them.',
  },
});
