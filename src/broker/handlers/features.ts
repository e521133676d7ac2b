/** UpdateFeatures (57): what the controller decides, in the words of the wire. @see KIP-584 */
import {
  type Draft,
  Errors,
  type KafkaErrorRow,
  type UpdateFeaturesRequest,
  type UpdateFeaturesResponse,
} from '#protocol';
import { CLUSTER_RESOURCE_NAME } from '../authorizer.ts';
import type { BrokerParts } from '../broker-parts.ts';
import type { Refusal } from '../controller/index.ts';
import type { RequestContext } from '../server/request-context.ts';

type Response = Draft<typeof UpdateFeaturesResponse>;

export async function updateFeatures(
  broker: BrokerParts,
  context: RequestContext,
  { featureUpdates, validateOnly }: UpdateFeaturesRequest,
): Promise<Response> {
  if (!context.allows(CLUSTER_RESOURCE_NAME)) return failed(Errors.CLUSTER_AUTHORIZATION_FAILED, null);
  // Of a feature that stands twice the last one counts.
  const last = new Map(featureUpdates.map((update) => [update.feature, update]));
  const updates = [...last.values()].map(({ feature, maxVersionLevel, upgradeType }) => ({
    name: feature,
    level: maxVersionLevel,
    upgradeType,
  }));
  const { error, body } = await broker.metadata.ask<Refusal | { error: KafkaErrorRow; errorMessage: null }>(
    (token) => ({
      type: 'update-features',
      token,
      updates,
      validateOnly,
    }),
  );
  if (body === undefined) return failed(error, null);
  if (body.error !== Errors.NONE) return failed(body.error, body.errorMessage);
  const results = updates.map(({ name }) => ({ feature: name, errorCode: Errors.NONE.code, errorMessage: 'NONE' }));
  return { errorCode: Errors.NONE.code, errorMessage: null, results: context.version <= 1 ? results : [] };
}

function failed(error: KafkaErrorRow, message: string | null): Response {
  return { errorCode: error.code, errorMessage: message ?? error.message };
}
