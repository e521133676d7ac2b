/**
 * All settings of an application: sources in order (highest first), relaxed names, placeholders, conversions, and where each value came
 * from. Values are resolved at use, so a placeholder sees all sources. Reads nothing by itself: `config-data.ts` does.
 */
import { ConversionProblem, convertValue, toList } from './conversion.ts';
import type { ValueType } from './metadata.ts';
import { resolvePlaceholders, UnresolvedPlaceholder } from './placeholders.ts';
import { nameBelow, squashedName, uniformName } from './property-name.ts';
import {
  EnvironmentVariableSource,
  type Origin,
  originText,
  type Property,
  type PropertySource,
} from './property-source.ts';
import { type FailureDetail, StartupFailure } from './startup-failure.ts';

export type ActiveProfiles = { activeProfiles?: readonly string[]; defaultProfile?: string };

export class Environment {
  readonly #sources: readonly PropertySource[];
  /** Empty when no profile was chosen; then `defaultProfile` stands in. */
  readonly activeProfiles: readonly string[];
  readonly defaultProfile: string | undefined;

  /** @param sources highest first. */
  constructor(sources: readonly PropertySource[] = [], profiles: ActiveProfiles = {}) {
    this.#sources = sources;
    this.activeProfiles = profiles.activeProfiles ?? [];
    this.defaultProfile = profiles.defaultProfile;
  }

  /** Names of the sources, highest first. */
  get sourceNames(): string[] {
    return this.#sources.map((source) => source.name);
  }

  acceptsProfile(profile: string): boolean {
    return this.activeProfiles.includes(profile) || this.defaultProfile === profile;
  }

  /** The property as it stands in the highest source that has it, placeholders unresolved. */
  find(key: string): Property | undefined {
    for (const source of this.#sources) {
      const property = source.find(key) ?? findListItem(source, key);
      if (property !== undefined) return property;
    }
    return undefined;
  }

  /** The key in every source that has it, highest first. */
  findAll(key: string): Property[] {
    return this.#sources.flatMap((source) => source.find(key) ?? []);
  }

  /** The value as text, placeholders resolved, a list as comma text; undefined when no source has the key. */
  getProperty(key: string): string | undefined {
    const property = this.find(key);
    return property === undefined ? undefined : this.#resolve(property.value.toString(), property);
  }

  /** @throws StartupFailure when no source has the key. */
  getRequired(key: string): string {
    const value = this.getProperty(key);
    if (value !== undefined) return value;
    throw new StartupFailure(`The setting '${key}' is required but nobody sets it.`, {
      action: `Set ${key} in application.yaml, in the environment, or by --${key}=...`,
    });
  }

  /**
   * The value converted to `type`. An empty text (a yaml key with nothing behind it) counts as not set, except for strings and lists.
   * @throws StartupFailure with key, value, origin and rule when the text cannot be converted.
   */
  get<T = string>(key: string, type: ValueType = 'string'): T | undefined {
    const property = this.find(key);
    if (property === undefined) return undefined;
    const value =
      typeof property.value === 'string'
        ? this.#resolve(property.value, property)
        : property.value.map((item) => this.#resolve(item, property));
    if (value === '' && type !== 'string' && type !== 'list') return undefined;
    return this.#convert(value, type, property) as T;
  }

  getList(key: string): string[] {
    return this.get<string[]>(key, 'list') ?? [];
  }

  has(key: string): boolean {
    return this.find(key) !== undefined;
  }

  /** Where the value of the key was written. */
  origin(key: string): Origin | undefined {
    return this.find(key)?.origin;
  }

  /** `application.yaml:14`, or undefined when the key is not set. */
  originText(key: string): string | undefined {
    const origin = this.origin(key);
    return origin === undefined ? undefined : originText(origin);
  }

  /** @throws StartupFailure when a placeholder has neither value nor default. */
  resolvePlaceholders(text: string): string {
    return this.#resolve(text, undefined);
  }

  /**
   * Every key below `prefix` with its resolved value (text, or list of texts), named by the part behind the prefix, as its author
   * spelled it. Sources are merged key by key. Environment variables get the spelling of a key that is known otherwise.
   * @param knownKeys full names that environment variables may mean.
   */
  subtree(prefix: string, knownKeys: Iterable<string> = []): Record<string, string | string[]> {
    const result: Record<string, string | string[]> = {};
    for (const { below, property } of this.#propertiesUnder(prefix, knownKeys)) {
      result[below] =
        typeof property.value === 'string'
          ? this.#resolve(property.value, property)
          : property.value.map((item) => this.#resolve(item, property));
    }
    return result;
  }

  /** The properties behind `subtree`, with full names and origins, values unresolved. */
  propertiesUnder(prefix: string, knownKeys: Iterable<string> = []): Property[] {
    return this.#propertiesUnder(prefix, knownKeys).map(({ property }) => property);
  }

  /** Full names of the keys below the prefix. */
  keysUnder(prefix: string): string[] {
    return this.propertiesUnder(prefix).map((property) => property.name);
  }

  /** Converts a value that was written elsewhere (a `@Value`), with its own origin in the failure. */
  convert(text: string, type: ValueType, details: readonly FailureDetail[]): unknown {
    return convertOrFail(text, type, details);
  }

  #propertiesUnder(prefix: string, knownKeys: Iterable<string>): { below: string; property: Property }[] {
    const known = this.#knownBySquashedName(knownKeys);
    const merged = new Map<string, { below: string; property: Property }>();
    for (const source of this.#sources.toReversed()) {
      for (const found of source.properties()) {
        const property =
          source instanceof EnvironmentVariableSource
            ? { ...found, name: known.get(squashedName(found.name)) ?? found.name }
            : found;
        const below = nameBelow(prefix, property.name);
        if (below === undefined) continue;
        const uniform = uniformName(below);
        merged.set(uniform, { below: merged.get(uniform)?.below ?? below, property });
      }
    }
    return [...merged.values()];
  }

  #knownBySquashedName(knownKeys: Iterable<string>): Map<string, string> {
    const known = new Map<string, string>();
    for (const key of knownKeys) known.set(squashedName(key), key);
    for (const source of this.#sources) {
      if (source instanceof EnvironmentVariableSource) continue;
      for (const property of source.properties()) known.set(squashedName(property.name), property.name);
    }
    return known;
  }

