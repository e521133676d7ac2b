/**
 * Configs of groups. What is not set for a group comes from the broker's key. Those of share groups and of streams groups are kept and
 * shown as Apache Kafka does, without an effect: there are no such groups yet, nor the broker's keys for them, so that bounds and defaults
 * are those of Kafka. ◇ @see KIP-848, KIP-932, KIP-1071
 */
import { type ConfigKey, type ConfigTable, defineConfig } from '#core';

const INT_MAX = 2 ** 31 - 1;

function time(defaultMs: number, min: number, max: number, doc: string) {
  return { type: 'duration-ms', kafkaType: 'int', default: defaultMs, min, max, importance: 'medium', doc } as const;
}

function count(value: number, min: number, max: number, doc: string) {
  return { type: 'int', default: value, min, max, importance: 'medium', doc } as const;
}

function flag(value: boolean, doc: string) {
  return { type: 'boolean', default: value, importance: 'medium', doc } as const;
}

function text(value: string, doc: string) {
  return { type: 'string', default: value, importance: 'medium', doc } as const;
}

const consumerKeys = {
  'consumer.assignment.interval.ms': time(1000, 0, INT_MAX, 'The least time between two assignments of the group.'),
  'consumer.heartbeat.interval.ms': time(
    5000,
    1,
    INT_MAX,
    'How often members of the consumer protocol are to heartbeat.',
  ),
  'consumer.session.timeout.ms': time(
    45_000,
    1,
    INT_MAX,
    'A member of the consumer protocol that was silent for so long is out of the group.',
  ),
  'consumer.assignor.offload.enable': flag(
    true,
    'Assign in a thread of its own. No effect: assigning takes turns with other work.',
  ),
};

const shareKeys: ConfigTable = {
  'share.assignment.interval.ms': time(1000, 0, 15_000, 'The least time between two assignments of a share group.'),
  'share.assignor.offload.enable': flag(true, 'Assign partitions of share groups in a thread of its own.'),
  'share.auto.offset.reset': text('latest', 'Where a share group begins: earliest, latest, or by_duration:PT1H.'),
  'share.delivery.count.limit': count(5, 2, 10, 'How often a record is delivered at most.'),
  'share.heartbeat.interval.ms': time(5000, 5000, 15_000, 'How often members of a share group are to heartbeat.'),
  'share.isolation.level': {
    ...text('read_uncommitted', 'Whether a share group is given records of transactions that are open or aborted.'),
    oneOf: ['read_committed', 'read_uncommitted'],
  },
  'share.partition.max.record.locks': count(2000, 100, 4000, 'Records of a partition that are under way at most.'),
  'share.record.lock.duration.ms': time(30_000, 15_000, 60_000, 'How long a delivered record is kept from others.'),
  'share.renew.acknowledge.enable': flag(true, 'Whether consumers may ask for more time with a record.'),
  'share.session.timeout.ms': time(45_000, 45_000, 60_000, 'A member that was silent for so long is out of the group.'),
  'errors.deadletterqueue.copy.record.enable': flag(
    false,
    'Whether a dead letter has the record, or only its headers.',
  ),
  'errors.deadletterqueue.topic.name': text('', 'Where records go that could not be processed; empty: nowhere.'),
};

const streamsKeys: ConfigTable = {
  'streams.acceptable.recovery.lag': {
    type: 'long',
    default: 10_000,
    min: 0,
    importance: 'medium',
    doc: 'How far behind a client may be that is given an active task.',
  },
  'streams.assignment.interval.ms': time(1000, 0, 15_000, 'The least time between two assignments of a streams group.'),
  'streams.assignor.name': { ...text('sticky', 'Who assigns tasks.'), oneOf: ['sticky'] },
  'streams.assignor.offload.enable': flag(true, 'Assign tasks in a thread of its own.'),
  'streams.heartbeat.interval.ms': time(5000, 5000, 15_000, 'How often members of a streams group are to heartbeat.'),
  'streams.initial.rebalance.delay.ms': time(3000, 0, INT_MAX, 'How long a new streams group waits for members.'),
  'streams.num.standby.replicas': count(0, 0, 2, 'Standby replicas of a task.'),
  'streams.num.warmup.replicas': count(2, 0, 20, 'Replicas of tasks that are warming up, at most.'),
  'streams.rack.aware.assignment.tags': {
    type: 'list',
    default: [],
    importance: 'medium',
    doc: 'Tags of clients by which standby replicas are spread.',
  },
  'streams.session.timeout.ms': time(
    45_000,
    45_000,
    60_000,
    'A member that was silent for so long is out of the group.',
  ),
  'streams.task.offset.interval.ms': time(60_000, 15_000, INT_MAX, 'How often a client tells how far its tasks are.'),
};

export const groupResourceTable = defineConfig({ ...consumerKeys, ...shareKeys, ...streamsKeys });

/** Apache Kafka shows these of a group that has its own value, and else of none. */
const SHOWN_WHEN_SET: readonly string[] = [
  'consumer.assignor.offload.enable',
  'share.assignor.offload.enable',
  'streams.acceptable.recovery.lag',
  'streams.assignor.offload.enable',
  'streams.num.warmup.replicas',
  'streams.task.offset.interval.ms',
];

/** Those that a group with these overrides is shown to have. */
export function shownGroupKeys(overrides: ReadonlyMap<string, string>): [name: string, key: ConfigKey][] {
  const rows = Object.entries<ConfigKey>(groupResourceTable);
  return rows.filter(([name]) => overrides.has(name) || !SHOWN_WHEN_SET.includes(name));
}

/** Those that no key of the broker stands behind. */
const OF_GROUPS_ALONE = /^(errors\..*|share\.(auto\.offset\.reset|isolation\.level|renew\.acknowledge\.enable))$/;

/** The broker's key that gives a group its default, by Kafka's name; the key itself where there is none. */
export function groupBrokerKey(name: string): string {
  if (name === 'streams.assignor.name') return 'group.streams.assignors';
  return OF_GROUPS_ALONE.test(name) ? name : `group.${name}`;
}

const DURATION = /^by_duration:P(?=\d|T\d)(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d{1,9})?S)?)?$/i;

/** Why a value that its row lets pass cannot be taken. */
export function groupValueProblem(key: string, value: string): string | undefined {
  switch (key) {
    case 'share.auto.offset.reset':
      if (value === 'earliest' || value === 'latest' || DURATION.test(value)) return undefined;
      return 'there are earliest, latest, and by_duration: with an ISO 8601 duration such as PT1H';
    case 'errors.deadletterqueue.topic.name':
      return value.startsWith('__') ? 'names that begin with __ are for internal topics' : undefined;
    case 'streams.rack.aware.assignment.tags': {
      const tags = value.split(',').map((tag) => tag.trim());
      return new Set(tags).size < tags.length ? 'a tag stands there twice' : undefined;
    }
    default:
      return undefined;
  }
}
