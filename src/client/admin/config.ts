/**
 * The admin client's configuration: Kafka's names, the defaults of the Java client 4.4.
 */
import { type ConfigOf, defineConfig } from '#core';
import { clientConfigTable } from '../config.ts';

export const adminConfigTable = defineConfig({
  ...clientConfigTable,
  'connections.max.idle.ms': { ...clientConfigTable['connections.max.idle.ms'], default: 300_000 },
  'default.api.timeout.ms': {
    type: 'duration-ms',
    default: 60_000,
    min: 0,
    importance: 'medium',
    doc: 'Longest time of a call that takes no timeout of its own, retries included.',
  },
  retries: {
    type: 'int',
    default: 2_147_483_647,
    min: 0,
    importance: 'low',
    doc: 'How often a call is tried again after an error that may pass, within its timeout.',
  },
});

/** The admin client's configuration, parsed. */
export type AdminConfig = ConfigOf<typeof adminConfigTable>;
