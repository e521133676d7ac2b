/**
 * (De)serializers by the names that yaml and properties files use: short names, Kafka's and Spring's Java class names, and
 * their simple names. The table is the one place where a name is known; an unknown name is answered with the nearest one.
 */
import { KafkaError, suggest } from '#core';
import { ErrorHandlingDeserializer } from './error-handling-deserializer.ts';
import { JsonDeserializer, JsonSerializer } from './json.ts';
import type { Deserializer, Serializer } from './serializer.ts';
import * as standard from './standard.ts';

interface Row {
  /** Java's simple name without `Serializer`/`Deserializer`. */
  java: string[];
  serializer?: () => Serializer;
  deserializer?: () => Deserializer;
}

const KAFKA = 'org.apache.kafka.common.serialization.';
const SPRING = 'org.springframework.kafka.support.serializer.';

const asSerializer = (type: new () => unknown) => () => new type() as Serializer;
const asDeserializer = (type: new () => unknown) => () => new type() as Deserializer;
const pair = (java: string[], serializer: new () => unknown, deserializer: new () => unknown): Row => ({
  java,
  serializer: asSerializer(serializer),
  deserializer: asDeserializer(deserializer),
});

const rows: Record<string, Row> = {
  string: pair(['String'], standard.StringSerializer, standard.StringDeserializer),
  json: pair(['Json', 'JacksonJson'], JsonSerializer, JsonDeserializer),
  bytes: pair(['ByteArray', 'Bytes', 'ByteBuffer'], standard.ByteArraySerializer, standard.ByteArrayDeserializer),
  buffer: pair(['Buffer'], standard.BufferSerializer, standard.BufferDeserializer),
  short: pair(['Short'], standard.ShortSerializer, standard.ShortDeserializer),
  int: pair(['Integer'], standard.IntegerSerializer, standard.IntegerDeserializer),
  long: pair(['Long'], standard.LongSerializer, standard.LongDeserializer),
  bigint: pair(['BigInt'], standard.BigIntSerializer, standard.BigIntDeserializer),
  float: pair(['Float'], standard.FloatSerializer, standard.FloatDeserializer),
  double: pair(['Double'], standard.DoubleSerializer, standard.DoubleDeserializer),
  boolean: pair(['Boolean'], standard.BooleanSerializer, standard.BooleanDeserializer),
  uuid: pair(['UUID'], standard.UUIDSerializer, standard.UUIDDeserializer),
  void: pair(['Void'], standard.VoidSerializer, standard.VoidDeserializer),
  'to-string': { java: ['ToString'], serializer: asSerializer(standard.ToStringSerializer) },
  'string-or-bytes': { java: ['StringOrBytes'], serializer: asSerializer(standard.StringOrBytesSerializer) },
  'error-handling': {
    java: ['ErrorHandling'],
    deserializer: () => new ErrorHandlingDeserializer(undefined, { find: deserializerByName }) as Deserializer,
  },
};

/** Every short name, for help texts. */
export const serializerNames: readonly string[] = Object.keys(rows).filter(
  (name) => rows[name].serializer !== undefined,
);

/** A fresh, unconfigured serializer. @throws KafkaError INVALID_CONFIG with the nearest known name. */
export function serializerByName(name: string): Serializer {
  const make = find(name, 'Serializer')?.serializer;
  if (make !== undefined) return make();
  throw unknown('serializer', name);
}

/** A fresh, unconfigured deserializer. @throws KafkaError INVALID_CONFIG with the nearest known name. */
export function deserializerByName(name: string): Deserializer {
  const make = find(name, 'Deserializer')?.deserializer;
  if (make !== undefined) return make();
  throw unknown('deserializer', name);
}

function find(name: string, suffix: 'Serializer' | 'Deserializer'): Row | undefined {
  const short = rows[name.toLowerCase()];
  if (short !== undefined) return short;
  let simple = name;
  if (name.startsWith(KAFKA)) simple = name.slice(KAFKA.length);
  else if (name.startsWith(SPRING)) simple = name.slice(SPRING.length);
  if (!simple.endsWith(suffix)) return undefined;
  const stem = simple.slice(0, -suffix.length);
  return Object.values(rows).find((row) => row.java.includes(stem));
}

function unknown(kind: 'serializer' | 'deserializer', name: string): KafkaError {
  const known = Object.keys(rows).filter((key) => rows[key][kind] !== undefined);
  const near = suggest(
    name
      .replace(/^.*\./, '')
      .replace(/(De)?[sS]erializer$/, '')
      .toLowerCase(),
    known,
  );
  const hint =
    near === undefined ? `Known names: ${known.join(', ')}` : `Did you mean '${near}'? Known: ${known.join(', ')}`;
  const text = `unknown ${kind} '${name}'. ${hint}; or hand in an object with ${kind === 'serializer' ? 'serialize' : 'deserialize'}().`;
  return new KafkaError('INVALID_CONFIG', text);
}
