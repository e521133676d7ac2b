/**
 * Kafka's standard serializers with Kafka's bytes: UTF-8 text, big-endian integers and IEEE floats, UUIDs as text,
 * booleans as one byte. Null (and undefined) is null bytes, a tombstone, for every one of them.
 */
import { DeserializationException, SerializationException } from './errors.ts';
import type { Deserializer, Serializer } from './serializer.ts';

/** A fixed-width or simple format: how to write a value, how to read its bytes, and which sizes are legal. */
interface Format<T> {
  name: string;
  sizeBytes?: number;
  accepts(value: unknown): boolean;
  write(value: T): Buffer;
  read(bytes: Buffer): T;
}

function serializerOf<T>(format: Format<T>): Serializer<T | null> {
  return {
    serialize(topic, value) {
      if (value === null || value === undefined) return null;
      if (format.accepts(value)) return format.write(value);
      throw new SerializationException(
        `${format.name} serializer for ${topic}: got ${describe(value)}. Send that type, or choose another serializer.`,
      );
    },
  };
}

function deserializerOf<T>(format: Format<T>): Deserializer<T | null> {
  return {
    deserialize(topic, bytes) {
      if (bytes === null) return null;
      if (format.sizeBytes !== undefined && bytes.length !== format.sizeBytes) {
        const reason = `${format.name} takes ${format.sizeBytes} bytes, the record has ${bytes.length}`;
        throw new DeserializationException(topic, false, bytes, new Error(reason));
      }
      return format.read(bytes);
    },
  };
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return `${typeof value} ${String(value).slice(0, 40)}`;
  return `an object of class ${value.constructor?.name ?? 'none'}`;
}

function fixed<T>(
  name: string,
  sizeBytes: number,
  accepts: (value: unknown) => boolean,
  write: (value: T, bytes: Buffer) => void,
  read: (bytes: Buffer) => T,
): Format<T> {
  return {
    name,
    sizeBytes,
    accepts,
    read,
    write(value) {
      const bytes = Buffer.allocUnsafe(sizeBytes);
      write(value, bytes);
      return bytes;
    },
  };
}

const within = (bits: number) => (value: unknown) =>
  Number.isInteger(value) && (value as number) >= -(2 ** (bits - 1)) && (value as number) < 2 ** (bits - 1);
const isLong = (value: unknown) =>
  Number.isSafeInteger(value) || (typeof value === 'bigint' && BigInt.asIntN(64, value) === value);
const isNumber = (value: unknown) => typeof value === 'number';
const UUID_TEXT = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const string: Format<string> = {
  name: 'string',
  accepts: (value) => typeof value === 'string',
  write: (value) => Buffer.from(value, 'utf8'),
  read: (bytes) => bytes.toString('utf8'),
};
const bytes: Format<Uint8Array> = {
  name: 'bytes',
  accepts: (value) => value instanceof Uint8Array,
  write: (value) => (Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength)),
  read: (value) => Buffer.from(value),
};
const short = fixed<number>(
  'short',
  2,
  within(16),
  (n, b) => b.writeInt16BE(n),
  (b) => b.readInt16BE(),
);
const int = fixed<number>(
  'int',
  4,
  within(32),
  (n, b) => b.writeInt32BE(n),
  (b) => b.readInt32BE(),
);
const long = fixed<number | bigint>('long', 8, isLong, (n, b) => b.writeBigInt64BE(BigInt(n)), safeLong);
const bigint = fixed<number | bigint>(
  'bigint',
  8,
  isLong,
  (n, b) => b.writeBigInt64BE(BigInt(n)),
  (b) => b.readBigInt64BE(),
);
const float = fixed<number>(
  'float',
  4,
  isNumber,
  (n, b) => b.writeFloatBE(n),
  (b) => b.readFloatBE(),
);
const double = fixed<number>(
  'double',
  8,
  isNumber,
  (n, b) => b.writeDoubleBE(n),
  (b) => b.readDoubleBE(),
);
const boolean = fixed<boolean>(
  'boolean',
  1,
  (v) => typeof v === 'boolean',
  (v, b) => b.writeUInt8(v ? 1 : 0),
  oneOrZero,
);
const uuid: Format<string> = {
  name: 'uuid',
  accepts: (value) => typeof value === 'string' && UUID_TEXT.test(value),
  write: (value) => Buffer.from(value, 'utf8'),
  read: (value) => checkedUuid(value.toString('utf8')),
};

