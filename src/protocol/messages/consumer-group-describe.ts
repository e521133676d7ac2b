/** ConsumerGroupDescribe: state, epochs and members of groups of the consumer protocol (KIP-848). v1 member type (KIP-1099). */
import { array, bool, type Infer, int8, int16, int32, message, string, struct, structType, uuid } from '../schema.ts';

const assignment = structType({
  topicPartitions: array({ topicId: uuid(), topicName: string(), partitions: array(int32()) }),
});

export const ConsumerGroupDescribeRequest = message(
  'ConsumerGroupDescribeRequest',
  { apiKey: 69, type: 'request', versions: '0-1', flexibleVersions: '0+' },
  { groupIds: array(string()), includeAuthorizedOperations: bool() },
);
export type ConsumerGroupDescribeRequest = Infer<typeof ConsumerGroupDescribeRequest>;

export const ConsumerGroupDescribeResponse = message(
  'ConsumerGroupDescribeResponse',
  { apiKey: 69, type: 'response', versions: '0-1', flexibleVersions: '0+' },
  {
    throttleTimeMs: int32(),
    groups: array({
      errorCode: int16(),
      errorMessage: string({ nullable: '0+', default: null }),
      groupId: string(),
      groupState: string(),
      groupEpoch: int32(),
      assignmentEpoch: int32(),
      assignorName: string(),
      members: array({
        memberId: string(),
        instanceId: string({ nullable: '0+', default: null }),
        rackId: string({ nullable: '0+', default: null }),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: array(string()),
        subscribedTopicRegex: string({ nullable: '0+', default: null }),
        assignment: struct(assignment),
        targetAssignment: struct(assignment),
        memberType: int8({ versions: '1+', default: -1, ignorable: true }),
      }),
      authorizedOperations: int32({ default: -2147483648 }),
    }),
  },
);
export type ConsumerGroupDescribeResponse = Infer<typeof ConsumerGroupDescribeResponse>;
