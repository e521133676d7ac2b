/** The consumer's working parts, put together from its settings: the one place that knows which part needs which. */
import type { Clock, Logger, MetricsRegistry, Random } from '#core';
import type { Transport } from '#net';
import { Cluster } from '../cluster.ts';
import { AutoCommit } from './auto-commit.ts';
import type { ConsumerSettings } from './consumer-settings.ts';
import { CoordinatorLink } from './coordinator-link.ts';
import { Fetcher } from './fetcher.ts';
import { GroupCoordinator } from './group-coordinator.ts';
import { MetadataWatch } from './metadata-watch.ts';
import { OffsetCommits } from './offset-commits.ts';
import { OffsetLookup } from './offset-lookup.ts';
import { PositionFinder } from './position-finder.ts';
import type { RecordMaker } from './record-maker.ts';
import type { Signal } from './signal.ts';
import { SubscriptionState } from './subscription-state.ts';

export interface ConsumerParts<K, V> {
  readonly cluster: Cluster;
  readonly subscriptions: SubscriptionState;
  readonly watch: MetadataWatch;
  readonly fetcher: Fetcher<K, V>;
  readonly lookup: OffsetLookup;
  readonly finder: PositionFinder;
  readonly isReadCommitted: boolean;
  /** All three undefined without a group.id. */
  readonly commits: OffsetCommits | undefined;
  readonly autoCommit: AutoCommit | undefined;
  readonly group: GroupCoordinator | undefined;
}

export interface ConsumerPartsOptions<K, V> {
  readonly settings: ConsumerSettings;
  readonly maker: RecordMaker<K, V>;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly signal: Signal;
}

export function makeConsumerParts<K, V>(options: ConsumerPartsOptions<K, V>): ConsumerParts<K, V> {
  const { settings, transport, clock, random, logger, metrics, signal } = options;
  const { config, resetPolicy } = settings;
  const shared = {
    clock,
    logger,
    metrics,
    signal,
    requestTimeoutMs: config['request.timeout.ms'],
    retryBackoffMs: config['retry.backoff.ms'],
    resetPolicy,
    subscriptions: new SubscriptionState(),
    isReadCommitted: config['isolation.level'].toLowerCase() === 'read_committed',
  };
  const allowAutoTopicCreation = config['allow.auto.create.topics'];
  const cluster = new Cluster({ config, transport, clock, random, logger, allowAutoTopicCreation });
  const { commits, autoCommit, group } = makeGroup(options, shared, cluster);
  const lookup = new OffsetLookup({ ...shared, cluster });
  const fetcher = makeFetcher(options, shared, cluster);
  const watch = new MetadataWatch({
    ...shared,
    cluster,
    excludesInternalTopics: config['exclude.internal.topics'],
    onChange: () => group?.onMetadata(),
    onRecreated: (state) => fetcher.onTopicRecreated(state),
  });
  return {
    cluster,
    subscriptions: shared.subscriptions,
    watch,
    fetcher,
    lookup,
    finder: new PositionFinder({ ...shared, commits, lookup }),
    isReadCommitted: shared.isReadCommitted,
    commits,
    autoCommit,
    group,
  };
}

interface SharedParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly signal: Signal;
  readonly requestTimeoutMs: number;
  readonly retryBackoffMs: number;
  readonly subscriptions: SubscriptionState;
  readonly isReadCommitted: boolean;
}

function makeFetcher<K, V>(
  { settings: { config, resetPolicy }, maker }: ConsumerPartsOptions<K, V>,
  shared: SharedParts,
  cluster: Cluster,
): Fetcher<K, V> {
  return new Fetcher({
    ...shared,
    cluster,
    maker,
    resetPolicy,
    checkCrcs: config['check.crcs'],
    preferredReplicaMs: config['metadata.max.age.ms'],
    limits: {
      minBytes: config['fetch.min.bytes'],
      maxWaitMs: config['fetch.max.wait.ms'],
      responseBytesMax: config['fetch.max.bytes'],
      partitionBytesMax: config['max.partition.fetch.bytes'],
      bufferedBytesMax: config['springtide.fetch.buffered.max.bytes'],
      isReadCommitted: shared.isReadCommitted,
      rackId: config['client.rack'],
    },
  });
}

function makeGroup<K, V>(
  { settings }: ConsumerPartsOptions<K, V>,
  shared: SharedParts,
  cluster: Cluster,
): Pick<ConsumerParts<K, V>, 'commits' | 'autoCommit' | 'group'> {
  const { config, groupId, assignors, isAutoCommit } = settings;
  if (groupId === null) return { commits: undefined, autoCommit: undefined, group: undefined };
  const { clock } = shared;
  const groupInstanceId = config['group.instance.id'];
  const lookupTimeoutMs = config['default.api.timeout.ms'];
  const link = new CoordinatorLink({ ...shared, cluster, groupId, lookupTimeoutMs });
  const membership = () => (shared.subscriptions.isAutoAssigned ? group : undefined);
  const commits = new OffsetCommits({ ...shared, link, groupInstanceId, membership });
  const intervalMs = config['auto.commit.interval.ms'];
  const autoCommit = new AutoCommit({ ...shared, isEnabled: isAutoCommit, intervalMs, commits });
  const group: GroupCoordinator = new GroupCoordinator({
    ...shared,
    cluster,
    link,
    assignors,
    groupInstanceId,
    autoCommit: () => autoCommit.finish(clock.now().monotonicMs + lookupTimeoutMs),
    rackId: config['client.rack'] === '' ? null : config['client.rack'],
    sessionTimeoutMs: config['session.timeout.ms'],
    heartbeatIntervalMs: config['heartbeat.interval.ms'],
    pollIntervalMaxMs: config['max.poll.interval.ms'],
    retryBackoffMaxMs: config['retry.backoff.max.ms'],
  });
  return { commits, autoCommit, group };
}
