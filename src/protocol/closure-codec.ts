/**
 * Codecs put together from closures. They run where code generation is disallowed, they say in which field damaged
 * bytes went wrong, and in tests they are the oracle for the compiled ones.
 */
import { type ByteReader, type ByteWriter, type Uuid } from '#core';
import * as primitives from './codec-primitives.ts';
import { defaultValue, elementBytesMin, type FieldPlan, isDefault, planStruct, type StructPlan } from './field-plan.ts';
import type { Codec, FieldSchema, FieldType, MessageSchema, PrimitiveKind } from './schema.ts';
import { includes } from './version-range.ts';

type Write = (writer: ByteWriter, value: unknown) => void;
/** `trail` holds the names of the fields that are being read. */
type Read = (reader: ByteReader, trail: string[]) => unknown;
type StructValue = Record<string, unknown>;

export interface ClosureCodec extends Codec {
  /** Reads like `decode`; when that throws, `trail` is left at the field. */
  decodeTracked(reader: ByteReader, trail: string[]): unknown;
}

export function closureCodec(schema: MessageSchema, version: number): ClosureCodec {
  const plan = planStruct(schema.fields, version, includes(schema.flexible, version));
  const write = structWriter(plan, schema.name);
  const read = structReader(plan, schema.fields);
  return {
    encode: (value, writer) => write(writer, value),
    decode: (reader) => read(reader, []),
    decodeTracked: read,
  };
}

function structWriter(plan: StructPlan, where: string): Write {
  const inline = plan.inline.map((field) => ({ field: field.field, write: fieldWriter(field, plan, where) }));
  const tagged = plan.tagged.map((field) => ({ field: field.field, write: fieldWriter(field, plan, where) }));
  const guarded = plan.absent.filter((field) => !field.ignorable);
  return (writer, value) => {
    const struct = value as StructValue;
    for (const field of guarded) {
      if (!isDefault(field, struct[field.name])) primitives.unsupportedField(`${where}.${field.name}`, plan.version);
    }
    for (const { field, write } of inline) write(writer, struct[field.name]);
    if (!plan.isFlexible) return;
    const present = tagged.filter(({ field }) => !isDefault(field, struct[field.name]));
    writer.unsignedVarint(present.length);
    for (const { field, write } of present) {
      primitives.writeTagged(writer, field.tag ?? 0, (content) => write(content, struct[field.name]));
    }
  };
}

/** Puts the default in place of undefined and deals with null. */
function fieldWriter(plan: FieldPlan, struct: StructPlan, where: string): Write {
  const { field, isNullable, isCompact, isTagged } = plan;
  const name = `${where}.${field.name}`;
  const fallback = defaultValue(field);
  const write = typeWriter(field.type, struct.version, isCompact, name);
  const isStruct = field.type.kind === 'struct';
  return (writer, given) => {
    const value = given === undefined ? fallback : given;
    if (value === null) {
      if (!isNullable && !isAbsentRecords(field)) primitives.badValue(name, 'a value', value);
      if (isTagged && isStruct) writer.unsignedVarint(0);
      else writeNull(writer, field.type, isCompact);
      return;
    }
    if (isStruct && isNullable) writer.int8(1);
    write(writer, value);
  };
}

/** Kafka's records have null for their default even where the schema does not call them nullable. */
function isAbsentRecords(field: FieldSchema): boolean {
  return field.type.kind === 'records';
}

function writeNull(writer: ByteWriter, type: FieldType, isCompact: boolean): void {
  if (type.kind === 'struct') writer.int8(-1);
  else if (isCompact) writer.unsignedVarint(0);
  else if (type.kind === 'string') writer.int16(-1);
  else writer.int32(-1);
}

function typeWriter(type: FieldType, version: number, isCompact: boolean, name: string): Write {
  switch (type.kind) {
    case 'struct':
      return structWriter(planStruct(type.fields, version, isCompact), name);
    case 'array': {
      const write = typeWriter(type.element, version, isCompact, name);
      return (writer, value) => {
        const elements = value as unknown[];
        primitives.writeCount(writer, isCompact, elements.length);
        for (const element of elements) write(writer, element);
      };
    }
    default:
      return primitiveWriter(type.kind, isCompact, name);
  }
}

const INTEGER_RANGE: Partial<Record<PrimitiveKind, readonly [number, number]>> = {
  int8: [-128, 127],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [-2147483648, 2147483647],
  uint32: [0, 4294967295],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
};

