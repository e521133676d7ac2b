/**
 * What a struct looks like in one version: which fields stand in line, which in the tag section, which are missing.
 * Both codecs are built from this plan.
 */
import { noBytes } from './codec-primitives.ts';
import type { FieldSchema, FieldType } from './schema.ts';
import { includes } from './version-range.ts';

export interface FieldPlan {
  readonly field: FieldSchema;
  readonly isNullable: boolean;
  readonly isCompact: boolean;
  /** In the tag section a nullable struct begins with uvarint 0 or 1, elsewhere with int8 -1 or 1. */
  readonly isTagged: boolean;
}

export interface StructPlan {
  readonly version: number;
  /** Whether a tag section follows. */
  readonly isFlexible: boolean;
  readonly inline: readonly FieldPlan[];
  /** In ascending order of their tags, as the wire wants it. */
  readonly tagged: readonly FieldPlan[];
  readonly absent: readonly FieldSchema[];
}

export function planStruct(fields: readonly FieldSchema[], version: number, isFlexible: boolean): StructPlan {
  const inline: FieldPlan[] = [];
  const tagged: FieldPlan[] = [];
  const absent: FieldSchema[] = [];
  for (const field of fields) {
    const isTagged = includes(field.tagged, version);
    if (!isTagged && !includes(field.versions, version)) {
      absent.push(field);
      continue;
    }
    const isCompact = field.flexible === undefined ? isFlexible : includes(field.flexible, version);
    const plan = { field, isCompact, isTagged, isNullable: includes(field.nullable, version) };
    if (isTagged) tagged.push(plan);
    else inline.push(plan);
  }
  tagged.sort((a, b) => (a.field.tag ?? 0) - (b.field.tag ?? 0));
  return { version, isFlexible, inline, tagged, absent };
}

/** The value of a field that was not sent. A fresh one where it could be changed. */
export function defaultValue(field: FieldSchema): unknown {
  if (field.default === null) return null;
  switch (field.type.kind) {
    case 'array':
      return [];
    case 'struct':
      return Object.fromEntries(field.type.fields.map((inner) => [inner.name, defaultValue(inner)]));
    case 'bytes':
    case 'records':
      return noBytes();
    default:
      return field.default;
  }
}

/** Whether a value to be encoded is the one that a reader would assume anyway. */
export function isDefault(field: FieldSchema, value: unknown): boolean {
  if (value === undefined) return true;
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

const FIXED_BYTES: Partial<Record<string, number>> = {
  bool: 1,
  int8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  hash64: 8,
  float64: 8,
  uuid: 16,
};

/** The fewest bytes that one element of an array can take; at least one, so that a count is always bounded. */
export function elementBytesMin(type: FieldType, version: number, isFlexible: boolean): number {
  return Math.max(1, bytesMin(type, version, isFlexible));
}

function bytesMin(type: FieldType, version: number, isFlexible: boolean): number {
  if (type.kind !== 'struct') return FIXED_BYTES[type.kind] ?? (isFlexible ? 1 : type.kind === 'string' ? 2 : 4);
  const plan = planStruct(type.fields, version, isFlexible);
  let sum = isFlexible ? 1 : 0;
  for (const { field, isCompact, isNullable } of plan.inline) {
    sum += isNullable && field.type.kind === 'struct' ? 1 : bytesMin(field.type, version, isCompact);
  }
  return sum;
}
