/** ApiVersions (18): what is served here, and nothing else; features that are true of us. @see KIP-511, KIP-584 */
import { type ApiVersionsRequest, type ApiVersionsResponse, type Draft, Errors, type KafkaErrorRow } from '#protocol';
import type { BrokerParts } from '../broker-parts.ts';
import { type Feature, featureByName, features } from '../controller/index.ts';
import type { RequestContext } from '../server/request-context.ts';
import type { RouteTable } from '../server/route-table.ts';
import { advertise } from '../server/served-api.ts';

const NO_NODE = -1;
const SOFTWARE_TEXT = /^[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?$/;

type Response = Draft<typeof ApiVersionsResponse>;

export function apiVersions(
  broker: BrokerParts,
  routes: RouteTable,
  context: RequestContext,
  request: ApiVersionsRequest,
): Response {
  if (context.version >= 3 && !namesSoftware(request)) return { errorCode: Errors.INVALID_REQUEST.code };
  if (context.version >= 3) {
    context.clientSoftware = { name: request.clientSoftwareName, version: request.clientSoftwareVersion };
  }
  const error = meantForUs(broker, request);
  if (error !== Errors.NONE) return { errorCode: error.code };
  const { image } = broker.metadata;
  return {
    errorCode: Errors.NONE.code,
    apiKeys: routes.rows.map(advertise),
    supportedFeatures: features.filter(({ minLevel }) => minLevel > 0 || context.version >= 4).map(support),
    finalizedFeaturesEpoch: image.offset,
    finalizedFeatures: [...image.features].filter(isSupported).map(finalize),
  };
}

/** Up to version 3 clients take a lowest level of 0 for damage (KAFKA-17011). */
function support({ name, minLevel, maxLevel }: Feature) {
  return { name, minVersion: minLevel, maxVersion: maxLevel };
}

/** The data folder of an Apache Kafka names features, and levels, that clients must not count on here. */
function isSupported([name, level]: readonly [string, number]): boolean {
  const feature = featureByName(name);
  return feature !== undefined && level >= feature.minLevel && level <= feature.maxLevel;
}

function finalize([name, level]: readonly [string, number]) {
  return { name, maxVersionLevel: level, minVersionLevel: level };
}

function namesSoftware({ clientSoftwareName, clientSoftwareVersion }: ApiVersionsRequest): boolean {
  return SOFTWARE_TEXT.test(clientSoftwareName) && SOFTWARE_TEXT.test(clientSoftwareVersion);
}

/** A client says which cluster and node it believes to have reached: both, or neither. @see KIP-1242 */
function meantForUs(broker: BrokerParts, { clusterId, nodeId }: ApiVersionsRequest): KafkaErrorRow {
  if (clusterId === null && nodeId === NO_NODE) return Errors.NONE;
  if (clusterId === null || nodeId === NO_NODE) return Errors.INVALID_REQUEST;
  const isOurs = clusterId === broker.clusterId && nodeId === broker.settings.nodeId;
  return isOurs ? Errors.NONE : Errors.REBOOTSTRAP_REQUIRED;
}
