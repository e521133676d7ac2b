/**
 * Requests made from one that is in order by changing one field, or a few: each field of a version at its default, null, empty, at the
 * ends of its range, and at the values that its name suggests (topics and groups that are there and that are not).
 */
import { METADATA_TOPIC_ID, type Random, ZERO_UUID } from '#core';
import type { Api } from '#protocol';
import type { FieldSchema, FieldType } from '../../../src/protocol/schema.ts';
import { includes } from '../../../src/protocol/version-range.ts';
import type { Fields, Value } from './loose-encoder.ts';

/** A request that is in order, and values to try beside those that every field of such a type gets. */
export interface Lattice {
  readonly api: Api;
  readonly versions?: readonly number[];
  readonly base: Fields | ((version: number) => Fields);
  /** By the name of the field. */
  readonly values?: Readonly<Record<string, readonly Value[]>>;
  /** By the name of the field: values to try instead of those that every field of such a type gets. */
  readonly only?: Readonly<Record<string, readonly Value[]>>;
  /** Names of fields that keep their value. */
  readonly fixed?: readonly string[];
  /** Offsets in replies, by name, that follow from all earlier requests: compared as there or not. */
  readonly running?: readonly string[];
}

export interface Variant {
  readonly change: string;
  readonly body: Fields;
}

type Path = readonly (string | number)[];
interface Change {
  readonly path: Path;
  readonly value: Value;
}

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** Each change alone. The first one changes nothing. */
export function variantsOf(lattice: Lattice, version: number): Variant[] {
  const base = baseOf(lattice, version);
  const changes = changesOf(lattice, version, base);
  return [{ change: 'as usual', body: base }, ...changes.map((change) => variant(base, [change]))];
}

/** Two changes together, `count` times by chance. */
export function pairsOf(lattice: Lattice, version: number, count: number, random: Random): Variant[] {
  const base = baseOf(lattice, version);
  const changes = changesOf(lattice, version, base);
  const pairs: Variant[] = [];
  if (changes.length < 2) return pairs;
  for (let i = 0; i < count; i++) {
    const [first, second] = [random.uint32(), random.uint32()].map((drawn) => changes[drawn % changes.length]);
    if (!isBelow(first.path, second.path) && !isBelow(second.path, first.path))
      pairs.push(variant(base, [first, second]));
  }
  return pairs;
}

function baseOf({ base }: Lattice, version: number): Fields {
  return typeof base === 'function' ? base(version) : base;
}

function variant(base: Fields, changes: readonly Change[]): Variant {
  let body: Value = base;
  for (const { path, value } of changes) body = withValue(body, path, value);
  return {
    change: changes.map(({ path, value }) => `${pathText(path)}=${valueText(value)}`).join(' '),
    body: body as Fields,
  };
}

function changesOf(lattice: Lattice, version: number, base: Fields): Change[] {
  return structChanges(lattice, version, lattice.api.request.fields, base, []);
}

function structChanges(
  lattice: Lattice,
  version: number,
  fields: readonly FieldSchema[],
  value: Fields,
  path: Path,
): Change[] {
  return fields
    .filter(({ versions, tagged }) => includes(versions, version) || includes(tagged, version))
    .filter(({ name }) => !(lattice.fixed ?? []).includes(name))
    .flatMap((field) => {
      const at = [...path, field.name];
      const given = value[field.name];
      const isList = field.type.kind === 'array';
      const named = (lattice.values?.[field.name] ?? []).filter((value) => Array.isArray(value) === isList);
      const own = lattice.only?.[field.name] ?? [...edgeValues(field, given), ...named];
      const changes = own.map((edge): Change => ({ path: at, value: edge }));
      return [...changes, ...innerChanges(lattice, version, field.type, given, at)];
    });
}

function innerChanges(
  lattice: Lattice,
  version: number,
  type: FieldType,
  given: Value | undefined,
  path: Path,
): Change[] {
  if (given === undefined || given === null) return [];
  if (type.kind === 'struct') return structChanges(lattice, version, type.fields, given as Fields, path);
  const first = type.kind === 'array' ? (given as readonly Value[])[0] : undefined;
  if (type.kind !== 'array' || first === undefined) return [];
  if (type.element.kind === 'struct')
    return structChanges(lattice, version, type.element.fields, first as Fields, [...path, 0]);
  const name = path.at(-1) as string;
  const named = (lattice.values?.[name] ?? []).filter((value) => !Array.isArray(value));
  const values = [...scalarEdges(type.element.kind, name), ...named];
  return values.map((value) => ({ path: [...path, 0], value }));
}

/** Null also where it is not allowed. */
function edgeValues({ type, name }: FieldSchema, given: Value | undefined): Value[] {
  switch (type.kind) {
    case 'array':
      return Array.isArray(given) && given.length > 0 ? [null, [], [...given, given[0]]] : [null, []];
    case 'struct':
      return [];
    default:
      return scalarEdges(type.kind, name);
  }
}

function scalarEdges(kind: string, name: string): Value[] {
  switch (kind) {
    case 'bool':
      return [false, true];
    case 'int8':
      return [0, 1, 2, -1, 127, -128];
    case 'int16':
      return [0, 1, -1, -2, 32767, -32768];
    case 'uint16':
      return [0, 65535];
    case 'int32':
      // Whether a few milliseconds are enough is a matter of chance.
      return [0, ...(name === 'timeoutMs' ? [] : [1, 7]), -1, -2, 2147483647, -2147483648];
    case 'int64':
      return [0, 1, -1, -2, INT64_MAX, INT64_MIN];
    case 'float64':
      return [0, -1, Number.NaN, Number.POSITIVE_INFINITY];
    case 'uuid':
      return [ZERO_UUID, METADATA_TOPIC_ID, '@unknown-id'];
    case 'string':
      return ['', null, 'a'.repeat(250), 'bad name!', ...namesFor(name)];
    default:
      return [null, Buffer.alloc(0), Buffer.from('garbage')];
  }
}

function namesFor(name: string): Value[] {
  return /^(name|topic|topicName)$/.test(name) ? ['@fresh', '.', '__consumer_offsets'] : ['nobody'];
}

function isBelow(path: Path, other: Path): boolean {
  return path.length <= other.length && path.every((part, index) => part === other[index]);
}

function withValue(body: Value, [part, ...rest]: Path, value: Value): Value {
  const changed = (inner: Value) => (rest.length === 0 ? value : withValue(inner, rest, value));
  if (Array.isArray(body)) return body.map((element: Value, index) => (index === part ? changed(element) : element));
  const fields = body as Fields;
  return { ...fields, [part]: changed(fields[part]) };
}

function pathText(path: Path): string {
  return path
    .map((part) => (typeof part === 'number' ? '[]' : `.${part}`))
    .join('')
    .slice(1);
}

function valueText(value: Value): string {
  if (Buffer.isBuffer(value)) return `<${value.length} bytes>`;
  if (typeof value === 'function') return value.name || '<made>';
  if (typeof value === 'string' && value.length > 40) return `'${value[0]}'×${value.length}`;
  if (Array.isArray(value))
    return value.length === 0
      ? '[]'
      : value.length > 1 && value[0] === value.at(-1)
        ? '[one twice]'
        : shortened(JSON.stringify(value));
  if (value !== null && typeof value === 'object') return JSON.stringify(value);
  return typeof value === 'string' ? `'${value}'` : String(value);
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
