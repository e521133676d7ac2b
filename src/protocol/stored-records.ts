/**
 * Framing of the records that Kafka stores in its internal topics.
 *
 *     __consumer_offsets, __transaction_state   key: int16 record type | fields     value: int16 version | fields
 *     __cluster_metadata                        value: uvarint frame version 1 | uvarint type | uvarint version | fields
 *
 * The key of a coordinator record names its type; a null value is a tombstone.
 */
import { ByteReader, ByteWriter, CorruptError } from '#core';
import { decode, encode } from './codec.ts';
import type { Draft, Infer, MessageSchema } from './schema.ts';
import * as stored from './stored/index.ts';

const METADATA_FRAME_VERSION = 1;

/** All declarations of stored records and blobs by name. */
export const storedSchemas: ReadonlyMap<string, MessageSchema> = new Map(
  Object.values<MessageSchema>(stored).map((schema) => [schema.name, schema]),
);

const metadataByType = new Map<number, MessageSchema>();
for (const schema of storedSchemas.values()) {
  if (schema.type === 'metadata' && schema.apiKey !== undefined) metadataByType.set(schema.apiKey, schema);
}

/**
 * The bytes of a stored record in Kafka's framing: a coordinator key (`version` must be 0: its prefix is the record's
 * type), a coordinator value, or a metadata record.
 */
export function encodeStored<S extends MessageSchema>(schema: S, version: number, value: Draft<S>): Buffer {
  const writer = new ByteWriter();
  if (schema.type === 'metadata') {
    writer.unsignedVarint(METADATA_FRAME_VERSION);
    writer.unsignedVarint(schema.apiKey ?? 0);
    writer.unsignedVarint(version);
  } else if (schema.type === 'coordinator-key') {
    writer.int16(schema.apiKey ?? 0);
  } else {
    writer.int16(version);
  }
  encode(schema, version, value, writer);
  return writer.finish();
}

/** Type of a coordinator record, from its key. */
export function coordinatorRecordType(key: Buffer): number {
  return new ByteReader(key).int16();
}

/** Reads a coordinator key or value that `encodeStored` wrote; the framing must be that of `schema`. */
export function decodeStored<S extends MessageSchema>(schema: S, bytes: Buffer): Infer<S> {
  const reader = new ByteReader(bytes);
  if (schema.type === 'metadata') {
    const { schema: found, version } = readMetadataFrame(reader);
    if (found !== schema)
      throw new CorruptError(`metadata record ${found?.name ?? 'of unknown type'}, not ${schema.name}`);
    return decode(schema, version, reader);
  }
  const prefix = reader.int16();
  if (schema.type !== 'coordinator-key') return decode(schema, checkVersion(schema, prefix), reader);
  if (prefix !== schema.apiKey)
    throw new CorruptError(`key of record type ${prefix}, not ${schema.apiKey} (${schema.name})`);
  return decode(schema, schema.versions.min, reader);
}

/** A record of `__cluster_metadata`. */
export interface MetadataEntry {
  /** Name of its declaration, such as `TopicRecord`. */
  readonly name: string;
  readonly version: number;
  readonly body: unknown;
}

/** Reads the value of any record of `__cluster_metadata`; CORRUPT_MESSAGE for types that Kafka 4.4 does not have. */
export function decodeMetadataRecord(bytes: Buffer): MetadataEntry {
  const reader = new ByteReader(bytes);
  const { schema, type, version } = readMetadataFrame(reader);
  if (schema === undefined) throw new CorruptError(`metadata record of unknown type ${type}`);
  return { name: schema.name, version, body: decode(schema, version, reader) };
}

function readMetadataFrame(reader: ByteReader): { schema: MessageSchema | undefined; type: number; version: number } {
  const frameVersion = reader.unsignedVarint();
  if (frameVersion !== METADATA_FRAME_VERSION) throw new CorruptError(`metadata frame of version ${frameVersion}`);
  const type = reader.unsignedVarint();
  const version = reader.unsignedVarint();
  const schema = metadataByType.get(type);
  if (schema !== undefined) checkVersion(schema, version);
  return { schema, type, version };
}

/** A version beyond ours was written by a newer broker: its fields cannot be guessed. */
function checkVersion(schema: MessageSchema, version: number): number {
  const { min, max } = schema.versions;
  if (version >= min && version <= max) return version;
  throw new CorruptError(`${schema.name} of version ${version}; versions ${min} to ${max} can be read`);
}
