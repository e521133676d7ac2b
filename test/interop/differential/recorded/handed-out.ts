/**
 * Ids that a broker hands out and that clients repeat: found in answers, and exchanged in recorded requests for those that the asked
 * broker handed out in their place. A request without any goes as it was recorded, byte for byte; one that has some is decoded and
 * encoded again, which gives the same bytes but for them.
 */
import { ByteReader, crc32c } from '#core';
import { type Api, decode, decodeRequestHeader, encodeToBuffer } from '#protocol';
import type { Reply } from '../question.ts';

/** `name`: a field at the top of the answer, or `topicId:` with the name of its topic. */
export interface HandedOut {
  readonly name: string;
  readonly value: string;
}

/** The value that the asked broker has for one of a recording, or undefined where it is none that was handed out. */
export type Exchange = (name: string, recorded: string) => string | number | undefined;

const NAMES = ['clusterId', 'memberId', 'producerId', 'sessionId', 'clientInstanceId', 'subscriptionId'];
/** Numbers are only looked up in fields of such a name; what is a string cannot be mistaken. */
const NUMBER = /^(?:v3AndBelow)?(producerId|sessionId|subscriptionId)$/i;
const PRODUCER_ID_POSITION = 43;
const CRC_POSITION = 17;
const CRC_START = 21;
/** A recording is asked request by request, so that nobody writes while a fetch waits. */
const FETCH_WAIT_MS_MAX = 5;
/** No member shall be lost because a machine is slow. */
const MEMBER_TIMEOUT_MS_MIN = 600_000;
const TIMEOUT = /^(session|rebalance)TimeoutMs$/;

export function handedOutIn(reply: Reply): HandedOut[] {
  const own = NAMES.filter((name) => isId(name, reply[name])).map((name) => ({ name, value: String(reply[name]) }));
  return [...own, ...topicIdsIn(reply)];
}

function isId(name: string, value: unknown): boolean {
  if (typeof value === 'number') return value > 0 || (value === 0 && name === 'producerId');
  return typeof value === 'string' && value !== '';
}

function topicIdsIn(value: unknown): HandedOut[] {
  if (Array.isArray(value)) return value.flatMap(topicIdsIn);
  if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) return [];
  const { name, topicId } = value as { name?: unknown; topicId?: unknown };
  if (typeof name === 'string' && typeof topicId === 'string' && !/^A+$/.test(topicId))
    return [{ name: `topicId:${name}`, value: topicId }];
  return Object.values(value).flatMap(topicIdsIn);
}

/** The frame for another broker. @throws where it is encoded in a way that is not ours, so that more than ids would change */
export function exchanged(api: Api, version: number, frame: Buffer, exchange: Exchange): Buffer {
  const { header, body } = parts(api, version, frame);
  const encoded = (changed: unknown) => Buffer.concat([header, encodeToBuffer(api.request, version, changed as never)]);
  const replaced = replace(body, '', exchange);
  if (replaced === body) return frame;
  if (!encoded(body).equals(frame)) throw new Error(`${api.name} ${version} cannot be encoded as it was`);
  return encoded(replaced);
}

export function bodyOf(api: Api, version: number, frame: Buffer): Readonly<Record<string, unknown>> {
  return parts(api, version, frame).body;
}

function parts(api: Api, version: number, frame: Buffer) {
  const reader = new ByteReader(frame);
  decodeRequestHeader(reader);
  const header = frame.subarray(0, reader.position);
  return { header, body: decode(api.request, version, reader) as Readonly<Record<string, unknown>> };
}

/** The same object where nothing is replaced. */
function replace(value: unknown, name: string, exchange: Exchange): unknown {
  if (Buffer.isBuffer(value)) return name === 'records' ? withProducerId(value, exchange) : value;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value);
    const replaced = entries.map(([key, inner]) => replace(inner, Array.isArray(value) ? name : key, exchange));
    if (replaced.every((inner, index) => inner === entries[index][1])) return value;
    return Array.isArray(value) ? replaced : Object.fromEntries(entries.map(([key], at) => [key, replaced[at]]));
  }
  if (typeof value === 'string') return exchange('', value) ?? value;
  if (name === 'maxWaitMs') return Math.min(value as number, FETCH_WAIT_MS_MAX);
  if (TIMEOUT.test(name)) return Math.max(value as number, MEMBER_TIMEOUT_MS_MIN);
  const kind = NUMBER.exec(name)?.[1];
  if (kind === undefined) return value;
  return exchange(`${kind[0].toLowerCase()}${kind.slice(1)}`, String(value)) ?? value;
}

/** Of a produce request there is one batch a partition. */
function withProducerId(batch: Buffer, exchange: Exchange): Buffer {
  if (batch.length < PRODUCER_ID_POSITION + 8) return batch;
  const producerId = exchange('producerId', String(batch.readBigInt64BE(PRODUCER_ID_POSITION)));
  if (producerId === undefined) return batch;
  const changed = Buffer.from(batch);
  changed.writeBigInt64BE(BigInt(producerId), PRODUCER_ID_POSITION);
  changed.writeUInt32BE(crc32c(changed.subarray(CRC_START)), CRC_POSITION);
  return changed;
}
