/**
 * Encoding and decoding of declared messages. The codec of a (message, version) is made on first use: as generated
 * code where the runtime allows it, from closures where it does not (`--disallow-code-generation-from-strings`).
 * Decoded byte fields and records are slices of the reader's buffer; encoded records are kept by reference.
 */
import { type ByteReader, ByteWriter, CorruptError, KafkaError, ByteReader as Reader } from '#core';
import { closureCodec } from './closure-codec.ts';
import { canGenerateCode, compiledCodec } from './compiled-codec.ts';
import type { Codec, Draft, Infer, MessageSchema } from './schema.ts';
import { includes } from './version-range.ts';

/**
 * Writes `value` in `version`. Fields left out have their default. UNSUPPORTED_VERSION when the message has no such
 * version, or when a field that it lacks is set and may not be dropped; INVALID_REQUEST for values out of range.
 */
export function encode<S extends MessageSchema>(schema: S, version: number, value: Draft<S>, writer: ByteWriter): void {
  codecOf(schema, version).encode(value, writer);
}

/**
 * Reads one message; bytes after it are left alone. Throws a `CorruptError` that names message, version, field and
 * position when the bytes are not one.
 */
export function decode<S extends MessageSchema>(schema: S, version: number, reader: ByteReader): Infer<S> {
  const codec = codecOf(schema, version);
  const { position, end, elementsLeft } = reader;
  try {
    return codec.decode(reader) as Infer<S>;
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error;
    const again = new Reader(reader.buffer, position, end);
    again.elementsLeft = elementsLeft;
    throw diagnosis(schema, version, again) ?? error;
  }
}

export function encodeToBuffer<S extends MessageSchema>(schema: S, version: number, value: Draft<S>): Buffer {
  const writer = new ByteWriter();
  encode(schema, version, value, writer);
  return writer.finish();
}

export function decodeBuffer<S extends MessageSchema>(schema: S, version: number, buffer: Buffer): Infer<S> {
  return decode(schema, version, new Reader(buffer));
}

function codecOf(schema: MessageSchema, version: number): Codec {
  return schema.codecs[version] ?? makeCodec(schema, version);
}

function makeCodec(schema: MessageSchema, version: number): Codec {
  if (!Number.isInteger(version) || !includes(schema.versions, version)) {
    const { min, max } = schema.versions;
    throw new KafkaError('UNSUPPORTED_VERSION', `${schema.name} has no version ${version}, only ${min} to ${max}`, {
      errorCode: 35,
    });
  }
  const codec = canGenerateCode() ? compiledCodec(schema, version) : closureCodec(schema, version);
  schema.codecs[version] = codec;
  return codec;
}

/** Reads the damaged bytes once more with the codec that knows where it is. */
function diagnosis(schema: MessageSchema, version: number, reader: ByteReader): CorruptError | undefined {
  const trail: string[] = [];
  try {
    closureCodec(schema, version).decodeTracked(reader, trail);
    return undefined;
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error;
    const field = trail.join('.').replaceAll('.[', '[');
    const where = error.position === undefined ? {} : { position: error.position };
    return new CorruptError(`${schema.name} v${version}: ${field}: ${error.message}`, { ...where, cause: error });
  }
}
