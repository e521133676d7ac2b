/**
 * The headers before every body. Request: v1, or v2 for flexible versions; the client id keeps its int16 length in
 * both, so that a server can read it before it knows the version. Response: v0, or v1 for flexible versions;
 * ApiVersions always v0.
 */
import { type Infer, int16, int32, message, string } from '../schema.ts';

export const RequestHeader = message(
  'RequestHeader',
  { type: 'header', versions: '1-2', flexibleVersions: '2+' },
  {
    requestApiKey: int16(),
    requestApiVersion: int16(),
    correlationId: int32(),
    clientId: string({ nullable: '1+', flexible: 'none' }),
  },
);
export type RequestHeader = Infer<typeof RequestHeader>;

export const ResponseHeader = message(
  'ResponseHeader',
  { type: 'header', versions: '0-1', flexibleVersions: '1+' },
  { correlationId: int32() },
);
export type ResponseHeader = Infer<typeof ResponseHeader>;
