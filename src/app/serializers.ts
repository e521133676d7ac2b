/**
 * What templates send when no serializer is chosen: texts as UTF-8, numbers and booleans as their text, bytes as they are, everything
 * else as JSON. A superset of Spring's default (StringSerializer), which refuses all but texts.
 */
import {
  ByteArraySerializer,
  DelegatingByTypeSerializer,
  JsonSerializer,
  type Serializer,
  StringSerializer,
  ToStringSerializer,
} from '#serde';

/** @param config of the producer, for `spring.json.*`. */
export function defaultSerializer(config: Record<string, unknown>, isKey: boolean): Serializer {
  const serializer = new DelegatingByTypeSerializer([
    ['string', new StringSerializer() as Serializer],
    ['number', new ToStringSerializer() as Serializer],
    ['bigint', new ToStringSerializer() as Serializer],
    ['boolean', new ToStringSerializer() as Serializer],
    [Uint8Array, new ByteArraySerializer() as Serializer],
    ['object', new JsonSerializer()],
  ]);
  serializer.configure(config, isKey);
  return serializer;
}
