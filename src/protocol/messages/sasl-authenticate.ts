/** SaslAuthenticate: opaque tokens of the mechanism (KIP-152). v1 session lifetime (KIP-368). */
import { bytes, type Infer, int16, int64, message, string } from '../schema.ts';

export const SaslAuthenticateRequest = message(
  'SaslAuthenticateRequest',
  { apiKey: 36, type: 'request', versions: '0-2', flexibleVersions: '2+' },
  { authBytes: bytes() },
);
export type SaslAuthenticateRequest = Infer<typeof SaslAuthenticateRequest>;

export const SaslAuthenticateResponse = message(
  'SaslAuthenticateResponse',
  { apiKey: 36, type: 'response', versions: '0-2', flexibleVersions: '2+' },
  {
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    authBytes: bytes(),
    sessionLifetimeMs: int64({ versions: '1+', ignorable: true }),
  },
);
export type SaslAuthenticateResponse = Infer<typeof SaslAuthenticateResponse>;
