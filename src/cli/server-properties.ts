/**
 * The settings of `springtide server`: a server.properties file and `--override key=value` over it, each key with its origin. Keys
 * that nobody knows are told with file and line and left out; what is wrong with a value is said by the broker and gets its place here.
 */
import { readFileSync } from 'node:fs';
import { parseProperties, StartupFailure } from '#context';
import { errorText, suggest } from '#core';

export type KnownKeys = {
  has(key: string): boolean;
  /** For suggestions. */
  all: readonly string[];
};

export type ServerProperties = {
  config: Record<string, string>;
  /** `server.properties:12` or `--override`. */
  origins: ReadonlyMap<string, string>;
  /** One text per key that is left out. */
  warnings: string[];
};

/** @throws StartupFailure when the file cannot be read or an override has no `=`. */
export function readServerProperties(
  file: string | undefined,
  overrides: readonly string[],
  known: KnownKeys,
): ServerProperties {
  const given = new Map<string, { value: string; origin: string }>();
  if (file !== undefined) {
    for (const { key, value, line } of parseProperties(readText(file)))
      given.set(key, { value: value.trim(), origin: `${file}:${line}` });
  }
  for (const override of overrides) given.set(...parseOverride(override));
  const config: Record<string, string> = {};
  const origins = new Map<string, string>();
  const warnings: string[] = [];
  for (const [key, { value, origin }] of given) {
    origins.set(key, origin);
    if (known.has(key)) config[key] = value;
    else warnings.push(unknownKeyText(key, origin, known.all));
  }
  return { config, origins, warnings };
}

function unknownKeyText(key: string, origin: string, knownKeys: readonly string[]): string {
  const near = suggest(key, knownKeys);
  return `${origin}: unknown key '${key}' is ignored.${near === undefined ? '' : ` Did you mean '${near}'?`}`;
}

function parseOverride(override: string): [string, { value: string; origin: string }] {
  const position = override.indexOf('=');
  if (position > 0) {
    const key = override.slice(0, position).trim();
    return [key, { value: override.slice(position + 1).trim(), origin: '--override' }];
  }
  throw new StartupFailure(`--override ${override} has no value.`, {
    action: 'Write --override key=value, for example --override num.partitions=3.',
  });
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new StartupFailure(`${file} cannot be read: ${errorText(error)}`, {
      action: 'Name a server.properties file that exists, or leave it out: then the defaults hold.',
      cause: error,
    });
  }
}
