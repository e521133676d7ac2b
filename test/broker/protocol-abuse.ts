/**
 * What strange and hostile clients send, and what becomes of their connection, here and with Apache Kafka 4.4.0, which was asked. One row
 * each; sent over a real socket and over the pipe.
 */
import { compress } from '#core';
import { type Api, Apis, type Draft, type MessageSchema } from '#protocol';
import { rawBatch } from '../storage/raw-batch.ts';
import { encodedRequest, requestBytes } from './scene.ts';

/** `closed`: without an answer. A number: so many answers, and the connection lives. */
export type Outcome = 'closed' | number;

export interface Abuse {
  readonly what: string;
  readonly bytes: readonly Buffer[];
  readonly ours: Outcome;
  readonly kafka: Outcome;
  /** Why we differ. */
  readonly why?: string;
  /** What the log says. Only of those that are closed. */
  readonly log?: RegExp;
}

/** A request of Metadata or ApiVersions whose body is written down. */
const metadata = (version: number, body: string) => requestBytes(Apis.Metadata.key, version, Buffer.from(body, 'hex'));
/** Of a flexible version: the tag section of the header first. */
const apiVersions3 = (body: string | Buffer) =>
  requestBytes(Apis.ApiVersions.key, 3, Buffer.concat([Buffer.alloc(1), Buffer.from(body as string, 'hex')]));
const hex = (text: string) => Buffer.from(text, 'hex');

/** ApiVersions 3 with name and version "a", and this tag section. */
const tagged = (section: string) => apiVersions3(`02610261${section}`);
const tag = (number: string, content: string) =>
  `${number}${(content.length / 2).toString(16).padStart(2, '0')}${content}`;

function request<Q extends MessageSchema>(api: Api<Q>, version: number, body: Draft<Q>): Buffer {
  return encodedRequest(api, version, body, 1);
}

function closed(what: string, bytes: Buffer | Buffer[], log: RegExp): Abuse {
  return { what, bytes: [bytes].flat(), ours: 'closed', kafka: 'closed', log };
}

function answered(what: string, bytes: Buffer | Buffer[], count = 1): Abuse {
  return { what, bytes: [bytes].flat(), ours: count, kafka: count };
}

/** A batch of one record of zeros, so many bytes. */
export function bomb(codec: 'gzip' | 'snappy' | 'lz4' | 'zstd', bytes: number): Buffer {
  return rawBatch({ codec, section: compress(codec, Buffer.alloc(bytes)) }, Date.UTC(2026, 0, 1));
}

function produce(records: Buffer): Buffer {
  const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }];
  return request(Apis.Produce, 9, { acks: -1, timeoutMs: 1000, topicData });
}

