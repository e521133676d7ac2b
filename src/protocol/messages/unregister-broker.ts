/** UnregisterBroker (KIP-500): forgets a broker that is gone for good. */
import { type Infer, int16, int32, message, string } from '../schema.ts';

export const UnregisterBrokerRequest = message(
  'UnregisterBrokerRequest',
  { apiKey: 64, type: 'request', versions: '0', flexibleVersions: '0+' },
  { brokerId: int32() },
);
export type UnregisterBrokerRequest = Infer<typeof UnregisterBrokerRequest>;

export const UnregisterBrokerResponse = message(
  'UnregisterBrokerResponse',
  { apiKey: 64, type: 'response', versions: '0', flexibleVersions: '0+' },
  { throttleTimeMs: int32(), errorCode: int16(), errorMessage: string({ nullable: '0+' }) },
);
export type UnregisterBrokerResponse = Infer<typeof UnregisterBrokerResponse>;
