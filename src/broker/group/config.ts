/** The keys of the group coordinator: Kafka's names and defaults, where not said otherwise. */
import { type ServerAssignor, serverAssignors } from '#assign';
import { type ConfigOf, defineConfig, KafkaError } from '#core';

const INT32_MAX = 2147483647;

export const groupConfigTable = defineConfig({
  'group.min.session.timeout.ms': {
    type: 'duration-ms',
    kafkaType: 'int',
    default: 6000,
    min: 1,
    importance: 'medium',
    doc: 'The shortest session timeout a member may ask for. Short ones notice a dead consumer sooner and cost more heartbeats.',
  },
  'group.max.session.timeout.ms': {
    type: 'duration-ms',
    kafkaType: 'int',
    default: 1800000,
    min: 1,
    importance: 'medium',
    doc: 'The longest session timeout a member may ask for. Long ones leave the partitions of a dead consumer idle for as long.',
  },
  'group.initial.rebalance.delay.ms': {
    type: 'duration-ms',
    kafkaType: 'int',
    default: 50,
    min: 0,
    importance: 'medium',
    doc: 'How long the first member of an empty group is kept waiting for others; each that comes meanwhile extends it by as much. Kafka waits 3000 ms; here 50: consumers of one application come within some 15 ms of each other, and one that is late gets its partitions with its next heartbeat only (3 s). With 0 only members that already have an id are waited for.',
  },
  'springtide.broker.group.restart.grace.ms': {
    type: 'duration-ms',
    default: 10_000,
    min: 0,
    importance: 'medium',
    doc: 'How long a member that was in its group before this node was started may take to speak before its partitions are given to others, where its session timeout is not shorter. Live members speak within some 4 s (heartbeat.interval.ms and the time to connect again); those of an application that was killed together with its included broker never do. Static members keep their session timeout. 0: all do, as in Kafka.',
  },
  'group.max.size': {
    type: 'int',
    default: INT32_MAX,
    min: 1,
    importance: 'medium',
    doc: 'The largest number of members of one group.',
  },
  'group.consumer.session.timeout.ms': {
    type: 'duration-ms',
    kafkaType: 'int',
    default: 45_000,
    min: 1,
    importance: 'medium',
    doc: 'How long a member of the consumer protocol may be silent before its partitions are given to others. A group may have its own, `consumer.session.timeout.ms`.',
  },
  'group.consumer.min.session.timeout.ms': {
    type: 'duration-ms',
    kafkaType: 'int',
    default: 45_000,
    min: 1,
    importance: 'medium',
    doc: 'The shortest session timeout that a group may be given.',
  },
  'group.consumer.max.session.timeout.ms': {
    type: 'duration-ms',
    kafkaType: 'int',
    default: 60_000,
    min: 1,
    importance: 'medium',
    doc: 'The longest session timeout that a group may be given.',
  },
  'group.consumer.heartbeat.interval.ms': {
    type: 'duration-ms',
    kafkaType: 'int',
    default: 5_000,
    min: 1,
    importance: 'medium',
    doc: 'How often members of the consumer protocol are told to send heartbeats. Changes of the assignment reach them no faster. A group may have its own, `consumer.heartbeat.interval.ms`.',
  },
  'group.consumer.min.heartbeat.interval.ms': {
    type: 'duration-ms',
    kafkaType: 'int',
    default: 5_000,
    min: 1,
    importance: 'medium',
    doc: 'The shortest heartbeat interval that a group may be given.',
  },
  'group.consumer.max.heartbeat.interval.ms': {
    type: 'duration-ms',
    kafkaType: 'int',
    default: 15_000,
    min: 1,
    importance: 'medium',
    doc: 'The longest heartbeat interval that a group may be given.',
  },
  'group.consumer.assignment.interval.ms': {
    dynamic: 'cluster-wide',
    type: 'duration-ms',
    kafkaType: 'int',
    default: 1_000,
    min: 0,
    importance: 'medium',
    doc: 'The time between two runs of the assignor for one group, at least: members that come together are assigned together. A group may have its own, `consumer.assignment.interval.ms`.',
  },
  'group.consumer.min.assignment.interval.ms': {
    type: 'duration-ms',
    kafkaType: 'int',
    default: 0,
    min: 0,
    importance: 'medium',
    doc: 'The shortest assignment interval that a group may be given.',
  },
  'group.consumer.max.assignment.interval.ms': {
    type: 'duration-ms',
    kafkaType: 'int',
    default: 15_000,
    min: 0,
    importance: 'medium',
    doc: 'The longest assignment interval that a group may be given.',
  },
  'group.consumer.max.size': {
    type: 'int',
    default: INT32_MAX,
    min: 1,
    importance: 'medium',
    doc: 'The largest number of members of one group of the consumer protocol.',
  },
  'group.consumer.assignors': {
    type: 'list',
    default: ['uniform', 'range'],
    importance: 'medium',
    doc: 'The assignors that members of the consumer protocol may ask for, `uniform` and `range`; the first one is used where they ask for none.',
  },
  'group.consumer.migration.policy': {
    type: 'string',
    default: 'bidirectional',
    oneOf: ['disabled', 'upgrade', 'downgrade', 'bidirectional'],
    importance: 'medium',
    doc: 'Whether a classic group with members becomes one of the consumer protocol when a consumer of that protocol joins (`upgrade`), and a classic one again when the last such consumer has left (`downgrade`). Groups without members always may.',
  },
  'group.coordinator.rebalance.protocols': {
    type: 'list',
    default: ['classic', 'consumer', 'streams'],
    importance: 'medium',
    doc: 'The protocols that groups may use. Without `consumer`, consumers of that protocol are refused, as on a cluster whose feature `group.version` is 0; `classic` must be there. `streams` and `share` have no effect here yet.',
  },
  'offset.metadata.max.bytes': {
    type: 'bytes',
    kafkaType: 'int',
    default: 4096,
    min: 0,
    importance: 'high',
    doc: 'The longest metadata text that may be committed with an offset.',
  },
  'offsets.retention.minutes': {
    type: 'int',
    unit: 'minutes',
    default: 10080,
    min: 1,
    importance: 'high',
    doc: 'How long the offsets of a group without members are kept, counted from the moment it lost the last one; for simple consumers from the commit.',
  },
  'offsets.retention.check.interval.ms': {
    type: 'duration-ms',
    kafkaType: 'long',
    default: 600000,
    min: 1,
    importance: 'high',
    doc: 'How often expired offsets are looked for.',
  },
});

