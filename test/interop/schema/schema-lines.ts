/**
 * A schema as lines of text, one per field, from Kafka's JSON and from our declarations. Two schemas are the same on the
 * wire when their lines are; a difference reads well in a test report.
 */
import type { MessageSchema } from '#protocol';
import { type FieldSchema, type FieldType, ZERO_HASH } from '../../../src/protocol/schema.ts';
import { parseVersions, type VersionRange } from '../../../src/protocol/version-range.ts';
import type { KafkaField, KafkaSchema } from './jars.ts';

const NONE: VersionRange = { min: 0, max: -1 };
const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA';

export function linesOfKafka(schema: KafkaSchema): string[] {
  const valid = parseVersions(schema.validVersions);
  const structs = new Map((schema.commonStructs ?? []).map((struct) => [struct.name, struct.fields]));
  return [
    headLine(schema, valid, parseVersions(schema.flexibleVersions)),
    ...schema.fields.flatMap((field) => kafkaField(field, '', valid, structs)),
  ];
}

export function linesOfOurs(schema: MessageSchema): string[] {
  return [
    headLine(schema, schema.versions, schema.flexible),
    ...schema.fields.flatMap((field) => ourField(field, '', schema.versions)),
  ];
}

function headLine(
  schema: { type: string; apiKey?: number | undefined; latestVersionUnstable?: boolean },
  valid: VersionRange,
  flexible: VersionRange,
): string {
  const unstable = schema.latestVersionUnstable === true ? ' unstable' : '';
  return `${schema.type} ${schema.apiKey} versions ${text(valid, valid)} flexible ${text(flexible, valid)}${unstable}`;
}

function kafkaField(
  field: KafkaField,
  path: string,
  valid: VersionRange,
  structs: ReadonlyMap<string, readonly KafkaField[]>,
): string[] {
  const name = path + field.name.charAt(0).toLowerCase() + field.name.slice(1);
  const element = field.type.replace(/^\[\]/, '');
  const inner = field.fields ?? structs.get(element);
  const kind = (field.type.startsWith('[]') ? '[]' : '') + (inner === undefined ? element : 'struct');
  const tagged = field.taggedVersions;
  const line = fieldLine(name, kind, valid, {
    versions: parseVersions(field.versions ?? tagged ?? 'none'),
    nullable: parseVersions(field.nullableVersions ?? 'none'),
    tag: field.tag,
    tagged: tagged === undefined ? NONE : parseVersions(tagged),
    ignorable: field.ignorable ?? false,
    flexible: field.flexibleVersions === undefined ? undefined : parseVersions(field.flexibleVersions),
    default: kafkaDefault(field.default, kind),
  });
  return [line, ...(inner ?? []).flatMap((nested) => kafkaField(nested, `${name}.`, valid, structs))];
}

function ourField(field: FieldSchema, path: string, valid: VersionRange): string[] {
  const name = path + field.name;
  const element = field.type.kind === 'array' ? field.type.element : field.type;
  const kind = kindOf(field.type);
  const line = fieldLine(name, kind, valid, { ...field, default: ourDefault(field.default) });
  return [
    line,
    ...(element.kind === 'struct' ? element.fields : []).flatMap((nested) => ourField(nested, `${name}.`, valid)),
  ];
}

/** Kafka calls a hash an int64. */
function kindOf(type: FieldType): string {
  if (type.kind === 'hash64') return 'int64';
  return type.kind === 'array' ? `[]${type.element.kind}` : type.kind;
}

type Rules = Pick<FieldSchema, 'versions' | 'nullable' | 'tag' | 'tagged' | 'ignorable' | 'flexible'> & {
  default: string;
};

function fieldLine(name: string, kind: string, valid: VersionRange, rules: Rules): string {
  const words = [name, kind, 'versions', text(rules.versions, valid), 'default', rules.default];
  words.push('nullable', text(intersection(rules.nullable, rules.versions), valid));
  if (rules.tag !== undefined) words.push('tag', String(rules.tag), 'in', text(rules.tagged, valid));
  if (rules.ignorable) words.push('ignorable');
  if (rules.flexible !== undefined) words.push('flexible', text(rules.flexible, valid));
  return words.join(' ');
}

/** What of `range` lies within the versions that Kafka accepts. */
function text(range: VersionRange, valid: VersionRange): string {
  const { min, max } = intersection(range, valid);
  return max < min ? 'none' : `${min}-${max}`;
}

function intersection(a: VersionRange, b: VersionRange): VersionRange {
  return { min: Math.max(a.min, b.min), max: Math.min(a.max, b.max) };
}

function ourDefault(value: FieldSchema['default']): string {
  if (value === undefined) return 'empty';
  if (value === ZERO_HASH) return '0';
  return value === Number.MAX_SAFE_INTEGER ? '9223372036854775807' : JSON.stringify(value);
}

/** Kafka writes defaults as text, null as "null"; what is left out, or is JSON's null, is implied by the type. */
function kafkaDefault(value: unknown, kind: string): string {
  if (value === 'null' || (value == null && kind === 'records')) return 'null';
  const isStructured = kind.startsWith('[]') || kind === 'struct';
  if (isStructured) return 'empty';
  const given = value == null ? '' : String(value);
  if (kind === 'string' || kind === 'bytes') return JSON.stringify(given);
  if (kind === 'uuid') return JSON.stringify(given === '' ? ZERO_UUID : given);
  if (kind === 'bool') return given === 'true' ? 'true' : 'false';
  return given === '9223372036854775807' ? given : String(Number(given));
}
