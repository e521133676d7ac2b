/**
 * Decoded messages as JSON, as the converters that Apache Kafka generates from its schemas print them: fields in the order of the
 * declaration, those of other versions left out, tagged ones only when they differ from their default, bytes as base64. ◇
 */
import type { MessageSchema } from '#protocol';
import { javaDouble, jsonText } from './java-text.ts';

type FieldSchema = MessageSchema['fields'][number];
type FieldType = FieldSchema['type'];

/** The field `path` of a struct printed in another way than its type says; undefined where the type decides. */
export type FieldText = (name: string, value: unknown) => string | undefined;

/** @param replace is asked for every field, at any depth. */
export function schemaJson(schema: MessageSchema, version: number, value: unknown, replace?: FieldText): string {
  return structJson(schema.fields, version, value as Record<string, unknown>, replace);
}

function structJson(
  fields: readonly FieldSchema[],
  version: number,
  value: Record<string, unknown>,
  replace: FieldText | undefined,
): string {
  const members: string[] = [];
  for (const field of fields) {
    const inner = value[field.name];
    if (!isWithin(field.versions, version) || (isTagged(field, version) && isDefault(field, inner))) continue;
    const text = replace?.(field.name, inner) ?? valueJson(field.type, version, inner, replace);
    members.push(`${jsonText(field.name)}:${text}`);
  }
  return `{${members.join(',')}}`;
}

function valueJson(type: FieldType, version: number, value: unknown, replace: FieldText | undefined): string {
  if (value === null || value === undefined) return 'null';
  switch (type.kind) {
    case 'array':
      return `[${(value as unknown[]).map((element) => valueJson(type.element, version, element, replace)).join(',')}]`;
    case 'struct':
      return structJson(type.fields, version, value as Record<string, unknown>, replace);
    case 'string':
    case 'uuid':
      return jsonText(value as string);
    case 'bytes':
    case 'records':
      return jsonText((value as Buffer).toString('base64'));
    case 'hash64':
      return String(BigInt.asIntN(64, BigInt(`0x${value}`)));
    case 'float64':
      return javaDouble(value as number);
    default:
      return String(value);
  }
}

function isTagged(field: FieldSchema, version: number): boolean {
  return field.tag !== undefined && isWithin(field.tagged, version);
}

function isDefault(field: FieldSchema, value: unknown): boolean {
  if (value === null || field.default === null) return value === field.default;
  switch (field.type.kind) {
    case 'array':
    case 'bytes':
    case 'records':
      return (value as { length: number }).length === 0;
    case 'struct':
      return field.type.fields.every((inner) => isDefault(inner, (value as Record<string, unknown>)[inner.name]));
    default:
      return value === field.default;
  }
}

function isWithin(range: FieldSchema['versions'], version: number): boolean {
  return version >= range.min && version <= range.max;
}
