/** The keys of the group coordinator: Kafka's names and defaults, where not said otherwise. */
import { type ConfigOf, defineConfig } from '#core';

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
    offsetMetadataBytesMax: config['offset.metadata.max.bytes'],
    offsetsRetentionMs: config['offsets.retention.minutes'] * 60_000,
    offsetsRetentionCheckMs: config['offsets.retention.check.interval.ms'],
    batchBytesMax: batchBytesMax - 256,
  };
}
