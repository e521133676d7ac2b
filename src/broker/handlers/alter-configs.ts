/**
 * AlterConfigs (33) and IncrementalAlterConfigs (44): what the controller decides on topics, brokers, groups and client metrics. Loggers
 * have no configs that are kept.
 */
import {
  type AlterConfigsRequest,
  type AlterConfigsResponse,
  type Draft,
  Errors,
  type IncrementalAlterConfigsRequest,
  type IncrementalAlterConfigsResponse,
  type KafkaErrorRow,
} from '#protocol';
import { CLUSTER_RESOURCE_NAME } from '../authorizer.ts';
import type { BrokerParts } from '../broker-parts.ts';
import {
  type AlterConfigsEvent,
  type AlterOperation,
  BROKER_LOGGER_RESOURCE,
  BROKER_RESOURCE,
  CLIENT_METRICS_RESOURCE,
  GROUP_RESOURCE,
  type ItemResult,
  type Refusal,
  refuse,
  TOPIC_RESOURCE,
} from '../controller/index.ts';
import type { RequestContext } from '../server/request-context.ts';
import { loggerRefusal } from './broker-loggers.ts';

type AlterResult = NonNullable<Draft<typeof AlterConfigsResponse>['responses']>[number];
type Alteration = AlterConfigsEvent['resources'][number];

const DELETE = 1;
const KEPT_TYPES: readonly number[] = [TOPIC_RESOURCE, BROKER_RESOURCE, CLIENT_METRICS_RESOURCE, GROUP_RESOURCE];

export async function alterConfigs(
  broker: BrokerParts,
  context: RequestContext,
  request: AlterConfigsRequest,
): Promise<Draft<typeof AlterConfigsResponse>> {
  const alterations = request.resources.map(({ resourceType, resourceName, configs }) => ({
    type: resourceType,
    name: resourceName,
    changes: configs.map(({ name, value }) => ({ name, value, operation: 0 as const })),
    replacesAll: true,
  }));
  return { responses: await alter(broker, context, alterations, request.validateOnly) };
}

export async function incrementalAlterConfigs(
  broker: BrokerParts,
  context: RequestContext,
  request: IncrementalAlterConfigsRequest,
): Promise<Draft<typeof IncrementalAlterConfigsResponse>> {
  const alterations = request.resources.map(({ resourceType, resourceName, configs }) => ({
    type: resourceType,
    name: resourceName,
    changes: configs.map(({ name, value, configOperation }) => ({
      name,
      value,
      operation: configOperation as AlterOperation,
    })),
    replacesAll: false,
  }));
  return { responses: await alter(broker, context, alterations, request.validateOnly) };
}

async function alter(
  broker: BrokerParts,
  context: RequestContext,
  alterations: readonly Alteration[],
  validateOnly: boolean,
): Promise<AlterResult[]> {
  const repeated = repeatedKeys(alterations);
  const refusals = alterations.map((alteration) => refusalOf(broker, context, alteration, repeated));
  const resources = alterations.filter((_, index) => refusals[index] === undefined);
  const { error, body } = await broker.metadata.ask<ItemResult[]>((token) => ({
    type: 'alter-configs',
    token,
    resources,
    validateOnly,
  }));
  const results = (body ?? resources.map(({ name }): ItemResult => ({ name, error, errorMessage: null }))).values();
  return alterations.map(({ type, name }, index) => {
    const result = refusals[index] ?? results.next().value!;
    return {
      errorCode: result.error.code,
      errorMessage: result.errorMessage,
      resourceType: type,
      resourceName: name,
    };
  });
}

function keyOf({ type, name }: Alteration): string {
  return `${type} ${name}`;
}

function repeatedKeys(alterations: readonly Alteration[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const key of alterations.map(keyOf)) (seen.has(key) ? repeated : seen).add(key);
  return repeated;
}

function refusalOf(
  broker: BrokerParts,
  context: RequestContext,
  alteration: Alteration,
  repeated: ReadonlySet<string>,
): Refusal | undefined {
  const { type, name, changes, replacesAll } = alteration;
  if (repeated.has(keyOf(alteration))) {
    return refuse(Errors.INVALID_REQUEST, 'The resource stands more than once in the request.');
  }
  const keys = new Set<string>();
  const twice = changes.find((change) => keys.size === keys.add(change.name).size);
  if (twice !== undefined) {
    return refuse(Errors.INVALID_REQUEST, `The config key '${twice.name}' stands more than once.`);
  }
  const empty = changes.find(({ value, operation }) => value === null && operation !== DELETE);
  if (empty !== undefined) return refuse(Errors.INVALID_REQUEST, `The config '${empty.name}' needs a value.`);
  const isLogger = type === BROKER_LOGGER_RESOURCE && !replacesAll;
  if (!isLogger && !KEPT_TYPES.includes(type)) {
    return refuse(Errors.INVALID_REQUEST, `Resource type ${type} has no configs that can be altered.`);
  }
  const unauthorized = unauthorizedError(context, type, name);
  if (unauthorized !== undefined) return refuse(unauthorized, unauthorized.message);
  if (isLogger) return loggerRefusal(broker.settings.nodeId, alteration);
  const strange = changes.find(({ operation }) => operation < 0 || operation > 3);
  return strange === undefined
    ? undefined
    : refuse(Errors.INVALID_REQUEST, `Unknown operation ${strange.operation} for config '${strange.name}'.`);
}

function unauthorizedError(context: RequestContext, type: number, name: string): KafkaErrorRow | undefined {
  if (type === TOPIC_RESOURCE) return context.allows(name) ? undefined : Errors.TOPIC_AUTHORIZATION_FAILED;
  if (type === GROUP_RESOURCE) {
    return context.mayDo('alter-configs', 'group', name) ? undefined : Errors.GROUP_AUTHORIZATION_FAILED;
  }
  const isAllowed = context.mayDo('alter-configs', 'cluster', CLUSTER_RESOURCE_NAME);
  return isAllowed ? undefined : Errors.CLUSTER_AUTHORIZATION_FAILED;
}
