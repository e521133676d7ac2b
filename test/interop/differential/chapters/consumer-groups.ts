/** The consumer group protocol of KIP-848: heartbeats of members that come, live and go, and what operators see of them. */
import { Apis, type ConsumerGroupHeartbeatResponse } from '#protocol';
import type { Fields } from '../loose-encoder.ts';
import type { Question } from '../question.ts';
import type { Chapter } from './chapter.ts';
import { ready, step } from './steps.ts';

const IDLE: Fields = { rebalanceTimeoutMs: -1, subscribedTopicNames: null, topicPartitions: null };
const COMMITTED = [
  {
    name: 'assigned',
    topicId: '@id:assigned',
    partitions: [{ partitionIndex: 0, committedOffset: 7, committedLeaderEpoch: 0, committedMetadata: '' }],
  },
];
const ALL = [{ topicId: '@id:assigned', partitions: [0, 1] }];

function joining(groupId: string, memberId: string, more: Fields = {}): Fields {
  const subscribed = { rebalanceTimeoutMs: 60_000, subscribedTopicNames: ['assigned'], topicPartitions: [] };
  return { groupId, memberId, memberEpoch: 0, ...subscribed, ...more };
}

/** The answer's epoch is `@epoch-of-` the member from then on. */
function heartbeat(change: string, body: Fields, more: Partial<Question> = {}): Question {
  return step(change, Apis.ConsumerGroupHeartbeat, 1, body, {
    learn: ({ errorCode, memberEpoch }: ConsumerGroupHeartbeatResponse, words) => {
      if (errorCode === 0) words.set(epochOf(String(body.memberId)), memberEpoch);
    },
    ...more,
  });
}

function epochOf(memberId: string): string {
  return `@epoch-of-${memberId}`;
}

function beat(groupId: string, memberId: string, change: string, more: Fields = {}, asked: Partial<Question> = {}) {
  return heartbeat(change, { groupId, memberId, memberEpoch: epochOf(memberId), ...IDLE, ...more }, asked);
}

function described(...groupIds: readonly string[]): Question {
  return step(`described: ${groupIds}`, Apis.ConsumerGroupDescribe, 1, {
    groupIds,
    includeAuthorizedOperations: true,
  });
}

function assigned(count: number): Partial<Question> {
  return {
    isSettled: ({ assignment }: ConsumerGroupHeartbeatResponse) =>
      assignment?.topicPartitions.flatMap(({ partitions }) => partitions).length === count,
  };
}

/** Two share what one had; the first gives up half of it before the second has it. */
const sharing: readonly Question[] = [
  heartbeat('the first joins', joining('shared', 'one'), assigned(2)),
  beat('shared', 'one', 'it has both', { topicPartitions: ALL }),
  beat('shared', 'one', 'nothing new'),
  described('shared'),
  heartbeat('a second joins', joining('shared', 'two')),
  beat('shared', 'one', 'the first gives up one', {}, assigned(1)),
  beat('shared', 'two', 'the second waits'),
  described('shared'),
  beat('shared', 'one', 'given up', { topicPartitions: [{ topicId: '@id:assigned', partitions: [0] }] }),
  beat('shared', 'two', 'the second has it', {}, assigned(1)),
  beat('shared', 'one', 'nothing new'),
  described('shared'),
  step('a commit of the second', Apis.OffsetCommit, 9, {
    groupId: 'shared',
    memberId: 'two',
    generationIdOrMemberEpoch: epochOf('two'),
    topics: COMMITTED,
  }),
  step('a commit of an old epoch', Apis.OffsetCommit, 9, {
    groupId: 'shared',
    memberId: 'two',
    generationIdOrMemberEpoch: 1,
    topics: COMMITTED,
  }),
  step('a commit of nobody', Apis.OffsetCommit, 9, {
    groupId: 'shared',
    memberId: 'nobody',
    generationIdOrMemberEpoch: 1,
    topics: COMMITTED,
  }),
  step('a classic heartbeat', Apis.Heartbeat, 4, { groupId: 'shared', memberId: 'two', generationId: epochOf('two') }),
  step('a classic leave', Apis.LeaveGroup, 5, { groupId: 'shared', members: [{ memberId: 'nobody' }] }),
  step('described as classic', Apis.DescribeGroups, 6, { groups: ['shared'] }),
  step('deleted', Apis.DeleteGroups, 2, { groupsNames: ['shared'] }),
  step('listed', Apis.ListGroups, 5, { statesFilter: [], typesFilter: ['consumer'] }),
  beat('shared', 'one', 'an epoch to come', { memberEpoch: 99 }),
  beat('shared', 'one', 'the first leaves', { memberEpoch: -1 }),
  beat('shared', 'two', 'the second has all', {}, assigned(2)),
  beat('shared', 'two', 'the second leaves', { memberEpoch: -1 }),
  described('shared', 'nowhere', ''),
  step('deleted', Apis.DeleteGroups, 2, { groupsNames: ['shared'] }),
  described('shared'),
];

