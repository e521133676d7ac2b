/**
 * Configuration as DescribeConfigs shows it: every key of a resource with its value, where that comes from, and what would count without
 * it (synonyms, the strongest first). Sources as on the wire: 1 the topic, 2 and 3 the metadata log, 4 this broker's own keys, 5 the
 * default, 6 a logger, 7 client metrics, 8 a group.
 */
import { type ConfigKey, type ConfigTable, formatConfigValue, Password, parseConfigValue } from '#core';
import { brokerDefaults, topicConfig, topicConfigTable } from '#storage';
import { clientMetricsTable } from './client-metrics-table.ts';
import { brokerKeyOf, brokerKeys } from './dynamic-keys.ts';
import { groupBrokerKey, shownGroupKeys } from './group-resource-table.ts';
import { DYNAMIC_BROKER, DYNAMIC_DEFAULT, type LiveConfig, STATIC_BROKER } from './live-config.ts';

const TOPIC_SOURCE = 1;
const DEFAULT_SOURCE = 5;
const CLIENT_METRICS_SOURCE = 7;
const GROUP_SOURCE = 8;

/** The strongest first. */
const PLACES = [DYNAMIC_BROKER, DYNAMIC_DEFAULT, STATIC_BROKER] as const;

type Overrides = ReadonlyMap<string, string>;

export interface Synonym {
  readonly name: string;
  readonly value: string | null;
  readonly source: number;
}

export interface ConfigView extends Synonym {
  readonly isSensitive: boolean;
  readonly isReadOnly: boolean;
  /** As on the wire. */
  readonly type: number;
  readonly doc: string;
  readonly synonyms: readonly Synonym[];
}

/** Of keys that nobody knows. */
const UNKNOWN_TYPE = 0;
const TYPES: Readonly<Record<string, number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  class: 8,
  password: 9,
  'duration-ms': 5,
  bytes: 5,
};

/** The configs of a topic with these overrides. */
export function describeTopicConfigs(live: LiveConfig, overrides: Overrides): ConfigView[] {
  const effective: Readonly<Record<string, unknown>> = topicConfig(Object.fromEntries(overrides), live.values);
  return entries(topicConfigTable).map(([name, key]) => {
    const names = (brokerDefaults[name as keyof typeof brokerDefaults] ?? []).map((source) => source.key);
    const synonyms = [...override(name, key, overrides, TOPIC_SOURCE), ...brokerSynonyms(live, names, names[0])];
    return view(name, key, false, textOf(name, key, effective[name]), synonyms);
  });
}

/** As CreateTopics tells where a value comes from: by any of the broker's keys for it, be it by one in hours. */
export function topicConfigSource(live: LiveConfig, name: string, overrides: Overrides): number {
  if (overrides.has(name)) return TOPIC_SOURCE;
  const names = (brokerDefaults[name as keyof typeof brokerDefaults] ?? []).map(({ key }) => key);
  const source = PLACES.find((place) => names.some((key) => live.at(place, key) !== undefined));
  return source ?? DEFAULT_SOURCE;
}

/** The configs of this broker, those that give topics their defaults included, and what else was set. */
export function describeBrokerConfigs(live: LiveConfig): ConfigView[] {
  const set = [...live.dynamicNames(DYNAMIC_BROKER), ...live.dynamicNames(DYNAMIC_DEFAULT)];
  return [...new Set([...brokerKeys.keys(), ...set])].sort().map((name) => {
    const row = brokerKeyOf(name);
    if (row === undefined) return unknownView(live, name, [DYNAMIC_BROKER, DYNAMIC_DEFAULT]);
    const synonyms = brokerSynonyms(live, row.names, name);
    return view(name, row.key, row.mode === 'read-only', synonyms[0]?.value ?? null, synonyms);
  });
}

