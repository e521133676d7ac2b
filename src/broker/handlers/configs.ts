/**
 * DescribeConfigs (32), AlterConfigs (33), IncrementalAlterConfigs (44), ListConfigResources (74). Topics can be altered; the broker's own
 * keys are shown and come from its configuration alone.
 */
import {
  type AlterConfigsRequest,
  type AlterConfigsResponse,
  type DescribeConfigsRequest,
  type DescribeConfigsResponse,
  type Draft,
  Errors,
  type IncrementalAlterConfigsRequest,
  type IncrementalAlterConfigsResponse,
  type KafkaErrorRow,
  type ListConfigResourcesRequest,
  type ListConfigResourcesResponse,
} from '#protocol';
import type { BrokerParts } from '../broker-parts.ts';
import { type ConfigView, describeBrokerConfigs, describeTopicConfigs } from '../config/config-view.ts';
import {
  type AlterConfigsEvent,
  type AlterOperation,
  BROKER_RESOURCE,
  type ItemResult,
  refuse,
  TOPIC_RESOURCE,
} from '../controller/index.ts';
import type { RequestContext } from '../server/request-context.ts';

type DescribeResponse = Draft<typeof DescribeConfigsResponse>;
type DescribeResult = NonNullable<DescribeResponse['results']>[number];
type AskedResource = DescribeConfigsRequest['resources'][number];
type AlterResult = NonNullable<Draft<typeof AlterConfigsResponse>['responses']>[number];
type Alteration = AlterConfigsEvent['topics'][number];

interface Resource {
  readonly resourceType: number;
  readonly resourceName: string;
}

export function describeConfigs(
  broker: BrokerParts,
  context: RequestContext,
  request: DescribeConfigsRequest,
): DescribeResponse {
  const unique = new Map(request.resources.map((resource) => [keyOf(resource), resource]));
  return {
    results: [...unique.values()].map((resource): DescribeResult => {
      const { resourceType, resourceName, configurationKeys } = resource;
      const found = viewsOf(broker, context, resource);
      if ('code' in found) {
        return { errorCode: found.code, errorMessage: found.message, resourceType, resourceName };
      }
      const views = found.filter(({ name }) => configurationKeys === null || configurationKeys.includes(name));
      const configs = views.map((view) => describe(view, request));
      return { errorCode: Errors.NONE.code, errorMessage: null, resourceType, resourceName, configs };
    }),
  };
}

function keyOf({ resourceType, resourceName }: Resource): string {
  return `${resourceType} ${resourceName}`;
}

