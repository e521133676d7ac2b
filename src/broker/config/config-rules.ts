/**
 * What may be set for a resource, by type of resource: names, values, what must not stand together. The error of a refusal is the one that
 * Apache Kafka gives, which is not the same for all types. Used by the controller, which writes nothing that these refuse. ◇
 */
import { type ConfigKey, type ConfigTable, formatConfigValue, KafkaError, parseConfigValue } from '#core';
import { Errors, type KafkaErrorRow } from '#protocol';
import { refusedTopicConfig, topicConfig, topicConfigConflict, topicConfigTable } from '#storage';
import {
  BROKER_RESOURCE,
  CLIENT_METRICS_RESOURCE,
  type ConfigRules,
  type ControllerRules,
  GROUP_RESOURCE,
  type Refusal,
  refuse,
  TOPIC_RESOURCE,
  topicNameProblem,
} from '../controller/index.ts';
import { compileTopicPattern } from '../group/consumer/topic-pattern.ts';
import { readClientMatch } from '../telemetry/subscription.ts';
import { clientMetricsTable } from './client-metrics-table.ts';
import { brokerKeyOf, dynamicMode } from './dynamic-keys.ts';
import { groupBounds, groupConfigConflict } from './group-configs.ts';
import { groupResourceTable, groupValueProblem } from './group-resource-table.ts';
import type { LiveConfig } from './live-config.ts';
import type { BrokerSettings } from './settings.ts';

/** What the controller has to know about configuration. */
export function controllerRules({ nodeId, config }: BrokerSettings, live: LiveConfig): ControllerRules {
  return {
    numPartitions: config['num.partitions'],
    replicationFactor: config['default.replication.factor'],
    configs: configRules(nodeId, live),
  };
}

/** Rules by type of resource. */
function configRules(nodeId: number, live: LiveConfig): ReadonlyMap<number, ConfigRules> {
  return new Map([
    [TOPIC_RESOURCE, topicRules(live)],
    [BROKER_RESOURCE, brokerRules(nodeId, live)],
    [CLIENT_METRICS_RESOURCE, clientMetricsRules],
    [GROUP_RESOURCE, groupRules(live)],
  ]);
}

function topicRules(live: LiveConfig): ConfigRules {
  return {
    nameRefusal(name) {
      if (name === '')
        return refuse(Errors.INVALID_REQUEST, 'Topics have no defaults of their own: those of the brokers count.');
      const problem = topicNameProblem(name);
      return problem === undefined
        ? undefined
        : refuse(Errors.INVALID_TOPIC_EXCEPTION, `Not a name for a topic: ${problem}`);
    },
    check(_, key, value) {
      const row = rowOf(topicConfigTable, key);
      if (row === undefined) return refuse(Errors.INVALID_CONFIG, `Topics have no config '${key}'`);
      const checked = checkValue(Errors.INVALID_CONFIG, key, row, value);
      const refusal = 'error' in checked ? undefined : refusedTopicConfig(key, parseConfigValue(key, row, value));
      return refusal === undefined
        ? checked
        : refuse(Errors.INVALID_CONFIG, `${key}: ${value} is not allowed: ${refusal}`);
    },
    conflict(_, overrides) {
      const problem = topicConfigConflict(topicConfig(Object.fromEntries(overrides), live.values));
      return problem === undefined ? undefined : refuse(Errors.INVALID_CONFIG, problem);
    },
    list: (key) => listOf(rowOf(topicConfigTable, key)),
  };
}

