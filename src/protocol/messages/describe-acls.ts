/** DescribeAcls: the access control lists that match a filter. @see KIP-140, KIP-290 */
import { array, type Infer, int8, int16, int32, message, string } from '../schema.ts';

export const DescribeAclsRequest = message(
  'DescribeAclsRequest',
  { apiKey: 29, type: 'request', versions: '1-3', flexibleVersions: '2+' },
  {
    resourceTypeFilter: int8(),
    resourceNameFilter: string({ nullable: '0+' }),
    patternTypeFilter: int8({ versions: '1+', default: 3 }),
    principalFilter: string({ nullable: '0+' }),
    hostFilter: string({ nullable: '0+' }),
    operation: int8(),
    permissionType: int8(),
  },
);
export type DescribeAclsRequest = Infer<typeof DescribeAclsRequest>;

export const DescribeAclsResponse = message(
  'DescribeAclsResponse',
  { apiKey: 29, type: 'response', versions: '1-3', flexibleVersions: '2+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      patternType: int8({ versions: '1+', default: 3 }),
      acls: array({ principal: string(), host: string(), operation: int8(), permissionType: int8() }),
    }),
  },
);
export type DescribeAclsResponse = Infer<typeof DescribeAclsResponse>;
