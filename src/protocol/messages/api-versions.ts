/**
 * ApiVersions: what a server speaks. v3 names the client (KIP-511) and its features (KIP-584), v5 checks cluster and
 * node (KIP-1242). The answer always has response header v0, and an unknown version is answered in v0.
 */
import { array, bool, type Infer, int16, int32, int64, message, string } from '../schema.ts';

export const ApiVersionsRequest = message(
  'ApiVersionsRequest',
  { apiKey: 18, type: 'request', versions: '0-5', flexibleVersions: '3+' },
  {
    clientSoftwareName: string({ versions: '3+', ignorable: true }),
    clientSoftwareVersion: string({ versions: '3+', ignorable: true }),
    clusterId: string({ versions: '5+', nullable: '5+', default: null, ignorable: true }),
    nodeId: int32({ versions: '5+', default: -1, ignorable: true }),
  },
);
export type ApiVersionsRequest = Infer<typeof ApiVersionsRequest>;

export const ApiVersionsResponse = message(
  'ApiVersionsResponse',
  { apiKey: 18, type: 'response', versions: '0-5', flexibleVersions: '3+' },
  {
    errorCode: int16(),
    apiKeys: array({ apiKey: int16(), minVersion: int16(), maxVersion: int16() }),
    throttleTimeMs: int32({ versions: '1+', ignorable: true }),
    supportedFeatures: array(
      {
        name: string({ versions: '3+' }),
        minVersion: int16({ versions: '3+' }),
        maxVersion: int16({ versions: '3+' }),
      },
      { versions: '3+', tag: 0, ignorable: true },
    ),
    finalizedFeaturesEpoch: int64({ versions: '3+', default: -1, tag: 1, ignorable: true }),
    finalizedFeatures: array(
      {
        name: string({ versions: '3+' }),
        maxVersionLevel: int16({ versions: '3+' }),
        minVersionLevel: int16({ versions: '3+' }),
      },
      { versions: '3+', tag: 2, ignorable: true },
    ),
    zkMigrationReady: bool({ versions: '3+', tag: 3, ignorable: true }),
  },
);
export type ApiVersionsResponse = Infer<typeof ApiVersionsResponse>;