/** A member with an instance goes for a moment, and somebody else takes its place. */
const instances: readonly Question[] = [
  heartbeat('an instance joins', joining('still', 'first', { instanceId: 'i' }), assigned(2)),
  heartbeat('another one of its name', joining('still', 'second', { instanceId: 'i' })),
  beat('still', 'first', 'it goes for a moment', { instanceId: 'i', memberEpoch: -2 }),
  described('still'),
  heartbeat('another one takes its place', joining('still', 'second', { instanceId: 'i' }), assigned(2)),
  beat('still', 'first', 'the old one', { instanceId: 'i' }),
  beat('still', 'second', 'without its name'),
  beat('still', 'second', 'with another name', { instanceId: 'other' }),
  described('still'),
  beat('still', 'second', 'it leaves', { instanceId: 'i', memberEpoch: -1 }),
];

/** What members ask for. */
const subscriptions: readonly Question[] = [
  heartbeat(
    'by pattern',
    joining('matching', 'm', { subscribedTopicNames: null, subscribedTopicRegex: 'assigned.*' }),
    assigned(3),
  ),
  beat('matching', 'm', 'not a pattern', { subscribedTopicRegex: '(' }),
  described('matching'),
  beat('matching', 'm', 'leaves', { memberEpoch: -1 }),
  heartbeat('by range', joining('chosen', 'r', { serverAssignor: 'range' }), assigned(2)),
  beat('chosen', 'r', 'an assignor that nobody knows', { serverAssignor: 'nobody' }),
  beat('chosen', 'r', 'a topic that there is not', { subscribedTopicNames: ['nowhere'] }, assigned(0)),
  described('chosen'),
  beat('chosen', 'r', 'leaves', { memberEpoch: -1 }),
];

export const consumerGroups: Chapter = {
  name: 'consumer groups',
  scenery: ready(
    new Map([
      ['assigned', 2],
      ['assigned.too', 1],
    ]),
  ),
  lattices: [
    {
      api: Apis.ConsumerGroupHeartbeat,
      base: joining('@group', 'newcomer'),
      values: {
        memberEpoch: [-3],
        rebalanceTimeoutMs: [60_000],
        subscribedTopicNames: [['assigned.too'], ['nowhere'], ['bad name!']],
        subscribedTopicRegex: ['assigned'],
        serverAssignor: ['uniform', 'range'],
        topicPartitions: [ALL],
      },
    },
    {
      api: Apis.ConsumerGroupHeartbeat,
      base: { groupId: '@group', memberId: 'member', memberEpoch: epochOf('member'), ...IDLE },
      values: {
        rebalanceTimeoutMs: [60_000],
        subscribedTopicNames: [['assigned.too'], ['nowhere']],
        serverAssignor: ['uniform', 'range'],
        topicPartitions: [
          ALL,
          [{ topicId: '@id:assigned', partitions: [0] }],
          [{ topicId: '@unknown-id', partitions: [0] }],
        ],
      },
      // It is resolved a moment later.
      fixed: ['subscribedTopicRegex'],
    },
    {
      api: Apis.ConsumerGroupDescribe,
      base: { groupIds: ['@group'], includeAuthorizedOperations: false },
      values: { groupIds: ['classic one'] },
    },
    {
      api: Apis.OffsetCommit,
      versions: [9, 10],
      base: {
        groupId: '@group',
        memberId: 'member',
        generationIdOrMemberEpoch: epochOf('member'),
        topics: COMMITTED,
      },
      values: {},
    },
    {
      api: Apis.OffsetFetch,
      versions: [9, 10],
      base: { groups: [{ groupId: '@group', memberId: 'member', memberEpoch: epochOf('member'), topics: null }] },
      values: {},
    },
  ],
  before: () => [heartbeat('a member joins', joining('@group', 'member'), { isOnlyAsked: true })],
  conversations: [...sharing, ...instances, ...subscriptions],
};
