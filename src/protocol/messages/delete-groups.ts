/** DeleteGroups (KIP-229). */
import { array, type Infer, int16, int32, message, string } from '../schema.ts';

export const DeleteGroupsRequest = message(
  'DeleteGroupsRequest',
  { apiKey: 42, type: 'request', versions: '0-3', flexibleVersions: '2+' },
  { groupsNames: array(string()) },
);
export type DeleteGroupsRequest = Infer<typeof DeleteGroupsRequest>;

export const DeleteGroupsResponse = message(
  'DeleteGroupsResponse',
  { apiKey: 42, type: 'response', versions: '0-3', flexibleVersions: '2+' },
  {
    throttleTimeMs: int32(),
    results: array({
      groupId: string(),
      errorCode: int16(),
      errorMessage: string({ versions: '3+', nullable: '3+', default: null, ignorable: true }),
    }),
  },
);
export type DeleteGroupsResponse = Infer<typeof DeleteGroupsResponse>;
