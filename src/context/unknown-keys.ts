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

export type UnknownKey = {
  name: string;
  origin: Origin;
  suggestion: string | undefined;
  /** It is a section of known keys that was given a value of its own. */
  isSection?: boolean;
};

/** The unknown keys below each of the prefixes, in the order of their sources, lowest first. */
export function findUnknownKeys(environment: Environment, prefixes: readonly string[], known: KnownKeys): UnknownKey[] {
  const names = new Set(known.keys.map(uniformName));
  const maps = (known.maps ?? []).map((map) => `${uniformName(map)}.`);
  const isKnown = (name: string): boolean => {
    const uniform = uniformName(name).replace(/\[\d+\].*$/, '');
    return names.has(uniform) || maps.some((map) => uniform.startsWith(map) || `${uniform}.` === map);
  };
  const sections = sectionsOf([...known.keys, ...(known.maps ?? []).map((map) => `${map}.*`)]);
  const unknown = prefixes.flatMap((prefix) =>
    environment
      .propertiesUnder(prefix, known.keys)
      .filter((property) => !isKnown(property.name) && !sections.has(uniformName(property.name)))
      .map(({ name, origin }) => ({ name, origin, suggestion: suggestKey(name, known.keys) })),
  );
  return [...filledSections(environment, prefixes, sections), ...unknown];
}

/** A section without anything in it is what a yaml file has where all keys are commented out. */
function filledSections(
  environment: Environment,
  prefixes: readonly string[],
  sections: ReadonlySet<string>,
): UnknownKey[] {
  const roots = new Set(prefixes.map((prefix) => uniformName(prefix).split('.')[0]));
  return environment
    .propertiesUnder('')
    .filter(({ name, value }) => {
      const uniform = uniformName(name);
      return value.length > 0 && sections.has(uniform) && roots.has(uniform.split('.')[0]);
    })
    .map(({ name, origin }) => ({ name, origin, suggestion: undefined, isSection: true }));
}

/** `spring.kafka.bootstrap-servers` → `spring`, `spring.kafka`; in uniform names, and none that is a key itself. */
function sectionsOf(keys: readonly string[]): Set<string> {
  const sections = new Set<string>();
  for (const key of keys.map(uniformName)) {
    for (let end = key.indexOf('.'); end >= 0; end = key.indexOf('.', end + 1)) sections.add(key.slice(0, end));
  }
  for (const key of keys) sections.delete(uniformName(key));
  return sections;
}

export function unknownKeyText(key: UnknownKey): string {
  if (key.isSection === true) {
    return `${originText(key.origin)}: '${key.name}' is a section; its value is ignored. Write the keys of the section below it, indented.`;
  }
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
