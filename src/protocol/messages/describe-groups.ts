/**
 * DescribeGroups: state and members of classic groups. v3 authorized operations (KIP-430), v4 static members, v6 error
 * for unknown groups (KIP-1043).
 */
import { array, bool, bytes, type Infer, int16, int32, message, string } from '../schema.ts';

export const DescribeGroupsRequest = message(
  'DescribeGroupsRequest',
  { apiKey: 15, type: 'request', versions: '0-6', flexibleVersions: '5+' },
  { groups: array(string()), includeAuthorizedOperations: bool({ versions: '3+' }) },
);
export type DescribeGroupsRequest = Infer<typeof DescribeGroupsRequest>;

export const DescribeGroupsResponse = message(
  'DescribeGroupsResponse',
  { apiKey: 15, type: 'response', versions: '0-6', flexibleVersions: '5+' },
  {
    throttleTimeMs: int32({ versions: '1+', ignorable: true }),
    groups: array({
      errorCode: int16(),
      errorMessage: string({ versions: '6+', nullable: '6+', default: null }),
      groupId: string(),
      groupState: string(),
      protocolType: string(),
      protocolData: string(),
      members: array({
        memberId: string(),
        groupInstanceId: string({ versions: '4+', nullable: '4+', default: null, ignorable: true }),
        clientId: string(),
        clientHost: string(),
        memberMetadata: bytes(),
        memberAssignment: bytes(),
      }),
      authorizedOperations: int32({ versions: '3+', default: -2147483648 }),
    }),
  },
);
export type DescribeGroupsResponse = Infer<typeof DescribeGroupsResponse>;
