/**
 * FindCoordinator: which broker leads a group (key type 0), a transactional id (1) or a share partition (2, v6). v4
 * asks for several keys at once (KIP-699).
 */
import { array, type Infer, int8, int16, int32, message, string } from '../schema.ts';

export const FindCoordinatorRequest = message(
  'FindCoordinatorRequest',
  { apiKey: 10, type: 'request', versions: '0-6', flexibleVersions: '3+' },
  {
    key: string({ versions: '0-3' }),
    keyType: int8({ versions: '1+' }),
    coordinatorKeys: array(string(), { versions: '4+' }),
  },
);
export type FindCoordinatorRequest = Infer<typeof FindCoordinatorRequest>;

export const FindCoordinatorResponse = message(
  'FindCoordinatorResponse',
  { apiKey: 10, type: 'response', versions: '0-6', flexibleVersions: '3+' },
  {
    throttleTimeMs: int32({ versions: '1+', ignorable: true }),
    errorCode: int16({ versions: '0-3' }),
    errorMessage: string({ versions: '1-3', nullable: '1-3', ignorable: true }),
    nodeId: int32({ versions: '0-3' }),
    host: string({ versions: '0-3' }),
    port: int32({ versions: '0-3' }),
    coordinators: array(
      {
        key: string({ versions: '4+' }),
        nodeId: int32({ versions: '4+' }),
        host: string({ versions: '4+' }),
        port: int32({ versions: '4+' }),
        errorCode: int16({ versions: '4+' }),
        errorMessage: string({ versions: '4+', nullable: '4+', ignorable: true }),
      },
      { versions: '4+' },
    ),
  },
);
export type FindCoordinatorResponse = Infer<typeof FindCoordinatorResponse>;
