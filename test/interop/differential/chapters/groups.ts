/** The classic group protocol, committed offsets, and the admin requests on groups. */
import { Apis, Errors, type JoinGroupResponse } from '#protocol';
import type { Fields } from '../loose-encoder.ts';
import type { Question } from '../question.ts';
import type { Chapter } from './chapter.ts';
import { coordinatorOf, createTopics, step } from './steps.ts';

/** No member is lost while the chapter lasts. */
const LONG_MS = 1_800_000;
const PROTOCOLS = [{ name: 'range', metadata: Buffer.from('subscription') }];
const COMMITTED = [
  {
    name: 'grouped',
    topicId: '@id:grouped',
    partitions: [{ partitionIndex: 0, committedOffset: 7, committedLeaderEpoch: 0, committedMetadata: 'mark' }],
  },
];

function joining(groupId: string): Fields {
  return {
    groupId,
    sessionTimeoutMs: LONG_MS,
    rebalanceTimeoutMs: LONG_MS,
    memberId: '',
    protocolType: 'consumer',
    protocols: PROTOCOLS,
  };
}

function join(groupId: string, word: string): Question {
  return step(`join ${groupId}`, Apis.JoinGroup, 3, joining(groupId), {
    learn: ({ memberId }: JoinGroupResponse, words) => words.set(word, memberId),
    isSettled: ({ errorCode }: JoinGroupResponse) => !NOT_YET.includes(errorCode),
  });
}

function sync(groupId: string, word: string): Question {
  const assignments = [{ memberId: word, assignment: Buffer.from('assignment') }];
  return step(`sync ${groupId}`, Apis.SyncGroup, 3, { groupId, generationId: 1, memberId: word, assignments });
}

function commit(groupId: string): Question {
  return step(`commit for ${groupId}`, Apis.OffsetCommit, 9, { groupId, topics: COMMITTED });
}

const NOT_YET = [Errors.COORDINATOR_LOAD_IN_PROGRESS, Errors.COORDINATOR_NOT_AVAILABLE, Errors.NOT_COORDINATOR].map(
  ({ code }) => code,
);
const GROUPS = ['live', 'empty', 'joining', ''];

