/**
 * JoinGroup: enter a rebalance of a classic group. v4 requires a member id (KIP-394), v5 static members (KIP-345), v7
 * names protocol type (KIP-559), v8 a reason (KIP-800), v9 lets the leader skip its assignment (KIP-814).
 */
import { array, bool, bytes, type Infer, int16, int32, message, string } from '../schema.ts';

export const JoinGroupRequest = message(
  'JoinGroupRequest',
  { apiKey: 11, type: 'request', versions: '0-9', flexibleVersions: '6+' },
  {
    groupId: string(),
    sessionTimeoutMs: int32(),
    rebalanceTimeoutMs: int32({ versions: '1+', default: -1, ignorable: true }),
    memberId: string(),
    groupInstanceId: string({ versions: '5+', nullable: '5+', default: null }),
    protocolType: string(),
    protocols: array({ name: string(), metadata: bytes() }),
    reason: string({ versions: '8+', nullable: '8+', default: null, ignorable: true }),
  },
);
export type JoinGroupRequest = Infer<typeof JoinGroupRequest>;

export const JoinGroupResponse = message(
  'JoinGroupResponse',
  { apiKey: 11, type: 'response', versions: '0-9', flexibleVersions: '6+' },
  {
    throttleTimeMs: int32({ versions: '2+', ignorable: true }),
    errorCode: int16(),
    generationId: int32({ default: -1 }),
    protocolType: string({ versions: '7+', nullable: '7+', default: null, ignorable: true }),
    protocolName: string({ nullable: '7+' }),
    leader: string(),
    skipAssignment: bool({ versions: '9+' }),
    memberId: string(),
    members: array({
      memberId: string(),
      groupInstanceId: string({ versions: '5+', nullable: '5+', default: null, ignorable: true }),
      metadata: bytes(),
    }),
  },
);
export type JoinGroupResponse = Infer<typeof JoinGroupResponse>;
