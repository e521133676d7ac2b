/** DescribeClientQuotas (48) and AlterClientQuotas (49). */
import {
  type AlterClientQuotasRequest,
  type AlterClientQuotasResponse,
  type DescribeClientQuotasRequest,
  type DescribeClientQuotasResponse,
  type Draft,
  Errors,
} from '#protocol';
import { CLUSTER_RESOURCE_NAME } from '../authorizer.ts';
import type { BrokerParts } from '../broker-parts.ts';
import { type QuotaResult, quotaFilter } from '../controller/index.ts';
import type { RequestContext } from '../server/request-context.ts';

export function describeClientQuotas(
  broker: BrokerParts,
  context: RequestContext,
  request: DescribeClientQuotasRequest,
): Draft<typeof DescribeClientQuotasResponse> {
  if (!context.allows(CLUSTER_RESOURCE_NAME)) {
    const { code, message } = Errors.CLUSTER_AUTHORIZATION_FAILED;
    return { errorCode: code, errorMessage: message, entries: null };
  }
  const filter = quotaFilter(request.components, request.strict);
  if ('error' in filter) return { errorCode: filter.error.code, errorMessage: filter.errorMessage, entries: null };
  const entries = [...broker.metadata.image.clientQuotas.all()].filter(filter.matches);
  return {
    errorCode: Errors.NONE.code,
    // Kafka's word for no error is an empty one.
    errorMessage: '',
    entries: entries.map(({ entity, values }) => ({
      entity,
      values: [...values].map(([key, value]) => ({ key, value })),
    })),
  };
}

export async function alterClientQuotas(
  broker: BrokerParts,
  context: RequestContext,
  { entries, validateOnly }: AlterClientQuotasRequest,
): Promise<Draft<typeof AlterClientQuotasResponse>> {
  const { error, body } = context.allows(CLUSTER_RESOURCE_NAME)
    ? await broker.metadata.ask<QuotaResult[]>((token) => ({
        type: 'alter-client-quotas',
        token,
        entries,
        validateOnly,
      }))
    : { error: Errors.CLUSTER_AUTHORIZATION_FAILED, body: undefined };
  const results = body ?? entries.map(({ entity }) => ({ entity, error, errorMessage: error.message }));
  // Who is named again is answered once, and so is a part of a name.
  const once = new Map(results.map((result) => [JSON.stringify(onceEach(result.entity).sort()), result]));
  return {
    entries: [...once.values()].map(({ entity, error, errorMessage }) => ({
      entity: onceEach(entity).map(([entityType, entityName]) => ({ entityType, entityName })),
      errorCode: error.code,
      errorMessage,
    })),
  };
}

/** Types and names. */
function onceEach(entity: readonly { readonly entityType: string; readonly entityName: string | null }[]) {
  return [...new Map(entity.map(({ entityType, entityName }) => [entityType, entityName]))];
}
