/** DescribeConfigs (32) and ListConfigResources (74): what is set, for topics, brokers, groups, client metrics and loggers. */
import {
  type DescribeConfigsRequest,
  type DescribeConfigsResponse,
  type Draft,
  Errors,
  type KafkaErrorRow,
  type ListConfigResourcesRequest,
  type ListConfigResourcesResponse,
} from '#protocol';
import { CLUSTER_RESOURCE_NAME } from '../authorizer.ts';
import type { BrokerParts } from '../broker-parts.ts';
import {
  type ConfigView,
  describeBrokerConfigs,
  describeBrokerDefaults,
  describeClientMetrics,
  describeGroupConfigs,
  describeTopicConfigs,
} from '../config/config-view.ts';
import {
  BROKER_LOGGER_RESOURCE,
  BROKER_RESOURCE,
  CLIENT_METRICS_RESOURCE,
  GROUP_RESOURCE,
  isRefusal,
  type Refusal,
  refuse,
  TOPIC_RESOURCE,
  topicNameProblem,
} from '../controller/index.ts';
import type { RequestContext } from '../server/request-context.ts';
import { describeLoggers } from './broker-loggers.ts';

type DescribeResult = NonNullable<Draft<typeof DescribeConfigsResponse>['results']>[number];
type ListResponse = Draft<typeof ListConfigResourcesResponse>;

/** A resource that is named again is described once: its configs are many, and its name is short. */
export function describeConfigs(
  broker: BrokerParts,
  context: RequestContext,
  request: DescribeConfigsRequest,
): Draft<typeof DescribeConfigsResponse> {
  const unique = new Map(
    request.resources.map((resource) => [`${resource.resourceType} ${resource.resourceName}`, resource]),
  );
  return {
    results: [...unique.values()].map(({ resourceType, resourceName, configurationKeys }): DescribeResult => {
      const views = viewsOf(broker, context, resourceType, resourceName);
      if (isRefusal(views)) {
        return { errorCode: views.error.code, errorMessage: views.errorMessage, resourceType, resourceName };
      }
      const asked = new Set(configurationKeys);
      const isAsked = ({ name }: ConfigView) => asked.size === 0 || asked.has(name);
      const configs = views.filter(isAsked).map((view) => describe(view, request));
      return { errorCode: Errors.NONE.code, errorMessage: '', resourceType, resourceName, configs };
    }),
  };
}

function viewsOf(
  broker: BrokerParts,
  context: RequestContext,
  type: number,
  name: string,
): readonly ConfigView[] | Refusal {
  const unauthorized = unauthorizedError(context, type, name);
  if (unauthorized !== undefined) return refuse(unauthorized, unauthorized.message);
  const { live, metadata, settings } = broker;
  const { image } = metadata;
  const isOurs = name === String(settings.nodeId);
  switch (type) {
    case TOPIC_RESOURCE: {
      const problem = topicNameProblem(name);
      if (problem !== undefined) {
        return refuse(Errors.INVALID_TOPIC_EXCEPTION, `Not a name for a topic: ${problem}`);
      }
      if (!image.topics.has(name)) return { error: Errors.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: '' };
      return describeTopicConfigs(live, image.topicConfigs(name));
    }
    case BROKER_RESOURCE:
      if (name === '') return describeBrokerDefaults(live);
      return isOurs ? describeBrokerConfigs(live) : otherBroker(broker, name);
    case BROKER_LOGGER_RESOURCE:
      return isOurs ? describeLoggers(broker.logger) : otherBroker(broker, name);
    case CLIENT_METRICS_RESOURCE:
      if (name === '') return refuse(Errors.INVALID_REQUEST, 'A subscription to client metrics needs a name.');
      return describeClientMetrics(image.configsOf(type, name));
    case GROUP_RESOURCE:
      if (name === '') return refuse(Errors.INVALID_REQUEST, 'A group needs a name.');
      return describeGroupConfigs(live, image.configsOf(type, name));
    default:
      return refuse(Errors.INVALID_REQUEST, `Resource type ${type} has no configs.`);
  }
}

function unauthorizedError(context: RequestContext, type: number, name: string): KafkaErrorRow | undefined {
  if (type === TOPIC_RESOURCE) return context.allows(name) ? undefined : Errors.TOPIC_AUTHORIZATION_FAILED;
  if (type === GROUP_RESOURCE) {
    return context.mayDo('describe-configs', 'group', name) ? undefined : Errors.GROUP_AUTHORIZATION_FAILED;
  }
  const isAllowed = context.mayDo('describe-configs', 'cluster', CLUSTER_RESOURCE_NAME);
  return isAllowed ? undefined : Errors.CLUSTER_AUTHORIZATION_FAILED;
}

function otherBroker({ settings }: BrokerParts, name: string): Refusal {
  return refuse(Errors.INVALID_REQUEST, `This is broker ${settings.nodeId}, and '${name}' was asked for.`);
}

function describe(view: ConfigView, request: DescribeConfigsRequest) {
  return {
    name: view.name,
    value: view.value,
    readOnly: view.isReadOnly,
    configSource: view.source,
    isSensitive: view.isSensitive,
    synonyms: request.includeSynonyms ? view.synonyms : [],
    configType: view.type,
    documentation: request.includeDocumentation ? view.doc : null,
  };
}

/** Version 0 asked for client metrics only. @see KIP-1142 */
export function listConfigResources(
  { metadata: { image } }: BrokerParts,
  context: RequestContext,
  { resourceTypes }: ListConfigResourcesRequest,
): ListResponse {
  if (!context.allows(CLUSTER_RESOURCE_NAME)) return { errorCode: Errors.CLUSTER_AUTHORIZATION_FAILED.code };
  const brokers = [...image.brokers.keys()].map(String);
  const names = new Map<number, Iterable<string>>([
    [TOPIC_RESOURCE, image.topics.keys()],
    [BROKER_RESOURCE, brokers],
    [BROKER_LOGGER_RESOURCE, brokers],
    [CLIENT_METRICS_RESOURCE, image.configs.get(CLIENT_METRICS_RESOURCE)?.keys() ?? []],
    [GROUP_RESOURCE, image.configs.get(GROUP_RESOURCE)?.keys() ?? []],
  ]);
  const all = resourceTypes.length === 0 ? [...names.keys()] : resourceTypes;
  const asked = context.version === 0 ? [CLIENT_METRICS_RESOURCE] : [...new Set(all)];
  if (asked.some((type) => !names.has(type))) return { errorCode: Errors.UNSUPPORTED_VERSION.code };
  return {
    configResources: asked.flatMap((resourceType) =>
      [...names.get(resourceType)!].map((resourceName) => ({ resourceName, resourceType })),
    ),
  };
}
