/**
 * DescribeAcls (29), CreateAcls (30), DeleteAcls (31): there are no access control lists here, so whoever asks for them is told what
 * Apache Kafka tells without an authorizer, SECURITY_DISABLED to each thing that was asked for. Administration tools know that answer.
 * A code of 0, what clients give for what they do not know themselves, costs the connection, as there.
 */
import {
  type CreateAclsRequest,
  type CreateAclsResponse,
  type DeleteAclsRequest,
  type DeleteAclsResponse,
  type DescribeAclsRequest,
  type DescribeAclsResponse,
  Errors,
} from '#protocol';
import { CLUSTER_RESOURCE_NAME } from '../authorizer.ts';
import type { BrokerParts } from '../broker-parts.ts';
import { LATER, type RequestContext } from '../server/request-context.ts';
import type { Answer } from '../server/route.ts';

export function describeAcls(
  _broker: BrokerParts,
  context: RequestContext,
  filter: DescribeAclsRequest,
): Answer<typeof DescribeAclsResponse> {
  return isFilter(filter) ? refusal(context) : hangUp(context);
}

export function createAcls(
  _broker: BrokerParts,
  context: RequestContext,
  { creations }: CreateAclsRequest,
): Answer<typeof CreateAclsResponse> {
  return creations.every(isRule) ? { results: creations.map(() => refusal(context)) } : hangUp(context);
}

export function deleteAcls(
  _broker: BrokerParts,
  context: RequestContext,
  { filters }: DeleteAclsRequest,
): Answer<typeof DeleteAclsResponse> {
  return filters.every(isFilter) ? { filterResults: filters.map(() => refusal(context)) } : hangUp(context);
}

type Filter = Pick<DescribeAclsRequest, 'resourceTypeFilter' | 'patternTypeFilter' | 'operation' | 'permissionType'>;
type Rule = CreateAclsRequest['creations'][number];

function isFilter({ resourceTypeFilter, patternTypeFilter, operation, permissionType }: Filter): boolean {
  return ![resourceTypeFilter, patternTypeFilter, operation, permissionType].includes(0);
}

function isRule({ resourceType, resourcePatternType, operation, permissionType }: Rule): boolean {
  return ![resourceType, resourcePatternType, operation, permissionType].includes(0);
}

function hangUp(context: RequestContext): typeof LATER {
  context.abort(`${context.api.name} names an unknown kind of resource, pattern, operation or permission`);
  return LATER;
}

function refusal(context: RequestContext): { errorCode: number; errorMessage: string } {
  if (!context.allows(CLUSTER_RESOURCE_NAME)) {
    const { code, message } = Errors.CLUSTER_AUTHORIZATION_FAILED;
    return { errorCode: code, errorMessage: message };
  }
  return { errorCode: Errors.SECURITY_DISABLED.code, errorMessage: 'There are no access control lists.' };
}
