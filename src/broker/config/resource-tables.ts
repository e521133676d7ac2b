/** Configs of resources that are neither topics nor brokers: groups, and subscriptions to the metrics of clients. ◇ */
import { defineConfig } from '#core';

/** Of groups (KIP-848); what is not set for a group comes from the broker's key. */
export const groupResourceTable = defineConfig({
  'consumer.assignment.interval.ms': {
    type: 'duration-ms',
    kafkaType: 'int',
    default: 1000,
    min: 0,
    importance: 'medium',
    doc: 'The least time between two assignments of the group.',
  },
  'consumer.heartbeat.interval.ms': {
    type: 'duration-ms',
    kafkaType: 'int',
    default: 5000,
    min: 1,
    importance: 'medium',
    doc: 'How often members of the consumer protocol are to heartbeat.',
  },
  'consumer.session.timeout.ms': {
    type: 'duration-ms',
    kafkaType: 'int',
    default: 45_000,
    min: 1,
    importance: 'medium',
    doc: 'A member of the consumer protocol that was silent for so long is out of the group.',
  },
});

/** The broker's key that gives each its default. */
export const groupBrokerKeys: Readonly<Record<string, string>> = {
  'consumer.assignment.interval.ms': 'group.consumer.assignment.interval.ms',
  'consumer.heartbeat.interval.ms': 'group.consumer.heartbeat.interval.ms',
  'consumer.session.timeout.ms': 'group.consumer.session.timeout.ms',
};

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
