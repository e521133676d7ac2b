/** Every configuration key of a topic: shown to take effect at once when it changes, refused by name, or without a meaning on one node. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { formatConfigValue, KafkaError, parseConfigValue } from '#core';
import { refusedTopicConfig, type TopicConfigName, topicConfig, topicConfigConflict, topicConfigTable } from '#storage';
import { configConflicts, configPairs, configValues, type ValueRow } from './topic-config-values.ts';

type Fate =
  /** A test of the files below has the key in its name; a value that is refused all the same, and why. */
  | { readonly works: true; readonly but?: readonly [value: string, text: string] }
  /** Does one thing only: what is refused, and why. */
  | { readonly refused: string; readonly text: string }
  /** Taken, as on an Apache Kafka of one node, where it changes nothing either. */
  | { readonly idle: 'tiered storage' | 'replication' };

const WORKS: Fate = { works: true };
const TIERED: Fate = { idle: 'tiered storage' };
const REPLICATED: Fate = { idle: 'replication' };

const fates: Record<TopicConfigName, Fate> = {
  'cleanup.policy': WORKS,
  'compression.gzip.level': { works: true, but: ['0', 'levels go from 1 to 9, and -1 is the default'] },
  'compression.lz4.level': { refused: '10', text: 'lz4 has one level here, 9' },
  'compression.type': WORKS,
  'compression.zstd.level': WORKS,
  'delete.retention.ms': WORKS,
  'errors.deadletterqueue.group.enable': { refused: 'true', text: 'there are no share groups here' },
  'file.delete.delay.ms': WORKS,
  'flush.messages': WORKS,
  'flush.ms': WORKS,
  'follower.replication.throttled.replicas': REPLICATED,
  'index.interval.bytes': WORKS,
  'leader.replication.throttled.replicas': REPLICATED,
  'local.retention.bytes': TIERED,
  'local.retention.ms': TIERED,
  'max.compaction.lag.ms': WORKS,
  'max.decompressed.message.bytes': WORKS,
  'max.message.bytes': WORKS,
  'message.timestamp.after.max.ms': WORKS,
  'message.timestamp.before.max.ms': WORKS,
  'message.timestamp.type': WORKS,
  'min.cleanable.dirty.ratio': WORKS,
  'min.compaction.lag.ms': WORKS,
  'min.insync.replicas': REPLICATED,
  preallocate: { refused: 'true', text: 'segments are not preallocated here' },
  'remote.copy.lag.bytes': TIERED,
  'remote.copy.lag.ms': TIERED,
  'remote.log.copy.disable': TIERED,
  'remote.log.delete.on.disable': TIERED,
  'remote.storage.enable': { refused: 'true', text: 'there is no tiered storage here' },
  'retention.bytes': WORKS,
  'retention.ms': WORKS,
  'segment.bytes': WORKS,
  'segment.index.bytes': WORKS,
  'segment.jitter.ms': WORKS,
  'segment.ms': WORKS,
  'unclean.leader.election.enable': WORKS,
};

/** The names of tests, and the first column of their tables. */
const titles = ['./topic-config-changes.test.ts', '../broker/log-directories.test.ts'].flatMap(
  (file) => readFileSync(new URL(file, import.meta.url), 'utf8').match(/(?:test|it)\('[^']*'|^ {4}\['[^']*'/gm) ?? [],
);

const named = Object.entries(fates) as [TopicConfigName, Fate][];

/** Undefined when the value may be set. */
function refusalOf(name: TopicConfigName, value: string): string | undefined {
  return refusedTopicConfig(name, parseConfigValue(name, topicConfigTable[name], value));
}

describe('every topic config', () => {
  test('has a fate', () => {
    expect(Object.keys(topicConfigTable).sort()).toEqual(Object.keys(fates).sort());
  });

  test.each(named)('%s may be set to its default', (name) => {
    expect(refusalOf(name, formatConfigValue(topicConfigTable[name].default) ?? '')).toBeUndefined();
  });

  test.each(named.filter(([, fate]) => 'works' in fate))('%s has a test that a change takes effect', (name, fate) => {
    const { but } = fate as Extract<Fate, { works: true }>;
    const isName = new RegExp(`(^|[^a-z.])${name.replaceAll('.', '\\.')}($|[^a-z.])`);
    expect(titles.filter((title) => isName.test(title)).length).toBeGreaterThan(0);
    if (but !== undefined) expect(refusalOf(name, but[0])).toBe(but[1]);
  });

  test.each(named.filter(([, fate]) => 'refused' in fate))('%s is refused other than its default', (name, fate) => {
    const { refused, text } = fate as Extract<Fate, { refused: string }>;
    expect(refusalOf(name, refused)).toBe(text);
    expect(topicConfigTable[name].doc).toMatch(/^Only `/);
  });

  test.each(named.filter(([, fate]) => 'idle' in fate))(
    '%s is taken, and says that it changes nothing',
    (name, fate) => {
      const { idle } = fate as Extract<Fate, { idle: string }>;
      expect(topicConfigTable[name].doc).toMatch(
        idle === 'replication' ? /With one replica, as here/ : /which there is not/,
      );
    },
  );
});

describe('the values of Apache Kafka', () => {
  const isTaken = (name: TopicConfigName, value: string): boolean => {
    try {
      return refusalOf(name, value) === undefined;
    } catch (error) {
      if (error instanceof KafkaError && error.code === 'INVALID_CONFIG') return false;
      throw error;
    }
  };

  test.each(Object.entries(configValues) as [TopicConfigName, ValueRow][])(
    'of %s are ours, but for a few',
    (name, row) => {
      const { taken, refused, weTake = [], weRefuse = [] } = row;
      const values = [...taken, ...refused];
      const ours = [...taken.filter((value) => !weRefuse.includes(value)), ...weTake];
      expect(values.filter((value) => isTaken(name, value)).sort()).toEqual(ours.sort());
    },
  );

  const conflictOf = (configs: Readonly<Record<string, string>>) => topicConfigConflict(topicConfig(configs));

  test.each(configPairs)('may be %j', (configs) => {
    expect(conflictOf(configs)).toBeUndefined();
  });

  test.each(configConflicts)('may not be %j', (configs) => {
    expect(conflictOf(configs)).toBe('min.compaction.lag.ms=10 is more than max.compaction.lag.ms=5');
  });
});

test('throttled replicas that are none are refused with what would be one', () => {
  expect(refusalOf('leader.replication.throttled.replicas', '*,0:1')).toBe(
    'must be `*`, or a list of `partition:broker`',
  );
});
