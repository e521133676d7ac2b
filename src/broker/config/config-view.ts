/**
 * Configuration as DescribeConfigs shows it: every key of a table with its value, where that comes from, and what would count without it
 * (synonyms, the strongest first). Sources as on the wire: 1 the topic, 2 and 3 the metadata log, 4 this broker's own keys, 5 the default.
 */
import { type ConfigKey, type ConfigTable, formatConfigValue, Password, parseConfigValue } from '#core';
import { brokerDefaults, topicConfigTable } from '#storage';
import type { MetadataImage } from '../controller/index.ts';
import { brokerConfigTable } from './config.ts';
import { brokerValues } from './dynamic-configs.ts';
import type { BrokerSettings } from './settings.ts';

const TOPIC_SOURCE = 1;
const STATIC_BROKER_SOURCE = 4;
const DEFAULT_SOURCE = 5;

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
export function describeTopicConfigs(
  settings: BrokerSettings,
  image: MetadataImage,
  overrides: ReadonlyMap<string, string>,
): ConfigView[] {
  return entries(topicConfigTable).map(([name, key]) => {
    const synonyms: Synonym[] = [];
    const override = overrides.get(name);
    if (override !== undefined) synonyms.push({ name, value: textOf(name, key, override), source: TOPIC_SOURCE });
    const sources = brokerDefaults[name as keyof typeof brokerDefaults] ?? [];
    for (const { key: brokerKey, unitMs } of sources) {
      for (const { value: given, source } of brokerValues(image, settings, brokerKey)) {
        const value = unitMs === undefined || Number(given) < 0 ? given : Number(given) * unitMs;
        synonyms.push({ name: brokerKey, value: textOf(name, key, value), source });
      }
    }
    synonyms.push({ name: sources.at(-1)?.key ?? name, value: defaultText(name, key), source: DEFAULT_SOURCE });
    return view(name, key, false, synonyms);
  });
}

/** The configs of this broker, those that give topics their defaults included. */
export function describeBrokerConfigs(settings: BrokerSettings, image: MetadataImage): ConfigView[] {
  const own = entries(brokerConfigTable).map(([name, key]) => {
    const given = settings.given[name];
    const isGiven = given !== undefined && given !== null;
    return describeBrokerKey(name, key, isGiven ? [{ value: given, source: STATIC_BROKER_SOURCE }] : []);
  });
  const ofTopics = Object.entries(brokerDefaults).flatMap(([topicName, sources]) =>
    sources.map(({ key: name, unitMs }) => {
      const key = topicConfigTable[topicName as keyof typeof topicConfigTable] as ConfigKey;
      const values = brokerValues(image, settings, name);
      return describeBrokerKey(name, unitMs === undefined ? key : { ...key, default: null, nullable: true }, values);
    }),
  );
  return [...own, ...ofTopics].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function describeBrokerKey(
  name: string,
  key: ConfigKey,
  values: readonly { readonly value: unknown; readonly source: number }[],
): ConfigView {
  const synonyms: Synonym[] = values.map(({ value, source }) => ({ name, value: textOf(name, key, value), source }));
  synonyms.push({ name, value: defaultText(name, key), source: DEFAULT_SOURCE });
  return view(name, key, true, synonyms);
}

function view(name: string, key: ConfigKey, isReadOnly: boolean, synonyms: readonly Synonym[]): ConfigView {
  const [first] = synonyms;
  const isSensitive = key.type === 'password';
  const hidden = isSensitive ? synonyms.map((synonym) => ({ ...synonym, value: null })) : synonyms;
  return {
    name,
    value: isSensitive ? null : first.value,
    source: first.source,
    isSensitive,
    isReadOnly,
    type: TYPES[key.kafkaType ?? key.type],
    doc: key.doc,
    synonyms: hidden,
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
