/**
 * AlterConfigs: replaces all dynamic configs of a resource. Superseded by IncrementalAlterConfigs, still sent by
 * several clients.
 */
import { array, bool, type Infer, int8, int16, int32, message, string } from '../schema.ts';

export const AlterConfigsRequest = message(
  'AlterConfigsRequest',
  { apiKey: 33, type: 'request', versions: '0-2', flexibleVersions: '2+' },
  {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({ name: string(), value: string({ nullable: '0+' }) }),
    }),
    validateOnly: bool(),
  },
);
export type AlterConfigsRequest = Infer<typeof AlterConfigsRequest>;

export const AlterConfigsResponse = message(
  'AlterConfigsResponse',
  { apiKey: 33, type: 'response', versions: '0-2', flexibleVersions: '2+' },
  {
    throttleTimeMs: int32(),
    responses: array({
      errorCode: int16(),
      errorMessage: string({ nullable: '0+' }),
      resourceType: int8(),
      resourceName: string(),
    }),
  },
);
export type AlterConfigsResponse = Infer<typeof AlterConfigsResponse>;