function viewsOf(
  broker: BrokerParts,
  context: RequestContext,
  { resourceType, resourceName }: AskedResource,
): ConfigView[] | KafkaErrorRow {
  const { image } = broker.metadata;
  if (resourceType === TOPIC_RESOURCE) {
    if (!context.allows(resourceName)) return Errors.TOPIC_AUTHORIZATION_FAILED;
    if (!image.topics.has(resourceName)) return Errors.UNKNOWN_TOPIC_OR_PARTITION;
    return describeTopicConfigs(broker.settings, image, image.topicConfigs(resourceName));
  }
  if (resourceType !== BROKER_RESOURCE) return Errors.INVALID_REQUEST;
  if (resourceName === '') return [];
  return resourceName === String(broker.settings.nodeId)
    ? describeBrokerConfigs(broker.settings, image)
    : Errors.INVALID_REQUEST;
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

export async function alterConfigs(
  broker: BrokerParts,
  context: RequestContext,
  request: AlterConfigsRequest,
): Promise<Draft<typeof AlterConfigsResponse>> {
  const alterations = request.resources.map(({ resourceName, configs }) => ({
    name: resourceName,
    changes: configs.map(({ name, value }) => ({ name, value, operation: 0 as const })),
    replacesAll: true,
  }));
  return { responses: await alter(broker, context, request.resources, alterations, request.validateOnly) };
}

export async function incrementalAlterConfigs(
  broker: BrokerParts,
  context: RequestContext,
  request: IncrementalAlterConfigsRequest,
): Promise<Draft<typeof IncrementalAlterConfigsResponse>> {
  const alterations = request.resources.map(({ resourceName, configs }) => ({
    name: resourceName,
    changes: configs.map(({ name, value, configOperation }) => ({
      name,
      value,
      operation: configOperation as AlterOperation,
    })),
    replacesAll: false,
  }));
  return { responses: await alter(broker, context, request.resources, alterations, request.validateOnly) };
}

async function alter(
  broker: BrokerParts,
  context: RequestContext,
  resources: readonly Resource[],
  alterations: readonly Alteration[],
  validateOnly: boolean,
): Promise<AlterResult[]> {
  const repeated = repeatedKeys(resources);
  const refusals = resources.map((resource, index) => refusalOf(context, resource, repeated, alterations[index]));
  const topics = alterations.filter((_, index) => refusals[index] === undefined);
  const { error, body } = await broker.metadata.ask<ItemResult[]>((token) => ({
    type: 'alter-configs',
    token,
    topics,
    validateOnly,
  }));
  const results = (body ?? topics.map(({ name }): ItemResult => ({ name, error, errorMessage: null }))).values();
  return resources.map(({ resourceType, resourceName }, index) => {
    const result = refusals[index] ?? results.next().value!;
    return { errorCode: result.error.code, errorMessage: result.errorMessage, resourceType, resourceName };
  });
}

function repeatedKeys(resources: readonly Resource[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const key of resources.map(keyOf)) (seen.has(key) ? repeated : seen).add(key);
  return repeated;
}

function refusalOf(
  context: RequestContext,
  resource: Resource,
  repeated: ReadonlySet<string>,
  { changes }: Alteration,
): ItemResult | undefined {
  const { resourceType, resourceName } = resource;
  const refusal = (error: KafkaErrorRow, message: string) => ({ name: resourceName, ...refuse(error, message) });
  if (repeated.has(keyOf(resource)))
    return refusal(Errors.INVALID_REQUEST, 'The resource stands more than once in the request.');
  if (resourceType === BROKER_RESOURCE) {
    return refusal(
      Errors.INVALID_REQUEST,
      "A broker's keys are read at its start; change its configuration and start it again.",
    );
  }
  if (resourceType !== TOPIC_RESOURCE)
    return refusal(Errors.INVALID_REQUEST, `Resource type ${resourceType} is not known here.`);
  if (!context.allows(resourceName))
    return refusal(Errors.TOPIC_AUTHORIZATION_FAILED, Errors.TOPIC_AUTHORIZATION_FAILED.message);
  const strange = changes.find(({ operation }) => operation < 0 || operation > 3);
  return strange === undefined
    ? undefined
    : refusal(Errors.INVALID_REQUEST, `Unknown operation ${strange.operation} for config '${strange.name}'.`);
}

export function listConfigResources(
  broker: BrokerParts,
  context: RequestContext,
  request: ListConfigResourcesRequest,
): Draft<typeof ListConfigResourcesResponse> {
  // Version 0 asked for client metrics only (KIP-1142), and there are none.
  if (context.version === 0) return { configResources: [] };
  const wants = (type: number) => request.resourceTypes.length === 0 || request.resourceTypes.includes(type);
  const { image } = broker.metadata;
  const topics = wants(TOPIC_RESOURCE) ? [...image.topics.keys()] : [];
  const brokers = wants(BROKER_RESOURCE) ? [...image.brokers.keys()] : [];
  return {
    configResources: [
      ...topics.map((resourceName) => ({ resourceName, resourceType: TOPIC_RESOURCE })),
      ...brokers.map((id) => ({ resourceName: String(id), resourceType: BROKER_RESOURCE })),
    ],
  };
}