/** What is set for all brokers. */
export function describeBrokerDefaults(live: LiveConfig): ConfigView[] {
  return live.dynamicNames(DYNAMIC_DEFAULT).map((name) => {
    const row = brokerKeyOf(name);
    if (row === undefined) return unknownView(live, name, [DYNAMIC_DEFAULT]);
    const value = textOf(name, row.key, live.at(DYNAMIC_DEFAULT, name));
    const isReadOnly = row.mode === 'read-only';
    return view(name, row.key, isReadOnly, value, [{ name, value, source: DYNAMIC_DEFAULT }]);
  });
}

/** The configs of a group with these overrides; the broker's keys give the others. */
export function describeGroupConfigs(live: LiveConfig, overrides: Overrides): ConfigView[] {
  return shownGroupKeys(overrides).map(([name, key]) => {
    const brokerName = groupBrokerKey(name);
    const inherited = brokerKeys.has(brokerName)
      ? brokerSynonyms(live, [brokerName], brokerName)
      : [{ name: brokerName, value: defaultText(name, key), source: DEFAULT_SOURCE }];
    const synonyms = [...override(name, key, overrides, GROUP_SOURCE), ...inherited];
    return view(name, key, false, synonyms[0]?.value ?? null, synonyms);
  });
}

/** A subscription to client metrics, be it there or not. */
export function describeClientMetrics(overrides: Overrides): ConfigView[] {
  return entries(clientMetricsTable).map(([name, key]) => {
    const synonyms = override(name, key, overrides, CLIENT_METRICS_SOURCE);
    return view(name, key, false, synonyms[0]?.value ?? defaultText(name, key), synonyms);
  });
}

function override(name: string, key: ConfigKey, overrides: Overrides, source: number): Synonym[] {
  const value = overrides.get(name);
  return value === undefined ? [] : [{ name, value: textOf(name, key, value), source }];
}

/** Places come before names; what is weaker than all that `main` is set to counts for others. */
function brokerSynonyms(live: LiveConfig, names: readonly string[], main: string | undefined): Synonym[] {
  const synonyms: Synonym[] = [];
  for (const source of PLACES) {
    for (const name of names) {
      const given = live.at(source, name);
      if (given !== undefined) synonyms.push({ name, value: textOf(name, brokerKeyOf(name)!.key, given), source });
    }
  }
  for (const name of names) {
    const value = defaultText(name, brokerKeyOf(name)!.key);
    if (value !== null) synonyms.push({ name, value, source: DEFAULT_SOURCE });
  }
  const first = synonyms.findIndex(({ name }) => name === main);
  return first < 0 ? [] : synonyms.slice(first);
}

/** It may be a secret of somebody's. */
function unknownView(live: LiveConfig, name: string, sources: readonly (2 | 3)[]): ConfigView {
  const set = sources.filter((source) => live.at(source, name) !== undefined);
  const synonyms = set.map((source) => ({ name, value: null, source }));
  const source = synonyms[0]?.source ?? DEFAULT_SOURCE;
  return { name, value: null, source, isSensitive: true, isReadOnly: false, type: UNKNOWN_TYPE, doc: '', synonyms };
}

function view(
  name: string,
  key: ConfigKey,
  isReadOnly: boolean,
  value: string | null,
  synonyms: readonly Synonym[],
): ConfigView {
  const isSensitive = key.type === 'password';
  return {
    name,
    value: isSensitive ? null : value,
    source: synonyms[0]?.source ?? DEFAULT_SOURCE,
    isSensitive,
    isReadOnly,
    type: TYPES[key.kafkaType ?? key.type],
    doc: key.doc,
    synonyms: isSensitive ? synonyms.map((synonym) => ({ ...synonym, value: null })) : synonyms,
  };
}

/** The value in the form in which Kafka writes it: `30s` was accepted, 30000 is shown. */
function textOf(name: string, key: ConfigKey, given: unknown): string | null {
  const value = parseConfigValue(name, key, given);
  if (value === null || value instanceof Password) return null;
  return formatConfigValue(value);
}

function defaultText(name: string, key: ConfigKey): string | null {
  return key.default === undefined || key.default === null ? null : textOf(name, key, key.default);
}

function entries(table: ConfigTable): [string, ConfigKey][] {
  return Object.entries(table);
}
