/**
 * The consumer's configuration: Kafka's names, the defaults of the Java client 4.4, and the keys of our own. Values are checked one by one here; rules
 * between keys (group protocol against session timeout, and so on) are the consumer's.
 */
import { type ConfigOf, defineConfig } from '#core';
import { clientConfigTable } from '../config.ts';

export const consumerConfigTable = defineConfig({
  ...clientConfigTable,
  'group.id': {
    type: 'string',
    default: null,
    nullable: true,
    importance: 'high',
    doc: 'Consumer group. Needed for subscribe and for committing offsets.',
  },
  'group.instance.id': {
    type: 'string',
    default: null,
    nullable: true,
    importance: 'medium',
    doc: 'Makes this a static member: it may come back within session.timeout.ms without a rebalance (KIP-345).',
  },
  'group.protocol': {
    type: 'string',
    default: 'classic',
    oneOf: ['classic', 'consumer'],
    importance: 'high',
    doc: 'How the group is coordinated.',
  },
  'group.remote.assignor': {
    type: 'string',
    default: null,
    nullable: true,
    importance: 'medium',
    doc: 'Assignor of the broker for group.protocol=consumer: uniform or range.',
  },
  'session.timeout.ms': {
    type: 'duration-ms',
    default: 45_000,
    min: 1,
    importance: 'high',
    doc: 'A member the coordinator does not hear from for this long is dropped from its group.',
  },
  'heartbeat.interval.ms': {
    type: 'duration-ms',
    default: 3_000,
    min: 1,
    importance: 'high',
    doc: 'Time between heartbeats; at most a third of session.timeout.ms.',
  },
  'max.poll.interval.ms': {
    type: 'duration-ms',
    default: 300_000,
    min: 1,
    importance: 'medium',
    doc: 'Longest time between two polls before the member leaves its group by itself.',
  },
  'max.poll.records': {
    type: 'int',
    default: 500,
    min: 1,
    importance: 'medium',
    doc: 'Most records that one poll returns.',
  },
  'partition.assignment.strategy': {
    type: 'list',
    default: ['range', 'cooperative-sticky'] as string[],
    importance: 'medium',
    doc: 'Assignors in order of preference, by name or by Java class name: range, roundrobin, sticky, cooperative-sticky.',
  },
  'enable.auto.commit': {
    type: 'boolean',
    default: true,
    importance: 'medium',
    doc: 'Commit the positions of what earlier polls returned, from within poll.',
  },
  'auto.commit.interval.ms': {
    type: 'duration-ms',
    default: 5_000,
    min: 0,
    importance: 'low',
    doc: 'Time between automatic commits.',
  },
  'auto.offset.reset': {
    type: 'string',
    default: 'latest',
    importance: 'medium',
    doc: 'Where to begin without a committed offset: earliest, latest, none, or by_duration:<ISO-8601 duration>.',
  },
  'fetch.min.bytes': {
    type: 'bytes',
    default: 1,
    min: 0,
    importance: 'high',
    doc: 'The broker answers a fetch when it has this much, or after fetch.max.wait.ms.',
  },
  'fetch.max.bytes': {
    type: 'bytes',
    default: 52_428_800,
    min: 0,
    importance: 'medium',
    doc: 'Most bytes in one fetch reply; a single larger batch comes all the same.',
  },
  'fetch.max.wait.ms': {
    type: 'duration-ms',
    default: 500,
    min: 0,
    importance: 'low',
    doc: 'Longest wait of the broker for fetch.min.bytes.',
  },
  'max.partition.fetch.bytes': {
    type: 'bytes',
    default: 1_048_576,
    min: 0,
    importance: 'high',
    doc: 'Most bytes per partition in one fetch reply; a single larger batch comes all the same.',
  },
  'isolation.level': {
    type: 'string',
    default: 'read_uncommitted',
    oneOf: ['read_uncommitted', 'read_committed'],
    importance: 'medium',
    doc: 'read_committed: records of open and aborted transactions are not returned.',
  },
  'check.crcs': {
    type: 'boolean',
    default: true,
    importance: 'low',
    doc: 'Check the checksum of each batch before its records are returned.',
  },
  'default.api.timeout.ms': {
    type: 'duration-ms',
    default: 60_000,
    min: 0,
    importance: 'medium',
    doc: 'Longest time of calls that take no timeout of their own.',
  },
  'allow.auto.create.topics': {
    type: 'boolean',
    default: true,
    importance: 'medium',
    doc: 'Whether asking for a missing topic may create it, if the broker allows that.',
  },
  'exclude.internal.topics': {
    type: 'boolean',
    default: true,
    importance: 'medium',
    doc: 'A pattern never matches internal topics.',
  },
  'interceptor.classes': {
    type: 'list',
    default: [] as string[],
    importance: 'low',
    doc: 'Not loaded by name: hand interceptors over as objects.',
  },
  'springtide.fetch.buffered.max.bytes': {
    type: 'bytes',
    default: 67_108_864,
    min: 1,
    importance: 'low',
    doc: 'Most bytes that are fetched ahead and not yet returned by poll, requests under way included; one larger batch per broker comes all the same.',
  },
});

/** The consumer's configuration, parsed. */
export type ConsumerConfig = ConfigOf<typeof consumerConfigTable>;
