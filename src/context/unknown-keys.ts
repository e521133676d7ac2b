/**
 * Finds settings that nobody reads. Spring ignores them silently; here each gets a warning with its place and the key that was
 * probably meant. Pure: the known keys come from the tables of their owners.
 */
import { suggest } from '#core';
import type { Environment } from './environment.ts';
import { squashedName, uniformName } from './property-name.ts';
import { type Origin, originText } from './property-source.ts';

export type KnownKeys = {
  /** Full names of settings. */
  keys: readonly string[];
  /** Full names of maps below which every name is allowed. */
  maps?: readonly string[];
};

export type UnknownKey = { name: string; origin: Origin; suggestion: string | undefined };

/** The unknown keys below each of the prefixes, in the order of their sources, lowest first. */
export function findUnknownKeys(environment: Environment, prefixes: readonly string[], known: KnownKeys): UnknownKey[] {
  const names = new Set(known.keys.map(uniformName));
  const maps = (known.maps ?? []).map((map) => `${uniformName(map)}.`);
  const isKnown = (name: string): boolean => {
    const uniform = uniformName(name).replace(/\[\d+\].*$/, '');
    return names.has(uniform) || maps.some((map) => uniform.startsWith(map) || `${uniform}.` === map);
  };
  return prefixes.flatMap((prefix) =>
    environment
      .propertiesUnder(prefix, known.keys)
      .filter((property) => !isKnown(property.name))
      .map(({ name, origin }) => ({ name, origin, suggestion: suggestKey(name, known.keys) })),
  );
}

export function unknownKeyText(key: UnknownKey): string {
  const hint = key.suggestion === undefined ? '' : ` Did you mean '${key.suggestion}'?`;
  return `${originText(key.origin)}: unknown key '${key.name}' is ignored.${hint}`;
}

/** Compares the part behind the common beginning, so that a long prefix does not make every key look alike. */
function suggestKey(name: string, keys: readonly string[]): string | undefined {
  const exact = keys.find((key) => squashedName(key) === squashedName(name));
  if (exact !== undefined) return exact;
  const parent = name.slice(0, name.lastIndexOf('.') + 1);
  const siblings = keys.filter((key) => uniformName(key).startsWith(uniformName(parent)));
  const sibling = suggest(
    name.slice(parent.length),
    siblings.map((key) => key.slice(parent.length)),
  );
  return sibling !== undefined ? parent + sibling : suggest(name, keys);
}