export const groups: Chapter = {
  name: 'groups',
  scenery: [
    ...createTopics({ grouped: { partitions: 2 }, ungrouped: {} }),
    ...['live', 'empty', 'joining'].map((group) => coordinatorOf(group)),
    join('live', '@member'),
    sync('live', '@member'),
    commit('empty'),
    join('joining', '@joining'),
  ],
  lattices: [
    {
      api: Apis.JoinGroup,
      base: joining('@group'),
      fixed: ['groupInstanceId'],
      // A second member of a group would have to wait for the first one.
      only: { groupId: ['', null, '@group'] },
      values: {
        sessionTimeoutMs: [5999, 6000, 1_800_000, 1_800_001],
        protocolType: ['', 'connect'],
        protocols: [
          [{ name: 'range', metadata: Buffer.alloc(0) }],
          [...PROTOCOLS, { name: 'a', metadata: Buffer.alloc(3) }],
        ],
      },
    },
    {
      api: Apis.JoinGroup,
      versions: [5, 6, 7, 8, 9],
      base: { ...joining('@group'), groupInstanceId: 'static' },
      fixed: ['protocols', 'sessionTimeoutMs', 'rebalanceTimeoutMs'],
      only: { groupId: ['', null, '@group'] },
      values: { groupInstanceId: ['a b', 'a'.repeat(300)] },
    },
    {
      api: Apis.SyncGroup,
      base: {
        groupId: '@group',
        generationId: 1,
        memberId: '@joined',
        protocolType: 'consumer',
        protocolName: 'range',
        assignments: [{ memberId: '@joined', assignment: Buffer.from('mine') }],
      },
      values: { groupId: GROUPS, memberId: ['@member'] },
    },
    {
      api: Apis.Heartbeat,
      base: { groupId: 'live', generationId: 1, memberId: '@member' },
      values: { groupId: GROUPS, memberId: ['@joining'], generationId: [2] },
    },
    {
      api: Apis.OffsetCommit,
      base: { groupId: 'live', generationIdOrMemberEpoch: 1, memberId: '@member', topics: COMMITTED },
      values: {
        groupId: GROUPS,
        name: ['ungrouped'],
        topicId: ['@id:ungrouped'],
        committedMetadata: ['m'.repeat(4097)],
        generationIdOrMemberEpoch: [2],
        committedOffset: [8],
      },
    },
    {
      api: Apis.OffsetCommit,
      base: { groupId: '@group', topics: COMMITTED },
      values: { groupId: GROUPS, retentionTimeMs: [0, 1000], memberId: ['@member'] },
    },
    {
      api: Apis.OffsetFetch,
      base: {
        groupId: 'empty',
        topics: [{ name: 'grouped', partitionIndexes: [0, 1] }],
        groups: [
          { groupId: 'empty', topics: [{ name: 'grouped', topicId: '@id:grouped', partitionIndexes: [0, 1] }] },
          { groupId: 'live', topics: null },
        ],
      },
      values: {
        groupId: GROUPS,
        name: ['ungrouped'],
        topicId: ['@id:ungrouped'],
        partitionIndexes: [5],
        memberId: ['@member'],
        memberEpoch: [1],
        groups: [
          [
            { groupId: 'empty', topics: null },
            { groupId: 'empty', topics: null },
          ],
          [{ groupId: 'live', memberId: '', memberEpoch: -1, topics: null }],
        ],
      },
    },
    {
      api: Apis.DescribeGroups,
      base: { groups: ['live', 'empty'] },
      values: { groups: GROUPS },
    },
    {
      api: Apis.ListGroups,
      base: { statesFilter: [], typesFilter: [] },
      values: {
        statesFilter: [['Stable'], ['empty'], ['PreparingRebalance', 'Stable'], ['nonsense']],
        typesFilter: [['classic'], ['Consumer'], ['share'], ['nonsense']],
      },
    },
    {
      api: Apis.LeaveGroup,
      base: { groupId: '@group', memberId: '@joined', members: [{ memberId: '@joined' }] },
      values: { groupId: GROUPS, memberId: ['@member'] },
    },
    {
      api: Apis.OffsetDelete,
      base: { groupId: 'empty', topics: [{ name: 'ungrouped', partitions: [{ partitionIndex: 0 }] }] },
      values: { groupId: GROUPS, name: ['grouped'] },
    },
    { api: Apis.DeleteGroups, base: { groupsNames: ['@group'] }, values: { groupsNames: ['live', 'joining', ''] } },
  ],
  before: (api) => {
    if (api === 'SyncGroup' || api === 'LeaveGroup') return [join('@group', '@joined')];
    return api === 'DeleteGroups' ? [commit('@group')] : [];
  },
  conversations: [
    join('life', '@first'),
    sync('life', '@first'),
    step('the first leaves', Apis.LeaveGroup, 3, { groupId: 'life', members: [{ memberId: '@first' }] }),
    step('an empty group', Apis.DescribeGroups, 5, { groups: ['life'] }),
    join('life', '@second'),
    step('the old member', Apis.Heartbeat, 4, { groupId: 'life', generationId: 1, memberId: '@first' }),
    step('an old generation', Apis.Heartbeat, 4, { groupId: 'life', generationId: 1, memberId: '@second' }),
    step('before it synced', Apis.Heartbeat, 4, { groupId: 'life', generationId: 2, memberId: '@second' }),
    step('before it synced', Apis.OffsetCommit, 8, {
      groupId: 'life',
      generationIdOrMemberEpoch: 2,
      memberId: '@second',
      topics: COMMITTED,
    }),
    step('sync', Apis.SyncGroup, 5, {
      groupId: 'life',
      generationId: 2,
      memberId: '@second',
      protocolType: 'consumer',
      protocolName: 'range',
      assignments: [],
    }),
    step('after it synced', Apis.OffsetCommit, 8, {
      groupId: 'life',
      generationIdOrMemberEpoch: 2,
      memberId: '@second',
      topics: COMMITTED,
    }),
    step('a stable group', Apis.DescribeGroups, 6, { groups: ['life'] }),
    step('a group with members', Apis.DeleteGroups, 2, { groupsNames: ['life'] }),
    step('a simple commit', Apis.OffsetCommit, 8, { groupId: 'life', topics: COMMITTED }),
    step('offsets', Apis.OffsetFetch, 8, { groups: [{ groupId: 'life', topics: null }] }),
    step('member id required', Apis.JoinGroup, 4, joining('life')),
  ],
};
