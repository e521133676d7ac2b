/**
 * Fills every array of every request with the smallest elements that there are, decodes it, and prints what that took of memory: a line
 * each with what it was, bytes of memory for each byte of the request, and for each element. A process of its own, whose heap holds
 * nothing else: garbage is collected hundreds of times.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ByteReader } from '#core';
import { type Api, Apis, decode } from '#protocol';
import { type FieldPlan, planStruct } from '../../../src/protocol/field-plan.ts';
import type { FieldSchema, FieldType } from '../../../src/protocol/schema.ts';
import { integer, uvarint } from '../../fuzz/tree.ts';

const ELEMENTS = 50_000;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

for (const api of Object.values<Api>(Apis)) {
  for (const version of new Set([api.minVersion, api.maxVersion])) {
    const isFlexible = api.isFlexible(version);
    for (const path of arraysOf(api.request.fields, version, isFlexible)) {
      const bytes = struct(api.request.fields, version, isFlexible, path);
      const { taken, remaining } = measure(api, version, bytes);
      if (remaining > 0) throw new Error(`${remaining} bytes were left`);
      console.log(
        JSON.stringify([`${api.name} v${version} ${path.join('.')}`, taken / bytes.length, taken / ELEMENTS]),
      );
    }
  }
}

function measure(api: Api, version: number, bytes: Buffer): { taken: number; remaining: number } {
  // The codec is made by the first one.
  decode(api.request, version, new ByteReader(bytes));
  const reader = new ByteReader(bytes);
  const before = heapBytes();
  const body: unknown = decode(api.request, version, reader);
  const taken = heapBytes() - before;
  return { taken: body === undefined ? 0 : taken, remaining: reader.remaining };
}

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** The names that lead to each array of a message. */
function arraysOf(fields: readonly FieldSchema[], version: number, isFlexible: boolean): string[][] {
  return planStruct(fields, version, isFlexible).inline.flatMap(({ field: { name, type }, isCompact }) => {
    const inner = type.kind === 'array' ? type.element : type;
    const below = inner.kind === 'struct' ? arraysOf(inner.fields, version, isCompact) : [];
    return [...(type.kind === 'array' ? [[name]] : []), ...below.map((path) => [name, ...path])];
  });
}

/** The smallest bytes of a struct in which the array at `path` is full. */
function struct(fields: readonly FieldSchema[], version: number, isFlexible: boolean, path: readonly string[]): Buffer {
  const plan = planStruct(fields, version, isFlexible);
  const parts = plan.inline.map((field) => {
    const isOnPath = path[0] === field.field.name;
    return isOnPath ? full(field, version, path.slice(1)) : smallest(field, version);
  });
  return Buffer.concat([...parts, isFlexible ? Buffer.alloc(1) : Buffer.alloc(0)]);
}

function full({ field: { type }, isCompact, isNullable }: FieldPlan, version: number, rest: readonly string[]): Buffer {
  if (type.kind === 'struct') {
    const body = struct(type.fields, version, isCompact, rest);
    return isNullable ? Buffer.concat([integer(8, 1n), body]) : body;
  }
  const { element } = type as Extract<FieldType, { kind: 'array' }>;
  const count = rest.length === 0 ? ELEMENTS : 1;
  const one = element.kind === 'struct' ? struct(element.fields, version, isCompact, rest) : value(element, isCompact);
  const head = isCompact ? uvarint(count + 1) : integer(32, BigInt(count));
  return Buffer.concat([head, ...Array<Buffer>(count).fill(one)]);
}

function smallest({ field: { type }, isCompact, isNullable }: FieldPlan, version: number): Buffer {
  if (type.kind !== 'struct') return value(type, isCompact);
  return isNullable ? integer(8, -1n) : struct(type.fields, version, isCompact, []);
}

function value(type: FieldType, isCompact: boolean): Buffer {
  switch (type.kind) {
    case 'array':
    case 'bytes':
    case 'records':
      return isCompact ? uvarint(1) : integer(32, 0n);
    case 'string':
      return isCompact ? uvarint(1) : integer(16, 0n);
    case 'bool':
      return Buffer.alloc(1);
    case 'uuid':
      return Buffer.alloc(16);
    case 'struct':
      throw new Error('a struct is no value');
    default:
      return Buffer.alloc(Number(/\d+/.exec(type.kind)![0]) / 8);
  }
}