const newTopic = (numPartitions: number) =>
  request(Apis.CreateTopics, 5, {
    topics: [{ name: 'huge', numPartitions, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 1000,
  });

export const abuses: readonly Abuse[] = [
  closed('a negative size', hex('ffffffff'), /negative size/),
  closed('the largest size there is', hex('7fffffff'), /more than the 104857600 bytes allowed/),
  closed('one byte more than socket.request.max.bytes', hex('06400001'), /more than the 104857600 bytes allowed/),
  closed('an empty frame', hex('00000000'), /no room for its header/),
  closed('a header of three bytes', hex('00000003000300'), /no room for its header/),
  closed('an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'), /looks like an HTTP request/),
  closed('an HTTP/2 preface', Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), /looks like an HTTP request/),
  closed('a TLS handshake', hex('16030100c8010000c40303'), /looks like a TLS handshake/),
  closed('an SSH banner', Buffer.from('SSH-2.0-OpenSSH_9.6\r\n'), /more than the 104857600 bytes allowed/),
  closed('an API key that nobody knows', requestBytes(999, 0, Buffer.alloc(0)), /API key 999 is not served/),
  closed('a negative API key', requestBytes(-1, 0, Buffer.alloc(0)), /API key -1 is not served/),
  closed('an API between brokers', requestBytes(4, 0, Buffer.alloc(8)), /API key 4 is not served/),
  closed('Metadata of a version to come', metadata(99, '00'.repeat(8)), /Metadata version 99 is not served/),
  closed('Metadata of a negative version', metadata(-1, '00'.repeat(8)), /Metadata version -1 is not served/),
  closed('Produce before version 3', requestBytes(0, 2, Buffer.alloc(8)), /Produce version 2 is not served/),
  answered('ApiVersions of a version to come', requestBytes(Apis.ApiVersions.key, 99, Buffer.alloc(1))),
  closed('a body that is cut off', metadata(1, '0000'), /\(Metadata version 1\)/),
  answered('bytes behind the body', requestBytes(Apis.ApiVersions.key, 0, hex('deadbeef'))),
  closed('an array of 2³¹−1 elements', metadata(1, '7fffffff'), /array of 2147483647 elements/),
  closed(
    'a compact array of 2³²−2 elements',
    requestBytes(Apis.Metadata.key, 9, hex('00ffffffff0f')),
    /array of \d+ elements/,
  ),
  {
    what: 'an array of −5 elements',
    bytes: [metadata(1, 'fffffffb')],
    ours: 'closed',
    kafka: 1,
    why: 'Kafka takes every negative count for null; but for −1 we take them for damage',
    log: /array of -5 elements/,
  },
  closed(
    'three million array elements of a byte each',
    requestBytes(
      Apis.DescribeGroups.key,
      5,
      Buffer.concat([hex('00c18db701'), Buffer.alloc(3_000_000, 1), Buffer.alloc(2)]),
    ),
    /too many array elements/,
  ),
  closed(
    'an array within an array that claims more than there is',
    requestBytes(Apis.ListOffsets.key, 1, hex('ffffffff000000010001747fffffff')),
    /array of 2147483647 elements/,
  ),
  closed('null where there must be a string', metadata(1, '00000001ffff'), /null where a value must be/),
  closed(
    'null where there must be an array',
    requestBytes(Apis.ListOffsets.key, 1, hex('ffffffffffffffff')),
    /null where a value must be/,
  ),
  closed('a string longer than its request', metadata(1, '000000017fff74'), /string of length 32767/),
  closed('a string of length −2', metadata(1, '00000001fffe'), /string of length -2/),
  closed('a client id longer than its request', [hex('0000000a001200000000000100ff')], /string of length 255/),
  closed('a varint of six bytes', apiVersions3('ffffffffff01'), /varint longer than 5 bytes/),
  closed('a varint of 2³²−1', apiVersions3('ffffffff0f'), /string of length/),
  closed('twenty million tagged fields', tagged('80dac409'), /tagged fields/),
  answered('a thousand tagged fields that nobody knows', tagged(`e807${tag('7f', 'beef').repeat(1000)}`)),
  closed('a tagged field longer than its request', tagged('017f7fbe'), /tagged field of 127 bytes/),
  answered('a tagged field twice that nobody knows', tagged(`02${tag('7f', '01')}${tag('7f', '02')}`)),
  answered('tagged fields out of order', tagged(`02${tag('7f', '01')}${tag('7e', '02')}`)),
  answered('text that is not UTF-8', metadata(1, '000000010002c328')),
  answered('a million partitions for a new topic', newTopic(1_000_000)),
  answered('2³¹−1 partitions for a new topic', newTopic(2 ** 31 - 1)),
  answered(
    'a million partitions for a topic that is there',
    request(Apis.CreatePartitions, 1, {
      topics: [{ name: 't', count: 1_000_000, assignments: null }],
      timeoutMs: 1000,
    }),
  ),
  answered('records that are no batch', produce(Buffer.from('no batch at all'))),
  ...(['gzip', 'snappy', 'lz4', 'zstd'] as const).map((codec) =>
    answered(
      `zeros of 64 MiB, compressed with ${codec}, in the place of a record`,
      produce(bomb(codec, 64 * 1024 * 1024)),
    ),
  ),
];
