/**
 * Encodes a request body after its schema without asking whether it is sane: null where null is not allowed, the largest int64,
 * any bytes as records. Fields that are left out have their default, fields that the version lacks are dropped. A string that begins
 * with `@` is a word that each broker has its own value for, and is looked up.
 */
import { ByteWriter, uuidToBytes } from '#core';
import { type Api, encodeToBuffer, RequestHeader } from '#protocol';
import { defaultValue, planStruct } from '../../../src/protocol/field-plan.ts';
import type { FieldSchema, FieldType } from '../../../src/protocol/schema.ts';

export type Value = null | boolean | number | bigint | string | Buffer | readonly Value[] | Fields | Made;
export interface Fields {
  readonly [name: string]: Value;
}
/** Made anew for each broker, from its words. */
export type Made = (lookUp: LookUp) => Value;
export type LookUp = (word: string) => Value;

/** The frame of a request, size included. */
export function encodeLoosely(api: Api, version: number, correlationId: number, body: Fields, lookUp: LookUp): Buffer {
  const head = { requestApiKey: api.key, requestApiVersion: version, correlationId, clientId: 'differential' };
  const header = encodeToBuffer(RequestHeader, api.isFlexible(version) ? 2 : 1, head);
  const writer = new LooseWriter(version, lookUp);
  writer.struct(api.request.fields, api.isFlexible(version), body);
  const bytes = Buffer.concat([header, writer.finish()]);
  const size = Buffer.alloc(4);
  size.writeInt32BE(bytes.length);
  return Buffer.concat([size, bytes]);
}

class LooseWriter {
  readonly #version: number;
  readonly #lookUp: LookUp;
  readonly #bytes = new ByteWriter();

  constructor(version: number, lookUp: LookUp) {
    this.#version = version;
    this.#lookUp = lookUp;
  }

  finish(): Buffer {
    return this.#bytes.finish();
  }

  struct(fields: readonly FieldSchema[], isFlexible: boolean, value: Fields): void {
    const plan = planStruct(fields, this.#version, isFlexible);
    for (const { field, isCompact, isNullable } of plan.inline) {
      const given = this.#given(field, value);
      if (field.type.kind === 'struct' && isNullable) this.#bytes.int8(given === null ? -1 : 1);
      if (field.type.kind !== 'struct' || given !== null) this.#value(field.type, isCompact, given);
    }
    if (!plan.isFlexible) return;
    const tagged = plan.tagged.filter(({ field }) => value[field.name] !== undefined);
    this.#bytes.unsignedVarint(tagged.length);
    for (const { field, isCompact, isNullable } of tagged) {
      const inner = new LooseWriter(this.#version, this.#lookUp);
      const given = this.#given(field, value);
      if (field.type.kind === 'struct' && isNullable) inner.#bytes.unsignedVarint(given === null ? 0 : 1);
      if (field.type.kind !== 'struct' || given !== null) inner.#value(field.type, isCompact, given);
      const bytes = inner.finish();
      this.#bytes.unsignedVarint(field.tag!);
      this.#bytes.unsignedVarint(bytes.length);
      this.#bytes.bytes(bytes);
    }
  }

  #given(field: FieldSchema, value: Fields): Value {
    const given = value[field.name];
    return given === undefined ? (defaultValue(field) as Value) : this.#resolve(given);
  }

  #resolve(value: Value): Value {
    if (typeof value === 'function') return value(this.#lookUp);
    return typeof value === 'string' && value.startsWith('@') ? this.#lookUp(value) : value;
  }

  #value(type: FieldType, isCompact: boolean, given: Value): void {
    const value = this.#resolve(given);
    switch (type.kind) {
      case 'struct':
        this.struct(type.fields, isCompact, (value ?? {}) as Fields);
        return;
      case 'array':
        this.#length(value as readonly Value[] | null, isCompact, 4);
        for (const element of (value ?? []) as readonly Value[]) this.#value(type.element, isCompact, element);
        return;
      case 'string':
        this.#block(value === null ? null : Buffer.from(value as string), isCompact, 2);
        return;
      case 'bytes':
      case 'records':
        this.#block(value as Buffer | null, isCompact, 4);
        return;
      case 'uuid':
        this.#bytes.bytes(uuidToBytes(value as string));
        return;
      case 'bool':
        this.#bytes.int8(Number(value));
        return;
      default:
        this.#number(type.kind, value as number | bigint);
    }
  }

  #number(kind: string, value: number | bigint): void {
    const bytes = Buffer.alloc(8);
    if (kind === 'float64') bytes.writeDoubleBE(Number(value));
    else bytes.writeBigInt64BE(BigInt(value));
    this.#bytes.bytes(bytes.subarray(8 - NUMBER_BYTES[kind]));
  }

  #block(value: Buffer | null, isCompact: boolean, lengthBytes: 2 | 4): void {
    this.#length(value, isCompact, lengthBytes);
    if (value !== null) this.#bytes.bytes(value);
  }

  #length(value: { readonly length: number } | null, isCompact: boolean, lengthBytes: 2 | 4): void {
    const length = value === null ? -1 : value.length;
    if (isCompact) this.#bytes.unsignedVarint(length + 1);
    else if (lengthBytes === 2) this.#bytes.int16(length);
    else this.#bytes.int32(length);
  }
}

const NUMBER_BYTES: Readonly<Record<string, number>> = {
  int8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  float64: 8,
};
