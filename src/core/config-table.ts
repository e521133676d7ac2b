/**
 * One table per component declares its configuration keys; everything else is derived from it: the type of the parsed
 * configuration, parsing and validation, documentation, DescribeConfigs, command-line help. A key exists in one place.
 */
import { type ConfigKey, type ConfigTable, type ConfigType, Password } from './config-key.ts';
import { parseConfigValue } from './config-value.ts';
import { KafkaError } from './kafka-error.ts';
import { suggest } from './suggest.ts';

type ValueOfType<T extends ConfigType> = T extends 'boolean'
  ? boolean
  : T extends 'int' | 'long' | 'short' | 'double' | 'duration-ms' | 'bytes'
    ? number
    : T extends 'list'
      ? string[]
      : T extends 'class'
        ? string | object
        : T extends 'password'
          ? Password
          : string;

type NullOf<K extends ConfigKey> = K extends { default: null } | { nullable: true } ? null : never;
type ValueOf<K extends ConfigKey> = K extends { type: 'string'; oneOf: readonly (infer O extends string)[] }
  ? O
  : ValueOfType<K['type']>;

/** The parsed configuration of a table: every key present, under its dotted name. */
export type ConfigOf<T extends ConfigTable> = { readonly [N in keyof T]: ValueOf<T[N]> | NullOf<T[N]> };

/** Declares a table: `defineConfig({ 'linger.ms': { type: 'duration-ms', default: 5, min: 0, doc: '…' } })`. */
export function defineConfig<const T extends ConfigTable>(table: T): T {
  return table;
}

export interface ParsedConfig<T extends ConfigTable> {
  config: ConfigOf<T>;
  /** Keys of `raw` that the table does not have, as given. */
  unknown: string[];
}

/**
 * Turns what people wrote (text, numbers, lists) into values of the right type. `raw` is keyed by the table's bare
 * names; `prefix` is only put before them in messages, so that these name the key as the user wrote it. Throws
 * INVALID_CONFIG whose text names key, value and rule. Unknown keys are the caller's business: warn with `didYouMean`.
 */
export function parseConfig<T extends ConfigTable>(
  table: T,
  raw: Readonly<Record<string, unknown>>,
  options: { prefix?: string } = {},
): ParsedConfig<T> {
  const prefix = options.prefix ?? '';
  const entries = Object.entries(table).map(([name, key]) => {
    const value = Object.hasOwn(raw, name) ? raw[name] : undefined;
    return [name, value === undefined ? defaultOf(key, prefix + name) : parseConfigValue(prefix + name, key, value)];
  });
  const unknown = Object.keys(raw).filter((name) => !Object.hasOwn(table, name));
  // Filled key by key it would be a dictionary to the runtime, which takes several times as long to look a value up.
  return { config: Object.fromEntries(entries) as ConfigOf<T>, unknown };
}

/** ` Did you mean "linger.ms"?`, or nothing when no known key is near. */
export function didYouMean(name: string, table: ConfigTable, prefix = ''): string {
  const near = suggest(name, Object.keys(table));
  return near === undefined ? '' : ` Did you mean "${prefix}${near}"?`;
}

function defaultOf(key: ConfigKey, name: string): unknown {
  if (key.default === undefined && key.nullable === true) return null;
  if (key.default === undefined) {
    throw new KafkaError('INVALID_CONFIG', `${name} is required and has no value. ${key.doc}`);
  }
  const isText = key.type === 'password' && typeof key.default === 'string';
  if (isText) return new Password(key.default as string);
  return Array.isArray(key.default) ? [...key.default] : key.default;
}
