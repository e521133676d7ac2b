/** SaslHandshake: choose the mechanism. After v0 raw tokens follow, after v1 SaslAuthenticate requests (KIP-152). */
import { array, type Infer, int16, message, string } from '../schema.ts';

export const SaslHandshakeRequest = message(
  'SaslHandshakeRequest',
  { apiKey: 17, type: 'request', versions: '0-1', flexibleVersions: 'none' },
  { mechanism: string() },
);
export type SaslHandshakeRequest = Infer<typeof SaslHandshakeRequest>;

export const SaslHandshakeResponse = message(
  'SaslHandshakeResponse',
  { apiKey: 17, type: 'response', versions: '0-1', flexibleVersions: 'none' },
  { errorCode: int16(), mechanisms: array(string()) },
);
export type SaslHandshakeResponse = Infer<typeof SaslHandshakeResponse>;
