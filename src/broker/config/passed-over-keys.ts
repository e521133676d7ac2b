/**
 * Keys of Kafka's broker that change nothing here, though many a server.properties has them. They are named at the start, one line a
 * reason, as a warning where somebody may count on what they promise. `sasl.*` stands for all that begin so. ◇
 */

export interface PassedOver {
  readonly keys: readonly string[];
  /** Why, and what to do instead. */
  readonly reason: string;
  readonly level: 'info' | 'warn';
}

export const passedOverKeys: readonly PassedOver[] = [
  {
    level: 'info',
    reason: 'one loop does the work of these threads and sizes its buffers itself; there is nothing to set',
    keys: [
      'background.threads',
      'delete.records.purgatory.purge.interval.requests',
      'fetch.purgatory.purge.interval.requests',
      'group.coordinator.append.linger.ms',
      'group.coordinator.background.threads',
      'group.coordinator.cached.buffer.max.bytes',
      'group.coordinator.threads',
      'log.cleaner.threads',
      'log.flush.offset.checkpoint.interval.ms',
      'log.flush.start.offset.checkpoint.interval.ms',
      'num.io.threads',
      'num.network.threads',
      'num.recovery.threads.per.data.dir',
      'num.replica.alter.log.dirs.threads',
      'offsets.commit.timeout.ms',
      'offsets.load.buffer.size',
      'offsets.topic.compression.codec',
      'producer.purgatory.purge.interval.requests',
      'queued.max.requests',
      'transaction.state.log.load.buffer.size',
    ],
  },
  {
    level: 'info',
    reason: 'the operating system sizes the buffers of sockets (on Linux net.ipv4.tcp_wmem and net.ipv4.tcp_rmem)',
    keys: ['socket.receive.buffer.bytes', 'socket.send.buffer.bytes'],
  },
  {
    level: 'info',
    reason: 'springtide.broker.durability says when records are synced, log.flush.interval.* when earlier',
    keys: ['log.flush.scheduler.interval.ms'],
  },
  {
    level: 'info',
    reason: 'this broker is the only node of its cluster, and its controller',
    keys: [
      'auto.leader.rebalance.enable',
      'broker.heartbeat.interval.ms',
      'broker.session.timeout.ms',
      'controlled.shutdown.enable',
      'controlled.shutdown.max.retries',
      'controlled.shutdown.retry.backoff.ms',
      'controller.quorum.append.linger.ms',
      'controller.quorum.auto.join.enable',
      'controller.quorum.election.backoff.max.ms',
      'controller.quorum.election.timeout.ms',
      'controller.quorum.fetch.max.bytes',
      'controller.quorum.fetch.snapshot.max.bytes',
      'controller.quorum.fetch.timeout.ms',
      'controller.quorum.request.timeout.ms',
      'controller.quorum.retry.backoff.ms',
      'controller.socket.timeout.ms',
      'early.start.listeners',
      'follower.fetch.last.tiered.offset.enable',
      'initial.broker.registration.timeout.ms',
      'leader.imbalance.check.interval.seconds',
      'leader.imbalance.per.broker.percentage',
      'log.dir.failure.timeout.ms',
      'metadata.max.idle.interval.ms',
      'num.replica.fetchers',
      'replica.*',
      'replication.quota.*',
      'request.timeout.ms',
      'server.max.startup.time.ms',
      'socket.connection.setup.timeout.max.ms',
      'socket.connection.setup.timeout.ms',
    ],
  },
  {
    level: 'warn',
    reason:
      'TLS, SASL and ACLs are not served: whoever reaches a listener may do everything, so let only trusted programs reach it',
    keys: [
      'allow.everyone.if.no.acl.found',
      'authorizer.class.name',
      'connection.failed.authentication.delay.ms',
      'connections.max.reauth.ms',
      'delegation.token.*',
      'password.encoder.*',
      'principal.builder.class',
      'sasl.*',
      'security.inter.broker.protocol',
      'security.providers',
      'ssl.*',
      'super.users',
    ],
  },
  {
    level: 'warn',
    reason: 'these name Java classes, which cannot run here',
    keys: [
      'alter.config.policy.class.name',
      'auto.include.jmx.reporter',
      'client.quota.callback.class',
      'config.providers',
      'config.providers.*',
      'create.topic.policy.class.name',
      'group.streams.topology.description.plugin.class',
      'kafka.metrics.polling.interval.secs',
      'kafka.metrics.reporters',
      'metric.reporters',
    ],
  },
  {
    level: 'warn',
    reason: 'tiered storage is not served: all segments stay in log.dirs, and log.retention.* alone says for how long',
    keys: ['remote.fetch.*', 'remote.list.*', 'remote.log.*', 'rlmm.*', 'rsm.*'],
  },
  {
    level: 'info',
    reason: 'share groups and streams groups are not served, and clients are told so',
    keys: [
      'errors.deadletterqueue.*',
      'group.share.*',
      'group.streams.*',
      'share.coordinator.*',
      'share.fetch.purgatory.purge.interval.requests',
    ],
  },
  {
    level: 'info',
    reason: 'metrics are counted without these',
    keys: ['metrics.num.samples', 'metrics.recording.level', 'metrics.sample.window.ms'],
  },
  {
    level: 'warn',
    reason:
      'Kafka 4 has dropped these: the cluster needs no ZooKeeper, records have one format, and listeners and advertised.listeners name the addresses',
    keys: [
      'advertised.host.name',
      'advertised.port',
      'broker.id.generation.enable',
      'host.name',
      'inter.broker.protocol.version',
      'log.message.downconversion.enable',
      'log.message.format.version',
      'log.message.timestamp.difference.max.ms',
      'port',
      'reserved.broker.max.id',
      'zookeeper.*',
    ],
  },
  {
    level: 'warn',
    reason: 'there is no two-phase commit of transactions; requests for it are refused',
    keys: ['transaction.two.phase.commit.enable'],
  },
  { level: 'info', reason: 'these belong to another distribution of Kafka', keys: ['confluent.*'] },
];

/** The reason that holds for `key`, if it is passed over. */
export function passedOver(key: string): PassedOver | undefined {
  return passedOverKeys.find(({ keys }) =>
    keys.some((pattern) => (pattern.endsWith('*') ? key.startsWith(pattern.slice(0, -1)) : key === pattern)),
  );
}