function primitiveWriter(kind: PrimitiveKind, isCompact: boolean, name: string): Write {
  switch (kind) {
    case 'bool':
      return (writer, value) => writer.int8(value ? 1 : 0);
    case 'float64':
      return (writer, value) => writer.float64(value as number);
    case 'uuid':
      return (writer, value) => writer.uuid(value as Uuid);
    case 'hash64':
      return (writer, value) => writer.hash64(value as string);
    case 'string': {
      const write = isCompact ? primitives.writeCompactString : primitives.writeString;
      return (writer, value) => {
        if (typeof value !== 'string') primitives.badValue(name, kind, value);
        write(writer, value);
      };
    }
    case 'bytes': {
      const write = isCompact ? primitives.writeCompactBytes : primitives.writeBytes;
      return (writer, value) => write(writer, value as Buffer);
    }
    case 'records': {
      const write = isCompact ? primitives.writeCompactRecords : primitives.writeRecords;
      return (writer, value) => write(writer, value as Buffer | readonly Buffer[]);
    }
    default: {
      const [min, max] = INTEGER_RANGE[kind]!;
      return (writer, value) => {
        const number = value as number;
        if (!Number.isInteger(number) || number < min || number > max) primitives.badValue(name, kind, value);
        writer[kind](number);
      };
    }
  }
}

function structReader(plan: StructPlan, fields: readonly FieldSchema[]): Read {
  const inline = plan.inline.map((field) => ({ name: field.field.name, read: fieldReader(field, plan.version) }));
  const tagged = new Map(
    plan.tagged.map((field) => [field.field.tag, { name: field.field.name, read: fieldReader(field, plan.version) }]),
  );
  return (reader, trail) => {
    const struct: StructValue = {};
    for (const field of fields) struct[field.name] = defaultValue(field);
    for (const { name, read } of inline) {
      trail.push(name);
      struct[name] = read(reader, trail);
      trail.pop();
    }
    if (plan.isFlexible) readTagSection(reader, trail, struct, tagged);
    return struct;
  };
}

function readTagSection(
  reader: ByteReader,
  trail: string[],
  struct: StructValue,
  tagged: ReadonlyMap<number | undefined, { name: string; read: Read }>,
): void {
  trail.push('tagged fields');
  for (let left = primitives.readTagCount(reader); left > 0; left--) {
    const field = tagged.get(reader.unsignedVarint());
    const tagEnd = primitives.readTagEnd(reader);
    if (field === undefined) {
      reader.position = tagEnd;
      continue;
    }
    trail.push(field.name);
    struct[field.name] = field.read(reader, trail);
    primitives.checkTagEnd(reader, tagEnd);
    trail.pop();
  }
  trail.pop();
}

function fieldReader(plan: FieldPlan, version: number): Read {
  const { field, isNullable, isCompact, isTagged } = plan;
  if (field.type.kind === 'struct') {
    const read = structReader(planStruct(field.type.fields, version, isCompact), field.type.fields);
    if (isTagged && isNullable) return (reader, trail) => (reader.unsignedVarint() === 0 ? null : read(reader, trail));
    return isNullable ? (reader, trail) => (reader.int8() < 0 ? null : read(reader, trail)) : read;
  }
  return typeReader(field.type, version, isCompact, isNullable);
}

function typeReader(type: FieldType, version: number, isCompact: boolean, isNullable: boolean): Read {
  switch (type.kind) {
    case 'struct':
      return structReader(planStruct(type.fields, version, isCompact), type.fields);
    case 'array':
      return arrayReader(type.element, version, isCompact, isNullable);
    default:
      return primitiveReader(type.kind, isCompact, isNullable);
  }
}

function arrayReader(element: FieldType, version: number, isCompact: boolean, isNullable: boolean): Read {
  const read = typeReader(element, version, isCompact, false);
  const bytesMin = elementBytesMin(element, version, isCompact);
  return (reader, trail) => {
    const count = primitives.readCount(reader, isCompact, bytesMin);
    if (count < 0) return isNullable ? null : primitives.unexpectedNull(reader);
    const elements: unknown[] = [];
    for (let i = 0; i < count; i++) {
      trail.push(`[${i}]`);
      elements.push(read(reader, trail));
      trail.pop();
    }
    return elements;
  };
}

function primitiveReader(kind: PrimitiveKind, isCompact: boolean, isNullable: boolean): Read {
  switch (kind) {
    case 'bool':
      return (reader) => reader.int8() !== 0;
    case 'uuid':
      return (reader) => reader.uuid();
    case 'string':
      if (isCompact) return isNullable ? primitives.readCompactNullableString : primitives.readCompactString;
      return isNullable ? primitives.readNullableString : primitives.readString;
    case 'records':
      return isCompact ? primitives.readCompactNullableBytes : primitives.readNullableBytes;
    case 'bytes':
      if (isCompact) return isNullable ? primitives.readCompactNullableBytes : primitives.readCompactBytes;
      return isNullable ? primitives.readNullableBytes : primitives.readBytes;
    default:
      return (reader) => reader[kind]();
  }
}
