/** DescribeAcls, CreateAcls, DeleteAcls, of brokers that have no access control lists. */
import { Apis } from '#protocol';
import type { Chapter } from './chapter.ts';

/** Around the last code of each kind. */
const codes = (last: number) => [3, last, last + 1];
const values = {
  resourceType: codes(7),
  resourceTypeFilter: codes(7),
  patternTypeFilter: codes(4),
  resourcePatternType: codes(4),
  operation: codes(15),
  permissionType: codes(3),
};
const filter = {
  resourceTypeFilter: 1,
  resourceNameFilter: null,
  patternTypeFilter: 1,
  principalFilter: null,
  hostFilter: null,
  operation: 1,
  permissionType: 1,
};
const creation = {
  resourceType: 2,
  resourceName: 'guarded',
  resourcePatternType: 3,
  principal: 'User:somebody',
  host: '*',
  operation: 3,
  permissionType: 3,
};

export const acls: Chapter = {
  name: 'access control lists',
  scenery: [],
  lattices: [
    { api: Apis.DescribeAcls, base: filter, values },
    { api: Apis.CreateAcls, base: { creations: [creation] }, values },
    { api: Apis.DeleteAcls, base: { filters: [filter] }, values },
  ],
};
