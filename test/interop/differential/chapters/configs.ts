/** DescribeConfigs, AlterConfigs, IncrementalAlterConfigs, ListConfigResources. */
import { Apis, type DescribeConfigsResponse } from '#protocol';
import type { Chapter } from './chapter.ts';
import { createTopics, step } from './steps.ts';

const TYPES = [2, 4, 8, 16, 32, 64];
const NAMES = ['configured', 'plain', '1', '2', 'x'];
const TOPIC_KEYS = ['cleanup.policy', 'retention.ms', 'no.such.config', 'compression.type', 'max.message.bytes'];
const BROKER_KEYS = ['log.retention.ms', 'num.io.threads', 'node.id', 'message.max.bytes', 'log.cleaner.threads'];
const VALUES = ['compact', 'delete,compact', '-1', '99999999999999999999', 'true', ' 7 '];

export const configs: Chapter = {
  name: 'configs',
  scenery: [
    ...createTopics({ configured: { configs: { 'retention.ms': '1000', 'cleanup.policy': 'compact' } }, plain: {} }),
  ],
  lattices: [
    {
      api: Apis.DescribeConfigs,
      base: {
        resources: [
          { resourceType: 2, resourceName: 'configured', configurationKeys: ['retention.ms', 'cleanup.policy'] },
        ],
        includeSynonyms: true,
      },
      values: { resourceType: TYPES, resourceName: NAMES, configurationKeys: [...TOPIC_KEYS] },
    },
    {
      api: Apis.DescribeConfigs,
      base: {
        resources: [
          { resourceType: 4, resourceName: '1', configurationKeys: ['log.retention.ms', 'message.max.bytes'] },
        ],
        includeSynonyms: true,
        includeDocumentation: true,
      },
      // All keys of a broker are compared one by one elsewhere.
      only: { configurationKeys: [...BROKER_KEYS] },
      values: { resourceName: NAMES },
    },
    {
      api: Apis.AlterConfigs,
      base: {
        resources: [{ resourceType: 2, resourceName: 'plain', configs: [{ name: 'retention.ms', value: '2000' }] }],
        validateOnly: true,
      },
      values: { resourceType: TYPES, resourceName: NAMES, name: [...TOPIC_KEYS, ...BROKER_KEYS], value: VALUES },
      fixed: ['validateOnly'],
    },
    ...[0, 1, 2, 3].map((configOperation) => ({
      api: Apis.IncrementalAlterConfigs,
      base: {
        resources: [
          {
            resourceType: 2,
            resourceName: 'plain',
            configs: [{ name: 'cleanup.policy', configOperation, value: 'compact' }],
          },
        ],
        validateOnly: true,
      },
      values: {
        resourceType: TYPES,
        resourceName: NAMES,
        name: [...TOPIC_KEYS, ...BROKER_KEYS],
        value: VALUES,
      },
      // What is no operation makes Kafka's controller resign.
      only: { configOperation: [0, 1, 2, 3] },
      fixed: ['validateOnly', ...(configOperation === 0 ? [] : ['resourceType', 'resourceName'])],
    })),
    { api: Apis.ListConfigResources, base: { resourceTypes: [2] }, values: { resourceTypes: TYPES } },
  ],
  conversations: [
    step('really', Apis.IncrementalAlterConfigs, 1, {
      resources: [
        {
          resourceType: 2,
          resourceName: 'plain',
          configs: [{ name: 'cleanup.policy', configOperation: 2, value: 'compact' }],
        },
      ],
    }),
    step(
      'what was appended',
      Apis.DescribeConfigs,
      4,
      {
        resources: [{ resourceType: 2, resourceName: 'plain', configurationKeys: ['cleanup.policy'] }],
        includeSynonyms: true,
      },
      {
        isSettled: ({ results }: DescribeConfigsResponse) => (results[0].configs[0].value ?? '').includes(','),
      },
    ),
  ],
};
