/** Topics and partitions in __cluster_metadata. */
import { array, type Infer, int8, int32, message, string, uuid } from '../schema.ts';

export const TopicRecord = message(
  'TopicRecord',
  { apiKey: 2, type: 'metadata', versions: '0', flexibleVersions: '0+' },
  { name: string(), topicId: uuid() },
);
export type TopicRecord = Infer<typeof TopicRecord>;

export const PartitionRecord = message(
  'PartitionRecord',
  { apiKey: 3, type: 'metadata', versions: '0-2', flexibleVersions: '0+' },
  {
    partitionId: int32({ default: -1 }),
    topicId: uuid(),
    replicas: array(int32()),
    isr: array(int32()),
    removingReplicas: array(int32()),
    addingReplicas: array(int32()),
    leader: int32({ default: -1 }),
    leaderRecoveryState: int8({ tag: 0 }),
    leaderEpoch: int32({ default: -1 }),
    partitionEpoch: int32({ default: -1 }),
    directories: array(uuid(), { versions: '1+' }),
    eligibleLeaderReplicas: array(int32(), { versions: '2+', nullable: '2+', default: null, tag: 1 }),
    lastKnownElr: array(int32(), { versions: '2+', nullable: '2+', default: null, tag: 2 }),
  },
);
export type PartitionRecord = Infer<typeof PartitionRecord>;

export const PartitionChangeRecord = message(
  'PartitionChangeRecord',
  { apiKey: 5, type: 'metadata', versions: '0-2', flexibleVersions: '0+' },
  {
    partitionId: int32({ default: -1 }),
    topicId: uuid(),
    isr: array(int32(), { nullable: '0+', default: null, tag: 0 }),
    leader: int32({ default: -2, tag: 1 }),
    replicas: array(int32(), { nullable: '0+', default: null, tag: 2 }),
    removingReplicas: array(int32(), { nullable: '0+', default: null, tag: 3 }),
    addingReplicas: array(int32(), { nullable: '0+', default: null, tag: 4 }),
    leaderRecoveryState: int8({ default: -1, tag: 5 }),
    directories: array(uuid(), { versions: '1+', nullable: '1+', default: null, tag: 8 }),
    eligibleLeaderReplicas: array(int32(), { versions: '2+', nullable: '2+', default: null, tag: 6 }),
    lastKnownElr: array(int32(), { versions: '2+', nullable: '2+', default: null, tag: 7 }),
  },
);
export type PartitionChangeRecord = Infer<typeof PartitionChangeRecord>;

export const RemoveTopicRecord = message(
  'RemoveTopicRecord',
  { apiKey: 9, type: 'metadata', versions: '0', flexibleVersions: '0+' },
  { topicId: uuid() },
);
export type RemoveTopicRecord = Infer<typeof RemoveTopicRecord>;

export const ClearElrRecord = message(
  'ClearElrRecord',
  { apiKey: 28, type: 'metadata', versions: '0', flexibleVersions: '0+' },
  { topicName: string() },
);
export type ClearElrRecord = Infer<typeof ClearElrRecord>;
