/** Metadata, DescribeCluster, DescribeTopicPartitions, FindCoordinator: what a client asks first. */
import { Apis } from '#protocol';
import type { Chapter } from './chapter.ts';
import { coordinatorOf, createTopics, step } from './steps.ts';

export const metadata: Chapter = {
  name: 'metadata',
  scenery: [
    ...createTopics({ seen: { partitions: 3 }, 'seen.too': {} }),
    coordinatorOf('a-group'),
    coordinatorOf('a-transaction', 1),
  ],
  lattices: [
    {
      api: Apis.Metadata,
      base: { topics: [{ name: 'seen' }, { name: 'seen.too' }], allowAutoTopicCreation: false },
      fixed: ['allowAutoTopicCreation'],
      values: { topicId: ['@id:seen'], name: ['seen.too'] },
    },
    {
      api: Apis.DescribeTopicPartitions,
      base: { topics: [{ name: 'seen' }, { name: 'seen.too' }], responsePartitionLimit: 2000 },
      values: {
        responsePartitionLimit: [1, 2, 3, 4],
        cursor: [
          { topicName: 'seen', partitionIndex: 1 },
          { topicName: 'seen', partitionIndex: 5 },
          { topicName: 'seen', partitionIndex: -1 },
          { topicName: 'seen.too', partitionIndex: 0 },
          { topicName: 'a', partitionIndex: 0 },
          { topicName: 'zzz', partitionIndex: 0 },
          { topicName: '', partitionIndex: 0 },
        ],
      },
    },
    {
      api: Apis.FindCoordinator,
      base: { key: 'a-group', keyType: 0, coordinatorKeys: ['a-group', 'b-group'] },
      values: { keyType: [3], coordinatorKeys: [['a', 'a']] },
    },
    { api: Apis.DescribeCluster, base: {}, values: { endpointType: [2, 3] } },
  ],
  conversations: [
    step('a missing topic is made', Apis.Metadata, 12, {
      topics: [{ name: 'made_by.metadata' }],
      allowAutoTopicCreation: true,
    }),
    step(
      'and is there then',
      Apis.Metadata,
      12,
      { topics: [{ name: 'made_by.metadata' }], allowAutoTopicCreation: true },
      {
        isSettled: ({ topics }: { topics: { errorCode: number }[] }) => topics[0].errorCode === 0,
      },
    ),
    step('a colliding name', Apis.Metadata, 12, {
      topics: [{ name: 'made_by.metadata' }],
      allowAutoTopicCreation: true,
    }),
    step('an internal topic that is not there', Apis.Metadata, 12, {
      topics: [{ name: '__transaction_state' }],
      allowAutoTopicCreation: false,
    }),
    step('the topic of the metadata log', Apis.Metadata, 12, {
      topics: [{ name: '__cluster_metadata' }],
      allowAutoTopicCreation: true,
    }),
  ],
};
