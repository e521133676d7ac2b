/**
 * Where settings come from: named sources, each a set of properties that know their origin. A value is text or a list of texts; the
 * reader converts. Lists given as `key[0]`, `key[1]` are put together here, per source, because the highest source replaces a whole list.
 */
import { environmentSpellings, nameOfEnvironmentVariable, uniformName } from './property-name.ts';

export interface Origin {
  /** The source's name, such as "command line" or the path of a file. */
  source: string;
  file?: string;
  /** From 1. */
  line?: number;
  column?: number;
}

export interface Property {
  /** As its author spelled it, dotted. */
  name: string;
  value: string | readonly string[];
  origin: Origin;
}

export interface PropertySource {
  readonly name: string;
  find(name: string): Property | undefined;
  properties(): Iterable<Property>;
}

/** `application.yaml:14`, `environment variable X`, `command line --x`. Never the value, which may be a secret. */
export function originText(origin: Origin): string {
  if (origin.file === undefined) return origin.source;
  return origin.line === undefined ? origin.file : `${origin.file}:${origin.line}`;
}

/** Properties by uniform name; of two spellings of one key the later stands. */
export class MapPropertySource implements PropertySource {
  readonly name: string;
  readonly #byName = new Map<string, Property>();

  constructor(name: string, properties: Iterable<Property>) {
    this.name = name;
    for (const property of gatherLists(properties)) this.#byName.set(uniformName(property.name), property);
  }

  find(name: string): Property | undefined {
    return this.#byName.get(uniformName(name));
  }

  properties(): Iterable<Property> {
    return this.#byName.values();
  }
}

/** A record of settings from code: texts, numbers, booleans and lists of them; undefined and null are left out. */
export function recordSource(name: string, record: Readonly<Record<string, unknown>>): MapPropertySource {
  const properties: Property[] = [];
  for (const [key, value] of Object.entries(record)) {
    if (value === undefined || value === null) continue;
    if (typeof value === 'object' && !Array.isArray(value)) {
      for (const inner of recordSource(name, value as Record<string, unknown>).properties()) {
        properties.push({ ...inner, name: `${key}.${inner.name}` });
      }
      continue;
    }
    const text = Array.isArray(value) ? value.map(String) : String(value);
    properties.push({ name: key, value: text, origin: { source: name } });
  }
  return new MapPropertySource(name, properties);
}

/** The process environment, found by any of the four spellings of a key, or by the variable's own name. */
export class EnvironmentVariableSource implements PropertySource {
  readonly name = 'environment variables';
  readonly #variables: Readonly<Record<string, string | undefined>>;

  constructor(variables: Readonly<Record<string, string | undefined>>) {
    this.#variables = variables;
  }

  find(name: string): Property | undefined {
    for (const spelling of [name, ...environmentSpellings(name)]) {
      if (this.#variables[spelling] !== undefined) return this.#property(name, spelling);
      const first = this.#variables[`${spelling}_0`];
      if (first !== undefined) return this.#indexed(name, spelling);
    }
    return undefined;
  }

  /** Every variable under the dotted name it most plainly means; `Environment` corrects it with the keys it knows. */
  properties(): Property[] {
    const names = Object.keys(this.#variables).filter((v) => this.#variables[v] !== undefined);
    return gatherLists(names.map((variable) => this.#property(nameOfEnvironmentVariable(variable), variable)));
  }

  #indexed(name: string, spelling: string): Property {
    const value: string[] = [];
    for (let index = 0; this.#variables[`${spelling}_${index}`] !== undefined; index++) {
      value.push(this.#variables[`${spelling}_${index}`]!);
    }
    return { name, value, origin: { source: `environment variable ${spelling}_0` } };
  }

  #property(name: string, variable: string): Property {
    return { name, value: this.#variables[variable]!, origin: { source: `environment variable ${variable}` } };
  }
}

/** `--key=value` and `--flag` (an empty value means true); everything else is left to the application. */
export function commandLineSource(args: readonly string[]): MapPropertySource {
  const properties: Property[] = [];
  for (const arg of args) {
    const match = /^--([^=\s]+)(?:=(.*))?$/s.exec(arg);
    if (match === null) continue;
    const [, name, value] = match;
    properties.push({ name, value: value ?? 'true', origin: { source: `command line --${name}` } });
  }
  return new MapPropertySource('command line', properties);
}

function gatherLists(properties: Iterable<Property>): Property[] {
  const plain: Property[] = [];
  const lists = new Map<string, { name: string; origin: Origin; items: string[] }>();
  for (const property of properties) {
    const match = /^(.+)\[(\d+)\]$/.exec(property.name);
    if (match === null || typeof property.value !== 'string') {
      plain.push(property);
      continue;
    }
    const key = uniformName(match[1]);
    const list = lists.get(key) ?? { name: match[1], origin: property.origin, items: [] };
    list.items[Number(match[2])] = property.value;
    lists.set(key, list);
  }
  for (const { name, origin, items } of lists.values())
    plain.push({ name, origin, value: items.filter((i) => i !== undefined) });
  return plain;
}
