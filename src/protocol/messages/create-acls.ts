/** CreateAcls: adds to access control lists. @see KIP-140, KIP-290 */
import { array, type Infer, int8, int16, int32, message, string } from '../schema.ts';

export const CreateAclsRequest = message(
  'CreateAclsRequest',
  { apiKey: 30, type: 'request', versions: '1-3', flexibleVersions: '2+' },
  {
    creations: array({
      resourceType: int8(),
      resourceName: string(),
      resourcePatternType: int8({ versions: '1+', default: 3 }),
      principal: string(),
      host: string(),
      operation: int8(),
      permissionType: int8(),
    }),
  },
);
export type CreateAclsRequest = Infer<typeof CreateAclsRequest>;

export const CreateAclsResponse = message(
  'CreateAclsResponse',
  { apiKey: 30, type: 'response', versions: '1-3', flexibleVersions: '2+' },
  {
    throttleTimeMs: int32(),
    results: array({ errorCode: int16(), errorMessage: string({ nullable: '0+' }) }),
  },
);
export type CreateAclsResponse = Infer<typeof CreateAclsResponse>;