  #convert(value: string | readonly string[], type: ValueType, property: Property): unknown {
    return convertOrFail(value, type, [
      ['Property', property.name],
      ['Value', JSON.stringify(value)],
      ['Origin', originText(property.origin)],
    ]);
  }

  #resolve(text: string, property: Property | undefined): string {
    if (!text.includes('${')) return text;
    try {
      return resolvePlaceholders(text, (key) => this.find(key)?.value.toString());
    } catch (error) {
      if (error instanceof UnresolvedPlaceholder) throw placeholderFailure(error, property);
      throw error;
    }
  }
}

function findListItem(source: PropertySource, key: string): Property | undefined {
  const match = /^(.+)\[(\d+)\]$/.exec(key);
  const list = match === null ? undefined : source.find(match[1]);
  if (match === null || list === undefined) return undefined;
  const item = toList(list.value)[Number(match[2])];
  return item === undefined ? undefined : { ...list, name: key, value: item };
}

const TYPE_NAMES: Record<string, string> = { 'duration-ms': 'a duration', bytes: 'a data size', list: 'a list' };

function convertOrFail(value: string | readonly string[], type: ValueType, details: readonly FailureDetail[]): unknown {
  let problem: ConversionProblem;
  try {
    const converted = convertValue(value, type);
    if (!(converted instanceof ConversionProblem)) return converted;
    problem = converted;
  } catch (error) {
    if (typeof type !== 'function') throw error;
    problem = new ConversionProblem((error as Error).message, "Correct the value in your application's configuration.");
  }
  const subject = details.find(([label]) => label === 'Property')?.[1] ?? 'a value';
  const name = typeof type === 'string' ? (TYPE_NAMES[type] ?? `a ${type}`) : 'its type';
  throw new StartupFailure(`Failed to bind '${subject}' to ${name}:`, {
    details: [...details, ['Reason', problem.reason]],
    action: problem.remedy,
  });
}

function placeholderFailure(error: UnresolvedPlaceholder, property: Property | undefined): StartupFailure {
  const { problem } = error;
  const details: FailureDetail[] = [['Placeholder', `\${${problem.key}}`]];
  if (property !== undefined) details.push(['Property', property.name], ['Origin', originText(property.origin)]);
  details.push(['Text', error.text]);
  if (problem.kind === 'circular') {
    return new StartupFailure(`The placeholder '${problem.key}' refers to itself: ${problem.path.join(' → ')}.`, {
      details,
      action: 'Break the circle: give one of these keys a value of its own.',
    });
  }
  return new StartupFailure(`A placeholder asks for '${problem.key}', which is not set.`, {
    details,
    action: `Set ${problem.key}, or write a default: \${${problem.key}:some default}.`,
  });
}