/** What the machine wants to know, in units that a name carries. */
export interface GroupSettings {
  readonly sessionTimeoutMsMin: number;
  readonly sessionTimeoutMsMax: number;
  readonly initialRebalanceDelayMs: number;
  /** For members that a start of the node finds in the log; 0 = their session timeout. */
  readonly restartGraceMs: number;
  readonly groupMemberCountMax: number;
  readonly consumerGroupMemberCountMax: number;
  /** In the order of preference; at least one. */
  readonly consumerAssignors: readonly ServerAssignor[];
  readonly consumerMigrationPolicy: 'disabled' | 'upgrade' | 'downgrade' | 'bidirectional';
  readonly offsetMetadataBytesMax: number;
  readonly offsetsRetentionMs: number;
  readonly offsetsRetentionCheckMs: number;
  /** Most bytes of one batch in the offsets partition, records of one answer together. */
  readonly batchBytesMax: number;
}

/** Bounds that Kafka has no key for. */
export const limits = {
  /** A member that asked to join and was sent an id may be this many besides others before new ones are refused. */
  pendingMemberCountMax: 10_000,
  /** Subscription bytes of one member, all its protocols together. */
  memberMetadataBytesMax: 1_048_576,
  /** Protocols one member may name. */
  memberProtocolCountMax: 100,
  /** A member that is parked in the join phase for the first time is given up after this (Kafka: five minutes). */
  newMemberJoinTimeoutMs: 300_000,
  /** How long the first members wait for others that were just sent an id, the initial delay included. */
  pendingGraceMs: 250,
  /** Length of a topic pattern times the copies that its counted repetitions make. */
  regexExpandedLengthMax: 200_000,
  /** Instructions of a topic pattern. */
  regexSizeMax: 10_000,
  /** Steps that matching the patterns of a group may take in one turn: some 20 ms. */
  regexStepsPerTurn: 2_000_000,
  /** The patterns of a group are matched again no earlier than this, whatever happens to topics. */
  regexRefreshMsMin: 10_000,
  /** And no later than this, with the next heartbeat. */
  regexRefreshMsMax: 600_000,
  /** A timer that comes later than this shows that the loop stood still; see alarms.ts. */
  timerLatenessMsMax: 500,
} as const;

/**
 * Turns the parsed keys into settings. `batchBytesMax` is the limit of the offsets topic (`message.max.bytes`), from which a reserve for the
 * batch header is taken here.
 */
export function groupSettings(config: ConfigOf<typeof groupConfigTable>, batchBytesMax = 1_048_588): GroupSettings {
  return {
    sessionTimeoutMsMin: config['group.min.session.timeout.ms'],
    sessionTimeoutMsMax: config['group.max.session.timeout.ms'],
    initialRebalanceDelayMs: config['group.initial.rebalance.delay.ms'],
    restartGraceMs: config['springtide.broker.group.restart.grace.ms'],
    groupMemberCountMax: config['group.max.size'],
    consumerGroupMemberCountMax: config['group.consumer.max.size'],
    consumerAssignors: assignorsOf(config['group.consumer.assignors']),
    consumerMigrationPolicy: config['group.consumer.migration.policy'] as GroupSettings['consumerMigrationPolicy'],
    offsetMetadataBytesMax: config['offset.metadata.max.bytes'],
    offsetsRetentionMs: config['offsets.retention.minutes'] * 60_000,
    offsetsRetentionCheckMs: config['offsets.retention.check.interval.ms'],
    batchBytesMax: batchBytesMax - 256,
  };
}

/** Group configs that may be set for one group. @see KIP-848 */
export interface ConsumerGroupConfig {
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly assignmentIntervalMs: number;
}

/** What a group of the consumer protocol has where it was given nothing of its own. */
export function consumerGroupDefaults(config: ConfigOf<typeof groupConfigTable>): ConsumerGroupConfig {
  return {
    sessionTimeoutMs: config['group.consumer.session.timeout.ms'],
    heartbeatIntervalMs: config['group.consumer.heartbeat.interval.ms'],
    assignmentIntervalMs: config['group.consumer.assignment.interval.ms'],
  };
}

function assignorsOf(names: readonly string[]): readonly ServerAssignor[] {
  const known = serverAssignors.map(({ name }) => name);
  if (names.length === 0) throw new KafkaError('INVALID_CONFIG', 'group.consumer.assignors must name one at least.');
  return names.map((name) => {
    const assignor = serverAssignors.find((each) => each.name === name);
    if (assignor !== undefined) return assignor;
    const text = `group.consumer.assignors: there is no assignor '${name}' here. Known: ${known.join(', ')}.`;
    throw new KafkaError('INVALID_CONFIG', text);
  });
}
