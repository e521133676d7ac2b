/** The keys of quotas: Kafka's names and defaults. */
import { type ConfigOf, defineConfig } from '#core';
import type { QuotaWindows } from './client-quotas.ts';

export const quotaConfigTable = defineConfig({
  'quota.window.num': {
    type: 'int',
    default: 11,
    min: 1,
    importance: 'low',
    doc: 'Windows over which the rates of client quotas are taken: all but one of them whole.',
  },
  'quota.window.size.seconds': {
    type: 'int',
    default: 1,
    min: 1,
    importance: 'low',
    doc: 'The time of one window of client quotas. Going over a share of processing time costs a client one window of silence at most.',
  },
  'controller.quota.window.num': {
    type: 'int',
    default: 11,
    min: 1,
    importance: 'low',
    doc: 'Windows whose share of `controller_mutation_rate` a client may use up at once.',
  },
  'controller.quota.window.size.seconds': {
    type: 'int',
    default: 1,
    min: 1,
    importance: 'low',
    doc: 'The time of one window of `controller_mutation_rate`.',
  },
});

export function quotaWindows(config: ConfigOf<typeof quotaConfigTable>): QuotaWindows {
  return {
    windowCount: config['quota.window.num'],
    windowMs: config['quota.window.size.seconds'] * 1000,
    controllerWindowCount: config['controller.quota.window.num'],
    controllerWindowMs: config['controller.quota.window.size.seconds'] * 1000,
  };
}
