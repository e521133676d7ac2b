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

const UUID_BYTES = 16;
const UUID_CHARS = 22;
/**
 * The same few uuids come again and again, those of topics with every request. The last one with each last byte is remembered, so that
 * most are not made anew, and are the very text that tables are keyed with.
 */
const KNOWN_COUNT = 256;
const knownTexts: Uuid[] = Array.from({ length: KNOWN_COUNT }, () => ZERO_UUID);
const knownBytes = new Uint8Array(KNOWN_COUNT * UUID_BYTES);

/** The 16 bytes from `position` as text. */
export function uuidFromBytes(bytes: Buffer, position = 0): Uuid {
  const slot = bytes[position + UUID_BYTES - 1];
  const known = slot * UUID_BYTES;
  let same = 0;
  while (same < UUID_BYTES && bytes[position + same] === knownBytes[known + same]) same++;
  if (same === UUID_BYTES) return knownTexts[slot];
  const text = bytes.toString('base64url', position, position + UUID_BYTES);
  knownTexts[slot] = text;
  for (let i = 0; i < UUID_BYTES; i++) knownBytes[known + i] = bytes[position + i];
  return text;
}

/** Writes the 16 bytes of `uuid` to `into`, from `at` on; refuses what `uuidToBytes` does. */
export function putUuid(uuid: Uuid, into: Buffer, at: number): void {
  let isWrong = uuid.length === UUID_CHARS ? 0 : NOT_BASE64;
  let to = at;
  for (let i = 0; i < UUID_CHARS - 2; i += 4) {
    const a = sextet(uuid, i);
    const b = sextet(uuid, i + 1);
    const c = sextet(uuid, i + 2);
    const d = sextet(uuid, i + 3);
    isWrong |= a | b | c | d;
    into[to++] = (a << 2) | (b >> 4);
    into[to++] = (b << 4) | (c >> 2);
    into[to++] = (c << 6) | d;
  }
  const a = sextet(uuid, UUID_CHARS - 2);
  const b = sextet(uuid, UUID_CHARS - 1);
  into[to] = (a << 2) | (b >> 4);
  if (((isWrong | a | b) & NOT_BASE64) !== 0) uuidToBytes(uuid).copy(into, at);
}

/** The 16 bytes of `uuid`; `KafkaError` INVALID_ARGUMENT when it is not a uuid in Kafka's text form. */
export function uuidToBytes(uuid: Uuid): Buffer {
  const bytes = Buffer.from(uuid, 'base64url');
  if (bytes.length !== UUID_BYTES || uuid.length !== UUID_CHARS) {
    throw new KafkaError('INVALID_ARGUMENT', `"${uuid}" is not a uuid: it must be 22 characters of url-safe base64`);
  }
  return bytes;
}

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** What `sextet` gives for other characters. */
const NOT_BASE64 = 64;
const sextets = new Uint8Array(128).fill(NOT_BASE64);
for (let value = 0; value < BASE64URL.length; value++) sextets[BASE64URL.charCodeAt(value)] = value;

function sextet(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return code < sextets.length ? sextets[code] : NOT_BASE64;
}

/** Whether `text` is a uuid in Kafka's text form. */
export function isUuid(text: string): boolean {
  return text.length === 22 && /^[\w-]{21}[AQgw]$/.test(text);
}
