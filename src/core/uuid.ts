/**
 * Kafka's uuids: 16 bytes on the wire, and 22 characters of url-safe base64 without padding everywhere else (in
 * `meta.properties`, `partition.metadata`, tools and our code). The text form is the only one we pass around.
 */
import { KafkaError } from './kafka-error.ts';

export type Uuid = string;

/** No uuid: Kafka writes it where a topic or directory id is absent. */
export const ZERO_UUID: Uuid = 'AAAAAAAAAAAAAAAAAAAAAA';

/** The topic that is the log of the cluster itself. */
export const CLUSTER_METADATA_TOPIC = '__cluster_metadata';

/** Its id (Kafka's `Uuid.METADATA_TOPIC_ID`, also called `ONE_UUID`). */
export const METADATA_TOPIC_ID: Uuid = 'AAAAAAAAAAAAAAAAAAAAAQ';

/** The 16 bytes from `position` as text. */
export function uuidFromBytes(bytes: Buffer, position = 0): Uuid {
  for (let i = position; i < position + 16; i++) {
    if (bytes[i] !== 0) return bytes.toString('base64url', position, position + 16);
  }
  return ZERO_UUID;
}

/** The 16 bytes of `uuid`; `KafkaError` INVALID_ARGUMENT when it is not a uuid in Kafka's text form. */
export function uuidToBytes(uuid: Uuid): Buffer {
  const bytes = Buffer.from(uuid, 'base64url');
  if (bytes.length !== 16 || uuid.length !== 22) {
    throw new KafkaError('INVALID_ARGUMENT', `"${uuid}" is not a uuid: it must be 22 characters of url-safe base64`);
  }
  return bytes;
}

/** Whether `text` is a uuid in Kafka's text form. */
export function isUuid(text: string): boolean {
  return text.length === 22 && /^[\w-]{21}[AQgw]$/.test(text);
}