/** A number would lose digits beyond 2^53: that is refused, never rounded. */
function safeLong(value: Buffer): number {
  const wide = value.readBigInt64BE();
  if (Number.isSafeInteger(Number(wide))) return Number(wide);
  throw new Error(`${wide} does not fit a JavaScript number exactly; use the deserializer 'bigint'`);
}

function oneOrZero(value: Buffer): boolean {
  if (value[0] > 1) throw new Error(`a boolean is the byte 0 or 1, not ${value[0]}`);
  return value[0] === 1;
}

function checkedUuid(text: string): string {
  if (UUID_TEXT.test(text)) return text;
  throw new Error(`not a UUID: ${text.slice(0, 60)}`);
}

/** Makes classes (users write `new StringSerializer()`) out of the formats above. */
function serializerClass<T>(format: Format<T>): new () => Serializer<T | null> {
  return class {
    serialize = serializerOf(format).serialize;
  };
}

function deserializerClass<T, R = T>(format: Format<T>): new () => Deserializer<R> {
  return class {
    deserialize = deserializerOf(format).deserialize as Deserializer<R>['deserialize'];
  };
}

export const StringSerializer = serializerClass(string);
export const StringDeserializer = deserializerClass<string>(string);
/** Sends the given bytes without copying them: leave them untouched until the send is answered. */
export const ByteArraySerializer = serializerClass(bytes);
/** Hands out a copy, so that a small value does not keep a whole fetched buffer alive. */
export const ByteArrayDeserializer = deserializerClass<Uint8Array, Buffer>(bytes);
export const BufferSerializer = ByteArraySerializer;
export const BufferDeserializer = ByteArrayDeserializer;
export const ShortSerializer = serializerClass(short);
export const ShortDeserializer = deserializerClass<number>(short);
export const IntegerSerializer = serializerClass(int);
export const IntegerDeserializer = deserializerClass<number>(int);
/** Takes safe integers and bigints. */
export const LongSerializer = serializerClass(long);
/** Yields numbers; a value beyond ±2^53 is an error, not a rounded number. */
export const LongDeserializer = deserializerClass<number | bigint, number>(long);
export const BigIntSerializer = serializerClass(bigint);
export const BigIntDeserializer = deserializerClass<number | bigint, bigint>(bigint);
export const FloatSerializer = serializerClass(float);
export const FloatDeserializer = deserializerClass<number>(float);
export const DoubleSerializer = serializerClass(double);
export const DoubleDeserializer = deserializerClass<number>(double);
export const BooleanSerializer = serializerClass(boolean);
export const BooleanDeserializer = deserializerClass<boolean>(boolean);
/** A UUID in its 36-character text form. */
export const UUIDSerializer = serializerClass(uuid);
export const UUIDDeserializer = deserializerClass<string>(uuid);

/** For keys or values that are always null. */
export class VoidSerializer implements Serializer<null> {
  serialize(): null {
    return null;
  }
}

export class VoidDeserializer implements Deserializer<null> {
  deserialize(topic: string, bytes: Buffer | null): null {
    if (bytes === null) return null;
    throw new DeserializationException(topic, false, bytes, new Error('expected null, the record has bytes'));
  }
}

/** Text and bytes as they are, everything else by its `toString()`. */
export class ToStringSerializer implements Serializer<unknown> {
  serialize(_topic: string, value: unknown): Buffer | null {
    if (value === null || value === undefined) return null;
    return value instanceof Uint8Array ? bytes.write(value) : Buffer.from(String(value), 'utf8');
  }
}

/** Text or bytes (`StringOrBytesSerializer`); anything else is refused. */
export class StringOrBytesSerializer implements Serializer<string | Uint8Array | null> {
  serialize(topic: string, value: string | Uint8Array | null): Buffer | null {
    if (value === null || value === undefined) return null;
    if (typeof value === 'string') return Buffer.from(value, 'utf8');
    if (value instanceof Uint8Array) return bytes.write(value);
    throw new SerializationException(`string-or-bytes serializer for ${topic}: got ${describe(value)}`);
  }
}
