/** LeaveGroup: members go. v3 several at once, static ones too (KIP-345), v5 a reason (KIP-800). */
import { array, type Infer, int16, int32, message, string } from '../schema.ts';

export const LeaveGroupRequest = message(
  'LeaveGroupRequest',
  { apiKey: 13, type: 'request', versions: '0-5', flexibleVersions: '4+' },
  {
    groupId: string(),
    memberId: string({ versions: '0-2' }),
    members: array(
      {
        memberId: string({ versions: '3+' }),
        groupInstanceId: string({ versions: '3+', nullable: '3+', default: null }),
        reason: string({ versions: '5+', nullable: '5+', default: null, ignorable: true }),
      },
      { versions: '3+' },
    ),
  },
);
export type LeaveGroupRequest = Infer<typeof LeaveGroupRequest>;

export const LeaveGroupResponse = message(
  'LeaveGroupResponse',
  { apiKey: 13, type: 'response', versions: '0-5', flexibleVersions: '4+' },
  {
    throttleTimeMs: int32({ versions: '1+', ignorable: true }),
    errorCode: int16(),
    members: array(
      {
        memberId: string({ versions: '3+' }),
        groupInstanceId: string({ versions: '3+', nullable: '3+' }),
        errorCode: int16({ versions: '3+' }),
      },
      { versions: '3+' },
    ),
  },
);
export type LeaveGroupResponse = Infer<typeof LeaveGroupResponse>;
