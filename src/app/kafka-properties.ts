/**
 * `spring.kafka.*` read from the environment by its table: typed values for the auto-configuration, and one record of Kafka's own
 * keys per client. Precedence as in Spring Boot: common keys, common `properties`, the client's keys, the client's `properties`.
 * Remembers which setting each client key came from, so that a value the client refuses is told with its file and line.
 */
import { type Environment, StartupFailure, toBoolean } from '#context';
import { KafkaError, parseConfigValue } from '#core';
import { type ClientRole, type SpringKey, springKafkaMaps, springKafkaTable } from './spring-kafka-table.ts';

const PREFIX = 'spring.kafka.';

export class KafkaProperties {
  readonly #environment: Environment;
  /** Client key → full names of the settings that set it, lowest first, and what the client is given. */
  readonly #setBy = new Map<string, { setting: string; value: unknown }[]>();

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /**
   * The value of `spring.kafka.<name>`, else its default (null when the table has none).
   * @throws StartupFailure with key, value, file and line, and rule.
   */
  get<T>(name: string): T {
    const row = springKafkaTable[name];
    const raw = this.#environment.get<string | string[]>(PREFIX + name, row.type === 'list' ? 'list' : 'string');
    if (raw === undefined || raw === '') return row.default as T;
    return this.#parse(name, row, raw) as T;
  }

  /** Kafka's configuration of one client. */
  clientConfig(role: ClientRole): Record<string, unknown> {
    const config: Record<string, unknown> = {};
    const isCommon = (name: string): boolean =>
      !/^(consumer|producer|admin|template|listener|streams|retry|jaas)\./.test(name);
    this.#addKeys(config, isCommon);
    this.#addMap(config, 'properties');
    this.#addKeys(config, (name) => name.startsWith(`${role}.`));
    this.#addMap(config, `${role}.properties`);
    if (typeof config['isolation.level'] === 'string')
      config['isolation.level'] = config['isolation.level'].replace('-', '_');
    return config;
  }

  /** Full names of the settings that give any client its bootstrap servers. */
  bootstrapSettings(): string[] {
    for (const role of ['producer', 'consumer', 'admin'] as const) this.clientConfig(role);
    return (this.#setBy.get('bootstrap.servers') ?? []).map(({ setting }) => setting);
  }

  /** Kafka's keys, and Spring's own, with the place where they were written and the value. */
  keyOrigins(): [key: string, origin: string, value: string][] {
    const where = (setting: string): string => this.#environment.originText(setting) ?? 'set by code';
    const clientKeys = [...this.#setBy].flatMap(([key, settings]) =>
      settings
        .toReversed()
        .map(({ setting, value }) => [key, `${where(setting)} (${setting})`, String(value)] as const),
    );
    const springKeys = knownSpringKeys.keys.flatMap((key) => {
      const value = this.#environment.getProperty(key);
      return value === undefined ? [] : [[key, where(key), value] as const];
    });
    return [...clientKeys, ...springKeys].map((row) => [...row]);
  }

  /** Settings that are known but change nothing, with the reason. */
  withoutEffect(): { name: string; reason: string }[] {
    return Object.entries(springKafkaTable).flatMap(([name, row]) => {
      const isSet = row.withoutEffect !== undefined && this.#environment.has(PREFIX + name);
      return isSet ? [{ name: PREFIX + name, reason: row.withoutEffect! }] : [];
    });
  }

  #addKeys(config: Record<string, unknown>, isWanted: (name: string) => boolean): void {
    for (const [name, row] of Object.entries(springKafkaTable)) {
      if (row.client === undefined || row.withoutEffect !== undefined || !isWanted(name)) continue;
      const value = this.get<unknown>(name);
      if (value === null) continue;
      config[row.client] = value;
      this.#remember(row.client, PREFIX + name, value);
    }
  }

  #addMap(config: Record<string, unknown>, name: string): void {
    for (const [key, value] of Object.entries(this.#environment.subtree(PREFIX + name))) {
      config[key] = value;
      this.#remember(key, `${PREFIX}${name}.${key}`, value);
    }
  }

  #remember(clientKey: string, setting: string, value: unknown): void {
    const settings = this.#setBy.get(clientKey) ?? [];
    this.#setBy.set(clientKey, [...settings.filter((other) => other.setting !== setting), { setting, value }]);
  }

  #parse(name: string, row: SpringKey, raw: string | string[]): unknown {
    const isBareNumber = typeof raw === 'string' && /^\d+$/.test(raw.trim());
    const scaled = row.bareNumberMs !== undefined && isBareNumber ? Number(raw) * row.bareNumberMs : raw;
    // Spring's words for true and false, which Kafka does not know.
    const word = row.type === 'boolean' && typeof raw === 'string' ? toBoolean(raw.trim()) : undefined;
    try {
      return parseConfigValue(PREFIX + name, row, typeof word === 'boolean' ? word : scaled);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      throw bindFailure(
        this.#environment,
        PREFIX + name,
        error.message.replace(/^.*? is not allowed: /s, ''),
        row.doc,
        error,
      );
    }
  }
}

/** Every name that may stand under `spring.kafka`. */
export const knownSpringKeys = {
  keys: Object.keys(springKafkaTable).map((name) => PREFIX + name),
  maps: springKafkaMaps.map((name) => PREFIX + name),
};

/** A value that its key refuses, with the place where it was written. */
export function bindFailure(
  environment: Environment,
  setting: string,
  reason: string,
  doc: string,
  cause?: unknown,
): StartupFailure {
  const property = environment.find(setting);
  return new StartupFailure(`Failed to bind '${setting}':`, {
    details: [
      ['Property', setting],
      ['Value', JSON.stringify(property?.value ?? null)],
      ['Origin', environment.originText(setting) ?? 'not set'],
      ['Reason', reason],
      ['Meaning', doc],
    ],
    action: 'Correct the value, or remove the key: its default then holds.',
    cause,
  });
}
