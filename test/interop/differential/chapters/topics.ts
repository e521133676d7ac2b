/** CreateTopics, CreatePartitions, DeleteTopics. */
import { Apis } from '#protocol';
import type { Chapter } from './chapter.ts';
import { createTopics, step } from './steps.ts';

const REQUIRED = { numPartitions: 1, replicationFactor: 1 };
const NAMES = ['taken', 'tak_en', '..', '__consumer_offsets', '__cluster_metadata', 'a'.repeat(249)];
const CONFIGS = [
  [],
  [{ name: 'cleanup.policy', value: 'compact' }],
  [{ name: 'cleanup.policy', value: 'nonsense' }],
  [{ name: 'retention.ms', value: null }],
  [{ name: 'retention.ms', value: 'x' }],
  [{ name: 'retention.ms', value: '-2' }],
  [{ name: 'no.such.config', value: '1' }],
  [
    { name: 'retention.ms', value: '1' },
    { name: 'retention.ms', value: '2' },
  ],
  [{ name: 'min.insync.replicas', value: '2' }],
  [{ name: 'compression.type', value: 'zstd' }],
];
const ASSIGNMENTS = [
  [{ partitionIndex: 0, brokerIds: [1] }],
  [{ partitionIndex: 1, brokerIds: [1] }],
  [{ partitionIndex: 0, brokerIds: [] }],
  [{ partitionIndex: 0, brokerIds: [2] }],
  [{ partitionIndex: 0, brokerIds: [1, 1] }],
  [
    { partitionIndex: 0, brokerIds: [1] },
    { partitionIndex: 1, brokerIds: [1] },
  ],
];

function creation(topic: object, more: object = {}) {
  return { topics: [{ name: '@fresh', ...REQUIRED, ...topic }], timeoutMs: 30_000, validateOnly: true, ...more };
}

export const topics: Chapter = {
  name: 'topics',
  scenery: [...createTopics({ taken: {}, 'tak.en': {}, grown: {}, other: { partitions: 2 } })],
  lattices: [
    {
      api: Apis.CreateTopics,
      base: creation({ configs: [{ name: 'retention.ms', value: '1000' }] }),
      values: { name: NAMES, configs: CONFIGS, numPartitions: [3, 100_000], replicationFactor: [2, 3] },
      fixed: ['validateOnly'],
    },
    {
      api: Apis.CreateTopics,
      base: creation({ numPartitions: -1, replicationFactor: -1, assignments: ASSIGNMENTS[0] }),
      values: { assignments: ASSIGNMENTS },
      fixed: ['validateOnly', 'name', 'timeoutMs', 'configs'],
    },
    {
      api: Apis.CreateTopics,
      base: creation({ configs: [{ name: 'retention.ms', value: '1000' }] }, { validateOnly: false }),
      values: { configs: CONFIGS },
      fixed: ['validateOnly', 'timeoutMs', 'numPartitions', 'name'],
    },
    {
      api: Apis.CreatePartitions,
      base: { topics: [{ name: 'grown', count: 2, assignments: null }], timeoutMs: 30_000, validateOnly: true },
      values: {
        name: ['other', ...NAMES],
        assignments: [
          [{ brokerIds: [1] }],
          [{ brokerIds: [2] }],
          [{ brokerIds: [] }],
          [{ brokerIds: [1] }, { brokerIds: [1] }],
        ],
        count: [3, 20_000],
      },
      fixed: ['validateOnly'],
    },
    {
      api: Apis.DeleteTopics,
      base: { topics: [{ name: '@fresh' }], topicNames: ['@fresh'], timeoutMs: 30_000 },
      values: { name: ['nowhere'], topicNames: ['nowhere'], topicId: ['@id:@fresh'] },
      fixed: ['topicId'],
    },
    {
      api: Apis.DeleteTopics,
      versions: [6],
      base: { topics: [{ name: null, topicId: '@id:@fresh' }], timeoutMs: 30_000 },
      values: { name: ['nowhere', '@fresh'] },
    },
  ],
  before: (api) => (api === 'DeleteTopics' ? createTopics({ '@fresh': {} }) : []),
  conversations: [
    step('really', Apis.CreatePartitions, 3, {
      topics: [{ name: 'grown', count: 3, assignments: null }],
      timeoutMs: 30_000,
    }),
    step('again', Apis.CreatePartitions, 3, {
      topics: [{ name: 'grown', count: 3, assignments: null }],
      timeoutMs: 30_000,
    }),
    step('fewer', Apis.CreatePartitions, 3, {
      topics: [{ name: 'grown', count: 2, assignments: null }],
      timeoutMs: 30_000,
    }),
    step('two in one request', Apis.CreateTopics, 7, {
      topics: [
        { name: 'two', ...REQUIRED },
        { name: 'two', ...REQUIRED },
        { name: 'one', ...REQUIRED },
      ],
      timeoutMs: 30_000,
    }),
    step('colliding in one request', Apis.CreateTopics, 7, {
      topics: [
        { name: 'col.lide', ...REQUIRED },
        { name: 'col_lide', ...REQUIRED },
      ],
      timeoutMs: 30_000,
    }),
    step(
      'gone again',
      Apis.DeleteTopics,
      5,
      { topicNames: ['col.lide', 'col_lide'], timeoutMs: 30_000 },
      { isOnlyAsked: true },
    ),
    step('twice in one request', Apis.DeleteTopics, 6, {
      topics: [{ name: 'other' }, { name: 'other' }],
      timeoutMs: 30_000,
    }),
    step('by name and by id', Apis.DeleteTopics, 6, {
      topics: [{ name: 'other' }, { topicId: '@id:other' }],
      timeoutMs: 30_000,
    }),
  ],
};
