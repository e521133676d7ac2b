/** Configurations of topics, brokers and groups: read, and changed key by key. */
import { KafkaError } from '#core';
import { Apis } from '#protocol';
import { type AdminCallOptions, type AdminCalls, detailOf, type Outcome, outcomeOf } from './admin-calls.ts';
import type { ItemResults } from './item-results.ts';
import type { ValidateOptions } from './topics.ts';

const RESOURCE_TYPES = { topic: 2, broker: 4, 'broker-logger': 8, 'client-metrics': 16, group: 32 } as const;
const SOURCES: Readonly<Record<number, ConfigSource>> = {
  1: 'topic',
  2: 'dynamic-broker',
  3: 'dynamic-default-broker',
  4: 'static-broker',
  5: 'default',
  6: 'broker-logger',
  7: 'client-metrics',
  8: 'group',
};
const OPERATIONS = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

export type ConfigResourceType = keyof typeof RESOURCE_TYPES;
export type ConfigSource =
  | 'topic'
  | 'dynamic-broker'
  | 'dynamic-default-broker'
  | 'static-broker'
  | 'default'
  | 'broker-logger'
  | 'client-metrics'
  | 'group'
  | 'unknown';

/** Whose configuration. A broker's name is its id; the empty name is the default of all brokers. */
export interface ConfigResource {
  type: ConfigResourceType;
  name: string;
}

export interface ConfigEntry {
  name: string;
  /** Null for passwords. */
  value: string | null;
  source: ConfigSource;
  isDefault: boolean;
  isReadOnly: boolean;
  isSensitive: boolean;
  documentation: string | null;
}

export interface ConfigChange extends ConfigResource {
  changes: readonly { name: string; operation: keyof typeof OPERATIONS; value?: string | number | boolean | null }[];
}

/** The name of a resource in results: `topic:orders`. */
export function resourceName({ type, name }: ConfigResource): string {
  return `${type}:${name}`;
}

/** @returns by `type:name`, the entries by key */
export function describeConfigs(
  calls: AdminCalls,
  resources: readonly ConfigResource[],
  options: AdminCallOptions & { includeDocumentation?: boolean },
): Promise<ItemResults<ReadonlyMap<string, ConfigEntry>>> {
  return calls.settleAll(resources, resourceName, calls.deadlineOf(options), (open, timeoutMs) =>
    eachTarget(open, async (target, group) => {
      const body = (version: number) => ({
        resources: group.map((one) => ({ ...wireResource(one), configurationKeys: null })),
        ...(version >= 3 ? { includeDocumentation: options.includeDocumentation ?? false } : {}),
      });
      await calls.untilFound(timeoutMs);
      const { results } = await calls.cluster.request(target, Apis.DescribeConfigs, body, { timeoutMs });
      return results.map((result): [string, Outcome<ReadonlyMap<string, ConfigEntry>>] => {
        const name = resourceName(resourceOf(result));
        const entries = () => new Map(result.configs.map((config) => [config.name, entryOf(config)]));
        return [name, outcomeOf(result.errorCode, detailOf(name, result.errorMessage), entries)];
      });
    }),
  );
}

export function incrementalAlterConfigs(
  calls: AdminCalls,
  changes: readonly ConfigChange[],
  options: ValidateOptions,
): Promise<ItemResults<void>> {
  return calls.settleAll(changes, resourceName, calls.deadlineOf(options), (open, timeoutMs) =>
    eachTarget(open, async (target, group) => {
      const body = {
        resources: group.map((one) => ({ ...wireResource(one), configs: one.changes.map(wireChange) })),
        validateOnly: options.validateOnly ?? false,
      };
      await calls.untilFound(timeoutMs);
      const { responses } = await calls.cluster.request(target, Apis.IncrementalAlterConfigs, body, { timeoutMs });
      return responses.map((result): [string, Outcome<void>] => {
        const name = resourceName(resourceOf(result));
        return [name, outcomeOf(result.errorCode, detailOf(name, result.errorMessage), () => undefined)];
      });
    }),
  );
}

/** A broker answers for itself; everything else any broker knows. */
async function eachTarget<R extends ConfigResource, T>(
  resources: readonly R[],
  ask: (target: number | 'any', group: R[]) => Promise<[string, Outcome<T>][]>,
): Promise<Map<string, Outcome<T>>> {
  const groups = new Map<number | 'any', R[]>();
  for (const resource of resources) {
    const isBroker = (resource.type === 'broker' || resource.type === 'broker-logger') && resource.name !== '';
    const target = isBroker ? Number(resource.name) : 'any';
    groups.set(target, [...(groups.get(target) ?? []), resource]);
  }
  const asked = [...groups].map(async ([target, group]): Promise<[string, Outcome<T>][]> => {
    try {
      return await ask(target, group);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return group.map((one) => [resourceName(one), { error }]);
    }
  });
  return new Map((await Promise.all(asked)).flat());
}

function wireResource({ type, name }: ConfigResource) {
  return { resourceType: RESOURCE_TYPES[type], resourceName: name };
}

function resourceOf(answer: { resourceType: number; resourceName: string }): ConfigResource {
  const found = Object.entries(RESOURCE_TYPES).find(([, code]) => code === answer.resourceType);
  return { type: (found?.[0] ?? 'topic') as ConfigResourceType, name: answer.resourceName };
}

function wireChange({ name, operation, value }: ConfigChange['changes'][number]) {
  return { name, configOperation: OPERATIONS[operation], value: value == null ? null : String(value) };
}

function entryOf(config: {
  name: string;
  value: string | null;
  readOnly: boolean;
  configSource: number;
  isSensitive: boolean;
  documentation: string | null;
}): ConfigEntry {
  return {
    name: config.name,
    value: config.value,
    source: SOURCES[config.configSource] ?? 'unknown',
    isDefault: config.configSource === 5,
    isReadOnly: config.readOnly,
    isSensitive: config.isSensitive,
    documentation: config.documentation,
  };
}
