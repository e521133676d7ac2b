/**
 * SyncGroup: the leader hands in the assignment, everybody takes theirs. v3 static members (KIP-345), v5 protocol type
 * and name (KIP-559).
 */
import { array, bytes, type Infer, int16, int32, message, string } from '../schema.ts';

export const SyncGroupRequest = message(
  'SyncGroupRequest',
  { apiKey: 14, type: 'request', versions: '0-5', flexibleVersions: '4+' },
  {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ versions: '3+', nullable: '3+', default: null }),
    protocolType: string({ versions: '5+', nullable: '5+', default: null, ignorable: true }),
    protocolName: string({ versions: '5+', nullable: '5+', default: null, ignorable: true }),
    assignments: array({ memberId: string(), assignment: bytes() }),
  },
);
export type SyncGroupRequest = Infer<typeof SyncGroupRequest>;

export const SyncGroupResponse = message(
  'SyncGroupResponse',
  { apiKey: 14, type: 'response', versions: '0-5', flexibleVersions: '4+' },
  {
    throttleTimeMs: int32({ versions: '1+', ignorable: true }),
    errorCode: int16(),
    protocolType: string({ versions: '5+', nullable: '5+', default: null, ignorable: true }),
    protocolName: string({ versions: '5+', nullable: '5+', default: null, ignorable: true }),
    assignment: bytes(),
  },
);
export type SyncGroupResponse = Infer<typeof SyncGroupResponse>;
