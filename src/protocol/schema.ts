/**
 * The language in which messages are declared, after Kafka's own schema files. A declaration is a value, from which the
 * codecs are made (`codec.ts`), and a type, which TypeScript infers:
 *
 *     export const HeartbeatRequest = message('HeartbeatRequest',
 *       { apiKey: 12, type: 'request', versions: '0-4', flexibleVersions: '4+' },
 *       { groupId: string(), generationId: int32(), groupInstanceId: string({ versions: '3+', nullable: '3+', default: null }) });
 *     export type HeartbeatRequest = Infer<typeof HeartbeatRequest>;
 *
 * The order of fields is the order on the wire. A field without `versions` exists in all. Without `default` it has
 * Kafka's: 0, false, '', the zero uuid, no bytes, null for records, an empty array, a struct of defaults.
 */

import type { ByteReader, ByteWriter } from '#core';
import { assert, type Uuid, ZERO_UUID } from '#core';
import { NO_VERSION, parseVersions, type VersionRange } from './version-range.ts';

export type PrimitiveKind =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'hash64'
  | 'float64'
  | 'uuid'
  | 'string'
  | 'bytes'
  | 'records';

export interface FieldOptions {
  /** Versions that have the field. Default: all. */
  readonly versions?: string;
  /** Versions that allow null. Default: none. */
  readonly nullable?: string;
  readonly default?: number | boolean | string | null;
  /** Number of the field in the tag section (KIP-482). */
  readonly tag?: number;
  /** Versions in which a field with a `tag` lives in the tag section. Default: all that have the field. */
  readonly tagged?: string;
  /** Whether a value that the version has no field for may be dropped silently instead of being refused. */
  readonly ignorable?: boolean;
  /** Versions with compact encoding, for the one field that differs from its message. */
  readonly flexible?: string;
}

/** A type of value, apart from where it stands: what a field or the element of an array is made of. */
export type FieldType =
  | { readonly kind: PrimitiveKind }
  | { readonly kind: 'array'; readonly element: FieldType }
  | { readonly kind: 'struct'; readonly fields: readonly FieldSchema[] };

export interface FieldSchema {
  readonly name: string;
  readonly type: FieldType;
  readonly versions: VersionRange;
  readonly nullable: VersionRange;
  readonly tag: number | undefined;
  readonly tagged: VersionRange;
  readonly ignorable: boolean;
  /** Compact encoding, where it differs from the message. */
  readonly flexible: VersionRange | undefined;
  /** Explicit or Kafka's implicit one; undefined for arrays and structs, whose default is empty. */
  readonly default: number | boolean | string | null | undefined;
}

/** Carries the inferred types; never exists at run time. */
declare const types: unique symbol;

/** A declared field: `Out` is what decoding gives, `In` what encoding takes. */
export interface Field<Out, In> {
  readonly type: FieldType;
  readonly options: FieldOptions;
  readonly [types]: { out: Out; in: In };
}

export type Fields = Readonly<Record<string, Field<unknown, unknown>>>;

export type InferFields<F extends Fields> = { [K in keyof F]: F[K][typeof types]['out'] };
export type DraftFields<F extends Fields> = { [K in keyof F]?: F[K][typeof types]['in'] };

/** A struct that several fields of a message use: declared once, above the message. */
export interface Struct<F extends Fields> {
  readonly fields: F;
}

export type MessageType =
  | 'request'
  | 'response'
  | 'header'
  | 'data'
  | 'metadata'
  | 'coordinator-key'
  | 'coordinator-value';

export interface MessageOptions {
  /** Number of the API; for stored records the number of the record type. */
  readonly apiKey?: number;
  readonly type: MessageType;
  /** Versions that Kafka 4.4 accepts. */
  readonly versions: string;
  /** Versions with compact encoding and tag sections. */
  readonly flexibleVersions: string;
  /** Whether the highest version is hidden from ApiVersions, because Kafka still changes it. */
  readonly latestVersionUnstable?: boolean;
}

/** Of one version of a message. */
export interface Codec {
  encode(value: unknown, writer: ByteWriter): void;
  decode(reader: ByteReader): unknown;
}

export interface MessageSchema<F extends Fields = Fields> {
  readonly name: string;
  readonly type: MessageType;
  readonly apiKey: number | undefined;
  readonly versions: VersionRange;
  readonly flexible: VersionRange;
  readonly latestVersionUnstable: boolean;
  readonly fields: readonly FieldSchema[];
  /** Made on first use, by version; only `codec.ts` touches it. */
  readonly codecs: (Codec | undefined)[];
  readonly [types]: F;
}

/** What decoding a message gives: every field present, those that the version lacks with their default. */
export type Infer<S extends MessageSchema> = InferFields<S[typeof types]>;

/** What encoding a message takes: every field may be left out and has its default then. */
export type Draft<S extends MessageSchema> = DraftFields<S[typeof types]>;

/** Declares a message. */
export function message<const F extends Fields>(name: string, options: MessageOptions, fields: F): MessageSchema<F> {
  const schema: Omit<MessageSchema<F>, typeof types> = {
    name,
    type: options.type,
    apiKey: options.apiKey,
    versions: parseVersions(options.versions),
    flexible: parseVersions(options.flexibleVersions),
    latestVersionUnstable: options.latestVersionUnstable ?? false,
    fields: fieldList(fields),
    codecs: [],
  };
  return schema as MessageSchema<F>;
}

