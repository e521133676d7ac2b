/** What the tests of protocol/ share: all schemas, values made at random from a schema, and batches made at random. */
import { type Random, type Uuid, ZERO_UUID } from '#core';
import { Apis, type MessageSchema, RequestHeader, ResponseHeader, storedSchemas } from '#protocol';
import type { FieldSchema, FieldType, PrimitiveKind } from '../../src/protocol/schema.ts';
import { includes } from '../../src/protocol/version-range.ts';

export const allSchemas: MessageSchema[] = [
  ...Object.values(Apis).flatMap((api): MessageSchema[] => [api.request, api.response]),
  RequestHeader,
  ResponseHeader,
  ...storedSchemas.values(),
];

export function versionsOf(schema: MessageSchema): number[] {
  const { min, max } = schema.versions;
  return Array.from({ length: max - min + 1 }, (_, index) => min + index);
}

/** A value of `schema` in which everything that `version` has is set to something, and nothing else is. */
export function randomMessage(random: Random, schema: MessageSchema, version: number): Record<string, unknown> {
  return randomStruct(random, schema.fields, version);
}

function randomStruct(random: Random, fields: readonly FieldSchema[], version: number): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const field of fields) {
    const isThere = includes(field.versions, version) || includes(field.tagged, version);
    if (!isThere || random.uint32() % 8 === 0) value[field.name] = defaultOf(field);
    else value[field.name] = randomField(random, field, version);
  }
  return value;
}

function defaultOf(field: FieldSchema): unknown {
  if (field.default === null) return null;
  if (field.type.kind === 'array') return [];
  if (field.type.kind === 'bytes' || field.type.kind === 'records') return Buffer.alloc(0);
  if (field.type.kind !== 'struct') return field.default;
  return Object.fromEntries(field.type.fields.map((inner) => [inner.name, defaultOf(inner)]));
}

function randomField(random: Random, field: FieldSchema, version: number): unknown {
  if (includes(field.nullable, version) && random.uint32() % 4 === 0) return null;
  return randomValue(random, field.type, version);
}

function randomValue(random: Random, type: FieldType, version: number): unknown {
  if (type.kind === 'struct') return randomStruct(random, type.fields, version);
  if (type.kind !== 'array') return randomPrimitive(random, type.kind);
  return Array.from({ length: random.uint32() % 4 }, () => randomValue(random, type.element, version));
}

const TEXTS = ['', 'a', 'orders', 'größer als ASCII', '😀', 'x'.repeat(24), 'y'.repeat(25), 'z'.repeat(300)];

function randomPrimitive(random: Random, kind: PrimitiveKind): unknown {
  switch (kind) {
    case 'bool':
      return random.uint32() % 2 === 0;
    case 'int8':
      return edge(random, [-128, -1, 0, 1, 127], (random.uint32() << 24) >> 24);
    case 'int16':
      return edge(random, [-32768, -1, 0, 1, 32767], (random.uint32() << 16) >> 16);
    case 'uint16':
      return edge(random, [0, 1, 32768, 65535], random.uint32() & 65535);
    case 'int32':
      return edge(random, [-2147483648, -1, 0, 1, 2147483647], random.uint32() | 0);
    case 'uint32':
      return edge(random, [0, 1, 2147483648, 4294967295], random.uint32());
    case 'int64':
      return edge(random, [-1, 0, 2 ** 32, -(2 ** 32), 2 ** 53 - 2, 2 - 2 ** 53], Math.floor(random.float() * 2 ** 50));
    case 'hash64':
      return edge(random, ['0'.repeat(16), 'f'.repeat(16)], random.bytes(8).toString('hex'));
    case 'float64':
      return edge(random, [0, -1.5, Number.MAX_VALUE], random.float());
    case 'uuid':
      return edge<Uuid>(random, [ZERO_UUID], random.uuid());
    case 'string':
      return TEXTS[random.uint32() % TEXTS.length];
    default:
      return random.bytes(edge(random, [0, 1, 2000], random.uint32() % 50));
  }
}

/** Half of the values come from the edges of the type. */
function edge<T>(random: Random, edges: readonly T[], other: T): T {
  return random.uint32() % 2 === 0 ? edges[random.uint32() % edges.length] : other;
}
