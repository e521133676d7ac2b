/** Credentials, ACLs and delegation tokens in __cluster_metadata. */
import { array, bytes, type Infer, int8, int32, int64, message, string, uuid } from '../schema.ts';

export const UserScramCredentialRecord = message(
  'UserScramCredentialRecord',
  { apiKey: 11, type: 'metadata', versions: '0', flexibleVersions: '0+' },
  { name: string(), mechanism: int8(), salt: bytes(), storedKey: bytes(), serverKey: bytes(), iterations: int32() },
);
export type UserScramCredentialRecord = Infer<typeof UserScramCredentialRecord>;

export const RemoveUserScramCredentialRecord = message(
  'RemoveUserScramCredentialRecord',
  { apiKey: 22, type: 'metadata', versions: '0', flexibleVersions: '0+' },
  { name: string(), mechanism: int8() },
);
export type RemoveUserScramCredentialRecord = Infer<typeof RemoveUserScramCredentialRecord>;

export const AccessControlEntryRecord = message(
  'AccessControlEntryRecord',
  { apiKey: 18, type: 'metadata', versions: '0', flexibleVersions: '0+' },
  {
    id: uuid(),
    resourceType: int8(),
    resourceName: string(),
    patternType: int8(),
    principal: string(),
    host: string(),
    operation: int8(),
    permissionType: int8(),
  },
);
export type AccessControlEntryRecord = Infer<typeof AccessControlEntryRecord>;

export const RemoveAccessControlEntryRecord = message(
  'RemoveAccessControlEntryRecord',
  { apiKey: 19, type: 'metadata', versions: '0', flexibleVersions: '0+' },
  { id: uuid() },
);
export type RemoveAccessControlEntryRecord = Infer<typeof RemoveAccessControlEntryRecord>;

export const DelegationTokenRecord = message(
  'DelegationTokenRecord',
  { apiKey: 10, type: 'metadata', versions: '0', flexibleVersions: '0+' },
  {
    owner: string(),
    requester: string(),
    renewers: array(string()),
    issueTimestamp: int64(),
    maxTimestamp: int64(),
    expirationTimestamp: int64(),
    tokenId: string(),
  },
);
export type DelegationTokenRecord = Infer<typeof DelegationTokenRecord>;

export const RemoveDelegationTokenRecord = message(
  'RemoveDelegationTokenRecord',
  { apiKey: 26, type: 'metadata', versions: '0', flexibleVersions: '0+' },
  { tokenId: string() },
);
export type RemoveDelegationTokenRecord = Infer<typeof RemoveDelegationTokenRecord>;
