/**
 * The broker's configuration as it counts now: the keys as given at the start, under those that stand in the metadata log for all
 * brokers, under those that stand there for this one. Who uses a key that may change watches it here, and is told when it has another
 * value. Dynamic keys that mean nothing here are told once, as are values that cannot be taken; neither stops anything. @see KIP-226
 */
import { errorText, KafkaError, type Logger, parseConfig, parseConfigValue } from '#core';
import { refusedTopicConfig, topicConfig, topicConfigConflict } from '#storage';
import type { MetadataImage } from '../controller/index.ts';
import { connectionLimits } from '../server/connection-limits.ts';
import { brokerConfigTable } from './config.ts';
import { brokerKeyOf, dynamicMode } from './dynamic-keys.ts';
import { cordonedPaths, type LogDirs } from './log-dirs.ts';
import type { BrokerConfig, BrokerSettings } from './settings.ts';

/** Where a value comes from, as on the wire; the strongest first. */
export const DYNAMIC_BROKER = 2;
export const DYNAMIC_DEFAULT = 3;
export const STATIC_BROKER = 4;

type Values = Readonly<Record<string, unknown>>;
type Source = typeof DYNAMIC_BROKER | typeof DYNAMIC_DEFAULT | typeof STATIC_BROKER;

interface Watcher {
  readonly names: readonly string[];
  changed(): void;
}

export class LiveConfig {
  readonly #settings: BrokerSettings;
  readonly #logger: Logger;
  readonly #watchers: Watcher[] = [];
  readonly #told = new Set<string>();
  #dynamic: Readonly<Record<typeof DYNAMIC_BROKER | typeof DYNAMIC_DEFAULT, Values>>;
  #values: Values;
  #config: BrokerConfig;

  constructor(settings: BrokerSettings, logger: Logger) {
    this.#settings = settings;
    this.#logger = logger;
    this.#dynamic = { [DYNAMIC_BROKER]: {}, [DYNAMIC_DEFAULT]: {} };
    this.#values = settings.given;
    this.#config = settings.config;
  }

  get current(): BrokerConfig {
    return this.#config;
  }

  /** What is set, by key, as it was written: where topics find their defaults, and listeners their limits. */
  get values(): Values {
    return this.#values;
  }

  /** What is set at one place; undefined when nothing is. */
  at(source: Source, name: string): unknown {
    const values = source === STATIC_BROKER ? this.#settings.given : this.#dynamic[source];
    return Object.hasOwn(values, name) ? (values[name] ?? undefined) : undefined;
  }

  /** Names of the dynamic keys that are set for all brokers, or for this one. */
  dynamicNames(source: typeof DYNAMIC_BROKER | typeof DYNAMIC_DEFAULT): string[] {
    return Object.keys(this.#dynamic[source]);
  }

  /** Calls `changed` whenever one of `names` has another value than before. */
  watch(names: readonly string[], changed: () => void): void {
    this.#watchers.push({ names, changed });
  }

  /** The dynamic configs are those of `image` from now on. */
  update(image: MetadataImage): void {
    this.#dynamic = {
      [DYNAMIC_BROKER]: this.#usable(image.brokerConfigs(String(this.#settings.nodeId))),
      [DYNAMIC_DEFAULT]: this.#usable(image.brokerConfigs('')),
    };
    this.#tellIdle();
    const before = this.#values;
    const { [DYNAMIC_DEFAULT]: defaults, [DYNAMIC_BROKER]: own } = this.#dynamic;
    this.#values = { ...this.#settings.given, ...heeded(defaults), ...heeded(own) };
    this.#config = parseConfig(brokerConfigTable, this.#values).config;
    for (const { names, changed } of this.#watchers) {
      if (names.some((name) => String(before[name]) !== String(this.#values[name]))) changed();
    }
  }

  /** Why the broker could not go on if `overrides` were set for all brokers ('') or for this one, in the place of what is. */
  problemWith(resourceName: string, overrides: ReadonlyMap<string, string>): string | undefined {
    const changed = Object.fromEntries(overrides);
    const [defaults, own] =
      resourceName === '' ? [changed, this.#dynamic[DYNAMIC_BROKER]] : [this.#dynamic[DYNAMIC_DEFAULT], changed];
    try {
      checkTogether({ ...this.#settings.given, ...heeded(defaults), ...heeded(own) }, this.#settings.logDirs);
      return undefined;
    } catch (error) {
      if (error instanceof KafkaError) return error.message;
      throw error;
    }
  }

  /** Without values that cannot be taken. */
  #usable(values: ReadonlyMap<string, string>): Values {
    return Object.fromEntries([...values].filter(([name, value]) => this.#isGood(name, value)));
  }

  #tellIdle(): void {
    const names = [...this.dynamicNames(DYNAMIC_DEFAULT), ...this.dynamicNames(DYNAMIC_BROKER)];
    const idle = [...new Set(names)].filter((name) => !isHeeded(name) && !this.#told.has(name));
    for (const name of idle) this.#told.add(name);
    if (idle.length === 0) return;
    this.#logger.warn({ keys: idle }, `Dynamic broker configs without effect here: ${idle.sort().join(', ')}`);
  }

  /** Whoever wrote it may know other values. */
  #isGood(name: string, value: unknown): boolean {
    const row = brokerKeyOf(name);
    if (row === undefined) return true;
    try {
      parseConfigValue(name, row.key, value);
      return true;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      if (!this.#told.has(name)) {
        this.#told.add(name);
        this.#logger.warn({ key: name }, `A dynamic broker config cannot be used: ${errorText(error)}`);
      }
      return false;
    }
  }
}

function heeded(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([name]) => isHeeded(name)));
}

/** Whether a value that is set while the broker runs changes anything. */
function isHeeded(name: string): boolean {
  const mode = dynamicMode(name);
  return mode === 'cluster-wide' || mode === 'per-broker';
}

/** @throws KafkaError INVALID_CONFIG when the values cannot stand together */
function checkTogether(values: Values, logDirs: LogDirs): void {
  const { config } = parseConfig(brokerConfigTable, values);
  cordonedPaths(config['cordoned.log.dirs'], logDirs);
  connectionLimits(config, values, []);
  const defaults = topicConfig({}, values);
  for (const [name, value] of Object.entries(defaults)) {
    const refusal = refusedTopicConfig(name, value);
    if (refusal !== undefined) throw new KafkaError('INVALID_CONFIG', `${name}: ${value} is not allowed: ${refusal}`);
  }
  const conflict = topicConfigConflict(defaults);
  if (conflict !== undefined) throw new KafkaError('INVALID_CONFIG', conflict);
}