type NullOf<O> = O extends { nullable: string } ? null : never;
type Scalar<T, O> = Field<T | NullOf<O>, T | NullOf<O>>;
type Declare<T> = <const O extends FieldOptions = {}>(options?: O) => Scalar<T, O>;

export const bool: Declare<boolean> = scalar('bool');
export const int8: Declare<number> = scalar('int8');
export const int16: Declare<number> = scalar('int16');
export const uint16: Declare<number> = scalar('uint16');
export const int32: Declare<number> = scalar('int32');
export const uint32: Declare<number> = scalar('uint32');
/** Saturates at ±`MAX_SAFE_INTEGER` when decoded. */
export const int64: Declare<number> = scalar('int64');
/** An int64 of Kafka that is a hash, so that all of its bits count: 16 hex digits. */
export const hash64: Declare<string> = scalar('hash64');
export const float64: Declare<number> = scalar('float64');
export const uuid: Declare<Uuid> = scalar('uuid');
export const string: Declare<string> = scalar('string');
/** Decodes to a slice of the message's buffer. */
export const bytes: Declare<Buffer> = scalar('bytes');
/**
 * Record batches. Decodes to a slice of the message's buffer; encoding keeps the caller's by reference, also several slices that lie
 * one after the other (as a log reads them).
 */
export const records: <const O extends FieldOptions = {}>(
  options?: O,
) => Field<Buffer | NullOf<O>, Buffer | readonly Buffer[] | NullOf<O>> = (options) =>
  declare({ kind: 'records' }, options);

/** The `hash64` of Kafka's 0. */
export const ZERO_HASH: string = '0'.repeat(16);

/** Java's `Long.MAX_VALUE` as we represent it. */
export const INT64_MAX: number = Number.MAX_SAFE_INTEGER;

/** Declares a struct that is used more than once. */
export function structType<const F extends Fields>(fields: F): Struct<F> {
  return { fields };
}

/** A field that is a struct, from its fields or from a `structType`. */
export function struct<const F extends Fields, const O extends FieldOptions = {}>(
  fields: F | Struct<F>,
  options?: O,
): Field<InferFields<F> | NullOf<O>, DraftFields<F> | NullOf<O>> {
  return declare(structOf(fields), options);
}

/** An array of structs, from their fields or a `structType`; or of primitives: `array(int32())`. */
export function array<Out, In, const O extends FieldOptions = {}>(
  element: Field<Out, In>,
  options?: O,
): Field<Out[] | NullOf<O>, readonly In[] | NullOf<O>>;
export function array<const F extends Fields, const O extends FieldOptions = {}>(
  element: F | Struct<F>,
  options?: O,
): Field<InferFields<F>[] | NullOf<O>, readonly DraftFields<F>[] | NullOf<O>>;
export function array(
  element: Field<unknown, unknown> | Fields | Struct<Fields>,
  options?: FieldOptions,
): Field<never, never> {
  const type = isField(element) ? element.type : structOf(element);
  return declare({ kind: 'array', element: type }, options);
}

function scalar<T>(kind: PrimitiveKind): Declare<T> {
  return (options) => declare({ kind }, options);
}

function declare<Out, In>(type: FieldType, options: FieldOptions | undefined): Field<Out, In> {
  return { type, options: options ?? {} } as Field<Out, In>;
}

function isField(element: Field<unknown, unknown> | Fields | Struct<Fields>): element is Field<unknown, unknown> {
  return 'type' in element && typeof (element.type as { kind?: unknown }).kind === 'string';
}

function structOf(fields: Fields | Struct<Fields>): FieldType {
  const isStruct = 'fields' in fields && !isField(fields.fields as Fields);
  return { kind: 'struct', fields: fieldList(isStruct ? (fields as Struct<Fields>).fields : (fields as Fields)) };
}

function fieldList(fields: Fields): FieldSchema[] {
  return Object.entries(fields).map(([name, { type, options }]) => {
    const tag = options.tag;
    const versions = options.versions ?? '0+';
    assert(tag !== undefined || options.tagged === undefined, `${name} has tagged versions, but no tag`);
    return {
      name,
      type,
      versions: parseVersions(versions),
      nullable: options.nullable === undefined ? NO_VERSION : parseVersions(options.nullable),
      tag,
      tagged: tag === undefined ? NO_VERSION : parseVersions(options.tagged ?? versions),
      ignorable: options.ignorable ?? false,
      flexible: options.flexible === undefined ? undefined : parseVersions(options.flexible),
      default: options.default === undefined ? implicitDefault(type) : options.default,
    };
  });
}

function implicitDefault(type: FieldType): FieldSchema['default'] {
  switch (type.kind) {
    case 'array':
    case 'struct':
      return undefined;
    case 'bool':
      return false;
    case 'string':
    case 'bytes':
      return '';
    case 'uuid':
      return ZERO_UUID;
    case 'hash64':
      return ZERO_HASH;
    case 'records':
      return null;
    default:
      return 0;
  }
}
