/** The serializers that a producer's configuration names. */
import { KafkaError } from '#core';
import { type Serializer, StringOrBytesSerializer, serializerByName } from '#serde';

/**
 * The serializer under `key.serializer` or `value.serializer`: an object as it is, a class or a name made and configured. Without
 * the key: strings as UTF-8, bytes as they are.
 *
 * @throws KafkaError INVALID_CONFIG
 */
export function serializerOf<T>(
  key: 'key.serializer' | 'value.serializer',
  raw: Record<string, unknown>,
): Serializer<T> {
  const given = raw[key];
  if (isSerializer(given)) return given as Serializer<T>;
  const serializer = made(key, given);
  serializer.configure?.(raw, key === 'key.serializer');
  return serializer as Serializer<T>;
}

function made(key: string, given: unknown): Serializer {
  if (given === undefined || given === null || given === '') return new StringOrBytesSerializer() as Serializer;
  if (typeof given === 'string') return named(key, given);
  if (typeof given === 'function') return new (given as new () => Serializer)();
  throw new KafkaError('INVALID_CONFIG', `${key} must be a name, a class or a serializer, not ${typeof given}`);
}

/** The refusal of an unknown name says under which key it stands. */
function named(key: string, name: string): Serializer {
  try {
    return serializerByName(name);
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    throw new KafkaError('INVALID_CONFIG', `${key}: ${error.message}`);
  }
}

function isSerializer(value: unknown): value is Serializer {
  return typeof value === 'object' && value !== null && typeof (value as Serializer).serialize === 'function';
}
