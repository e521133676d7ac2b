/** Heartbeat: a member of a classic group is alive. v3 static members (KIP-345). */
import { type Infer, int16, int32, message, string } from '../schema.ts';

export const HeartbeatRequest = message(
  'HeartbeatRequest',
  { apiKey: 12, type: 'request', versions: '0-4', flexibleVersions: '4+' },
  {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ versions: '3+', nullable: '3+', default: null }),
  },
);
export type HeartbeatRequest = Infer<typeof HeartbeatRequest>;

export const HeartbeatResponse = message(
  'HeartbeatResponse',
  { apiKey: 12, type: 'response', versions: '0-4', flexibleVersions: '4+' },
  { throttleTimeMs: int32({ versions: '1+', ignorable: true }), errorCode: int16() },
);
export type HeartbeatResponse = Infer<typeof HeartbeatResponse>;
