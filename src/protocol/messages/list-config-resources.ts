/**
 * ListConfigResources: names of resources that have configs. v0 knows client metrics only (KIP-714), v1 all types
 * (KIP-1142).
 */
import { array, type Infer, int8, int16, int32, message, string } from '../schema.ts';

export const ListConfigResourcesRequest = message(
  'ListConfigResourcesRequest',
  { apiKey: 74, type: 'request', versions: '0-1', flexibleVersions: '0+' },
  { resourceTypes: array(int8(), { versions: '1+' }) },
);
export type ListConfigResourcesRequest = Infer<typeof ListConfigResourcesRequest>;

export const ListConfigResourcesResponse = message(
  'ListConfigResourcesResponse',
  { apiKey: 74, type: 'response', versions: '0-1', flexibleVersions: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    configResources: array({
      resourceName: string(),
      resourceType: int8({ versions: '1+', default: 16, ignorable: true }),
    }),
  },
);
export type ListConfigResourcesResponse = Infer<typeof ListConfigResourcesResponse>;