function brokerRules(nodeId: number, live: LiveConfig): ConfigRules {
  return {
    nameRefusal(name) {
      if (name === '' || name === String(nodeId)) return undefined;
      return refuse(
        Errors.INVALID_REQUEST,
        `This is broker ${nodeId}, and '${name}' was asked for; '' stands for all.`,
      );
    },
    check(resourceName, key, value) {
      const mode = dynamicMode(key);
      if (mode === 'read-only') {
        return refuse(Errors.INVALID_REQUEST, `Cannot update these configs dynamically: [${key}]`);
      }
      if (mode === 'per-broker' && resourceName === '') {
        const text = `Cannot update these configs at default cluster level, broker id must be specified: [${key}]`;
        return refuse(Errors.INVALID_REQUEST, text);
      }
      const row = brokerKeyOf(key);
      return row === undefined ? { value } : checkValue(Errors.INVALID_REQUEST, key, row.key, value);
    },
    conflict(resourceName, overrides) {
      const problem = live.problemWith(resourceName, overrides);
      return problem === undefined ? undefined : refuse(Errors.INVALID_REQUEST, problem);
    },
    list: (key) => listOf(brokerKeyOf(key)?.key),
  };
}

const clientMetricsRules: ConfigRules = {
  nameRefusal(name) {
    return name === '' ? refuse(Errors.INVALID_REQUEST, 'A subscription to client metrics needs a name.') : undefined;
  },
  check(_, key, value) {
    const row = rowOf(clientMetricsTable, key);
    if (row === undefined) return refuse(Errors.INVALID_REQUEST, `Client metrics have no config '${key}'`);
    const problem = key === 'match' ? value.split(',').find((text) => !isMatch(text)) : undefined;
    if (problem !== undefined) return refuse(Errors.INVALID_CONFIG, `match: '${problem}' is no name=pattern.`);
    return checkValue(Errors.INVALID_REQUEST, key, row, value);
  },
  conflict: () => undefined,
  list: (key) => listOf(rowOf(clientMetricsTable, key)),
};

/** The broker's keys bound what a group may have. */
function groupRules(live: LiveConfig): ConfigRules {
  return {
    nameRefusal(name) {
      return name === ''
        ? refuse(Errors.INVALID_REQUEST, 'Groups have no defaults of their own: those of the brokers count.')
        : undefined;
    },
    check(_, key, value) {
      const row = rowOf(groupResourceTable, key);
      if (row === undefined) return refuse(Errors.INVALID_CONFIG, `Groups have no config '${key}'`);
      const checked = checkValue(Errors.INVALID_CONFIG, key, row, value);
      if ('error' in checked) return checked;
      const problem = groupValueProblem(key, value);
      if (problem !== undefined) return refuse(Errors.INVALID_CONFIG, `${key}=${value} is not allowed: ${problem}.`);
      const bounds = groupBounds(live.current, key);
      if (bounds === undefined) return checked;
      const [least, most] = bounds;
      const isWithin = Number(checked.value) >= least && Number(checked.value) <= most;
      return isWithin
        ? checked
        : refuse(Errors.INVALID_CONFIG, `${key}=${value} must be from ${least} to ${most}, the bounds of the broker.`);
    },
    conflict(_, overrides) {
      const problem = groupConfigConflict(overrides, live.current);
      return problem === undefined ? undefined : refuse(Errors.INVALID_CONFIG, problem);
    },
    list: (key) => listOf(rowOf(groupResourceTable, key)),
  };
}

function isMatch(text: string): boolean {
  return text.trim() === '' || readClientMatch(text, compileTopicPattern) !== undefined;
}

/** `30s` and `5MB` are understood; stored is what Kafka's own tools write and read. */
function checkValue(error: KafkaErrorRow, key: string, row: ConfigKey, value: string): { value: string } | Refusal {
  try {
    return { value: formatConfigValue(parseConfigValue(key, row, value)) ?? '' };
  } catch (problem) {
    if (problem instanceof KafkaError) return refuse(error, problem.message);
    throw problem;
  }
}

function rowOf(table: ConfigTable, key: string): ConfigKey | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** Undefined when it is not a list. */
function listOf(row: ConfigKey | undefined): ReturnType<ConfigRules['list']> {
  if (row?.type !== 'list') return undefined;
  return { inherited: ((row.default as readonly string[] | null) ?? []).join(','), isChoice: row.oneOf !== undefined };
}
