/**
 * Batches as broken or strange clients send them, and what Apache Kafka 4.4.0 was seen to answer. Two tests hold us to this table: one
 * sends it to a log, the other to Apache Kafka and to our broker at once (`test/interop/malformed-batches.test.ts`), which keeps it true.
 */
import { crc32 } from 'node:zlib';
import { compressFrameSync } from 'lz4-napi';
import { compressSync } from 'snappy';
import { type CompressionCodec, compress, compressionCodecs } from '#core';
import type { Errors } from '#protocol';
import { legacyMessage, type RawBatchFields, rawBatch, rawHeader, rawRecord, rawRecords } from './raw-batch.ts';

type Refused = Exclude<keyof typeof Errors, 'NONE'>;
/** How many records were taken; or the error, and the indices of the records to blame. */
export type Outcome = number | Refused | `${Refused} ${string}`;

export interface BatchCase {
  readonly name: string;
  /** Of the topic. */
  readonly config: Readonly<Record<string, string>>;
  /** Of the produce request, where it matters. */
  readonly version: number | undefined;
  /** @param now what the clock shows */
  batch(now: number): Buffer;
  readonly kafka: Outcome;
  /** What we answer. */
  readonly ours: Outcome;
  /** Why we differ. */
  readonly why: string | undefined;
}

const DIFFERENCES = {
  unexplained: ['INVALID_RECORD', 'Kafka calls an unknown server error what is wrong with the batch'],
  dropped: ['INVALID_RECORD', 'Kafka takes the first batch and drops what is behind it'],
  unreadable: ['INVALID_RECORD', 'Kafka takes what consumers cannot read'],
  futureStamp: ['INVALID_TIMESTAMP 0', 'Kafka believes the stamp of the batch and stores records from the future'],
  unchecked: [
    'INVALID_PRODUCER_EPOCH',
    'Kafka takes idempotent batches without an epoch and without looking at their sequence',
  ],
} as const satisfies Record<string, readonly [Outcome, string]>;

type Fields = RawBatchFields | ((now: number) => RawBatchFields);
type Difference = keyof typeof DIFFERENCES;

interface Options {
  readonly config?: Readonly<Record<string, string>>;
  readonly version?: number;
  readonly but?: Difference;
  /** We take these records. */
  readonly oursTaken?: readonly [number, string];
}

const HOURS = 3_600_000;
const ALL = compressionCodecs;
const COMPRESSED = compressionCodecs.slice(1);

function bytes(name: string, batch: (now: number) => Buffer, kafka: Outcome, options: Options = {}): BatchCase {
  const [ours, why] = options.but === undefined ? (options.oursTaken ?? [kafka, undefined]) : DIFFERENCES[options.but];
  return { name, config: options.config ?? {}, version: options.version, batch, kafka, ours, why };
}

function one(name: string, fields: Fields, kafka: Outcome, options?: Options): BatchCase {
  return bytes(name, (now) => rawBatch(typeof fields === 'function' ? fields(now) : fields, now), kafka, options);
}

function each(name: string, fields: Fields, kafka: Outcome, options?: Options, codecs = ALL): BatchCase[] {
  return codecs.map((codec) => {
    const withCodec = (now: number) => ({ ...(typeof fields === 'function' ? fields(now) : fields), codec });
    return one(`${name}, ${codec}`, withCodec, kafka, options);
  });
}

/** Different outcomes for plain and for compressed batches. */
function split(name: string, fields: Fields, plain: Outcome, compressed: Outcome, but: Difference): BatchCase[] {
  return [...each(name, fields, plain, {}, ['none']), ...each(name, fields, compressed, { but }, COMPRESSED)];
}

function damaged(batch: Buffer, at: number): Buffer {
  const copy = Buffer.from(batch);
  copy[at < 0 ? copy.length + at : at] ^= 0x55;
  return copy;
}

/** The length of what is behind such a batch begins with the last byte of its base timestamp, which is the magic there, too. */
function length14(now: number, lastByteOfTime: number): RawBatchFields {
  return { batchLength: 14, baseTimestamp: now - (now % 256) + lastByteOfTime };
}

const frames: BatchCase[] = [
  bytes('no bytes', () => Buffer.alloc(0), 'INVALID_RECORD'),
  ...[11, 16, 60].map((length) =>
    bytes(`${length} bytes`, (now) => rawBatch({}, now).subarray(0, length), 'INVALID_RECORD'),
  ),
  bytes('a batch that is cut', (now) => rawBatch({}, now).subarray(0, -1), 'INVALID_RECORD'),
  ...[-1, 0, 13, 40].map((length) => one(`batch length ${length}`, { batchLength: length }, 'CORRUPT_MESSAGE')),
  // Behind it is what begins like no batch, and what does.
  one('batch length 14, and a negative one', (now) => length14(now, 0xff), 'CORRUPT_MESSAGE'),
  one('batch length 14, and a large one', (now) => length14(now, 2), 'UNKNOWN_SERVER_ERROR', { but: 'unexplained' }),
  one('batch length 2^31-1', { batchLength: 2 ** 31 - 1 }, 'UNKNOWN_SERVER_ERROR', { but: 'unexplained' }),
  ...[0, 1].map((magic) => one(`magic ${magic}`, { magic }, 'INVALID_RECORD')),
  ...[-1, 3].map((magic) => one(`magic ${magic}`, { magic }, 'CORRUPT_MESSAGE')),
  bytes('a message of format 0', (now) => legacyMessage(0, now, crc32), 'INVALID_RECORD'),
  bytes('a message of format 1', (now) => legacyMessage(1, now, crc32), 'INVALID_RECORD'),
  ...behind('5 zeros', () => Buffer.alloc(5), 1, 'dropped'),
  ...behind('12 zeros', () => Buffer.alloc(12), 'CORRUPT_MESSAGE'),
  ...behind('40 bytes of ones', () => Buffer.alloc(40, 255), 'CORRUPT_MESSAGE'),
  ...behind('a second batch', (now) => rawBatch({}, now), 'INVALID_RECORD'),
  ...behind('a second batch that is cut', (now) => rawBatch({}, now).subarray(0, -1), 1, 'dropped'),
  ...behind('a message of format 1', (now) => legacyMessage(1, now, crc32), 'INVALID_RECORD'),
  one('a base offset', { baseOffset: 5n }, 'INVALID_RECORD'),
  one('a negative base offset', { baseOffset: -1n }, 'INVALID_RECORD'),
  one('a leader epoch', { leaderEpoch: 99 }, 1),
  bytes('a flipped bit in a record', (now) => damaged(rawBatch({}, now), -3), 'CORRUPT_MESSAGE'),
  bytes('a flipped bit in the header', (now) => damaged(rawBatch({}, now), 30), 'CORRUPT_MESSAGE'),
  bytes('a base offset and a flipped bit', (now) => damaged(rawBatch({ baseOffset: 1n }, now), -3), 'INVALID_RECORD'),
];

function behind(what: string, rest: (now: number) => Buffer, kafka: Outcome, but?: Difference): BatchCase[] {
  return [bytes(`${what} behind the batch`, (now) => Buffer.concat([rawBatch({}, now), rest(now)]), kafka, { but })];
}

const producer = { producerId: 7n, producerEpoch: 0, baseSequence: 0 };
const stamped = { 'message.timestamp.type': 'LogAppendTime' };

const headers: BatchCase[] = [
  ...[5, 6, 7].map((codec) =>
    one(`codec ${codec}`, { attributes: codec }, 'UNKNOWN_SERVER_ERROR', { but: 'unexplained' }),
  ),
  ...[-2, -1, 1].map((delta) => one(`last offset delta ${delta}`, { lastOffsetDelta: delta }, 'INVALID_RECORD')),
  ...[-1, 0, 2].map((count) => one(`record count ${count}`, { recordCount: count }, 'INVALID_RECORD')),
  one('no records, and no offsets', { recordCount: 0, lastOffsetDelta: -1 }, 'INVALID_RECORD'),
  one('control records', { attributes: 0x20 }, 'INVALID_RECORD'),
  one('control records of a producer', { ...producer, attributes: 0x20 }, 'INVALID_RECORD'),
  one('a producer without a sequence', { ...producer, baseSequence: -1 }, 'INVALID_RECORD'),
  one('a producer without an epoch', { ...producer, producerEpoch: -1 }, 1, { but: 'unchecked' }),
  one('a producer with a negative epoch', { ...producer, producerId: 8n, producerEpoch: -2 }, 'INVALID_PRODUCER_EPOCH'),
  one('a producer that begins at sequence 7', { ...producer, producerId: 9n, baseSequence: 7 }, 1),
  one('a negative producer id', { ...producer, producerId: -2n }, 1),
  one('an epoch and a sequence without a producer', { producerEpoch: 3, baseSequence: 7 }, 1),
  one('a producer id beyond 2^53', { ...producer, producerId: 2n ** 60n }, 1),
  ...[7, 8, 12, 15].map((bit) => one(`reserved attribute bit ${bit}`, { attributes: 1 << bit }, 1)),
  one('the bit of the delete horizon', { attributes: 0x40 }, 1),
];

const before = { config: { 'message.timestamp.before.max.ms': '1000' } };
const AHEAD = { timestampDelta: 2 * HOURS };

const timestamps: BatchCase[] = [
  ...each(
    'a largest timestamp that is too low',
    (now) => ({ maxTimestamp: now - 5, records: [{}, { timestampDelta: 3 }] }),
    2,
  ),
  ...each('a largest timestamp that is too high', (now) => ({ maxTimestamp: now + 10 ** 12, records: [{}, {}] }), 2),
  one('no largest timestamp', { maxTimestamp: -1 }, 1),
  ...each(
    'a base timestamp ahead, its records not',
    (now) => ({
      baseTimestamp: now + 2 * HOURS,
      maxTimestamp: now,
      records: [{ timestampDelta: -2 * HOURS }],
    }),
    1,
  ),
  ...each('a record ahead', (now) => ({ maxTimestamp: now, records: [{}, AHEAD, {}] }), 'INVALID_TIMESTAMP 1'),
  ...each('two records ahead', { records: [AHEAD, {}, AHEAD] }, 'INVALID_TIMESTAMP 0,2'),
  ...each('an old record', { records: [{}, { timestampDelta: -5000 }, {}] }, 'INVALID_TIMESTAMP 1', before),
  one('a record without a timestamp', { baseTimestamp: -1 }, 1, before),
  one('a record without a timestamp, and one with', { baseTimestamp: -1, records: [{}, { timestampDelta: 1n }] }, 2),
  one('a negative timestamp', { baseTimestamp: -5 }, 1),
  one('a negative timestamp where old ones are refused', { baseTimestamp: -5 }, 'INVALID_TIMESTAMP 0', before),
  one('the smallest timestamp', { baseTimestamp: -(2n ** 63n) }, 'INVALID_TIMESTAMP 0'),
  one('the largest timestamp', { baseTimestamp: 2n ** 63n - 1n }, 'INVALID_TIMESTAMP 0'),
  ...each('the stamp of a broker', { attributes: 8 }, 1),
  one('the stamp of a broker without a time', { attributes: 8, maxTimestamp: -1 }, 'INVALID_TIMESTAMP 0'),
  one(
    'the stamp of a broker ahead',
    (now) => ({ attributes: 8, maxTimestamp: now + 2 * HOURS }),
    'INVALID_TIMESTAMP 0',
  ),
  one(
    'the stamp of a broker, its records ahead',
    (now) => ({ attributes: 8, maxTimestamp: now, records: [AHEAD] }),
    1,
    {
      but: 'futureStamp',
    },
  ),
  ...each('the stamp of a broker, where ours stamps', { attributes: 8, records: [{}, {}] }, 'INVALID_TIMESTAMP 0,1', {
    config: stamped,
  }),
  ...each('a record ahead, where ours stamps', { records: [AHEAD] }, 1, { config: stamped }),
];

const overlong = Buffer.from('ffffffffffffffffffff01', 'hex');

const records: BatchCase[] = [
  ...each('fine records', { records: [{}, { headerCount: 1, headers: rawHeader('h', 'x') }] }, 2),
  ...each('fewer records than announced', { recordCount: 2, lastOffsetDelta: 1 }, 'INVALID_RECORD'),
  ...each('more records than announced', { records: [{}, {}], recordCount: 1, lastOffsetDelta: 0 }, 'INVALID_RECORD'),
  ...each('a million records announced', { recordCount: 1e6, lastOffsetDelta: 1e6 - 1 }, 'INVALID_RECORD'),
  ...each('no bytes of records', { records: Buffer.alloc(0) }, 'INVALID_RECORD'),
  ...each(
    'garbage behind the last record',
    { records: Buffer.concat([rawRecord({}), Buffer.from('hello')]) },
    'INVALID_RECORD',
  ),
  ...split('a record length too long', { records: [{ length: 9 }, {}] }, 'INVALID_RECORD', 2, 'unreadable'),
  ...split('a record length too short', { records: [{ length: 7 }, {}] }, 'INVALID_RECORD', 2, 'unreadable'),
  ...split('a record length beyond the end', { records: [{}, { length: 9 }] }, 'INVALID_RECORD', 2, 'unreadable'),
  ...split('a record length of 0', { records: [{ length: 0 }] }, 'INVALID_RECORD', 1, 'unreadable'),
  ...[-1, -(2 ** 31), 2 ** 31 - 1].flatMap((length) =>
    each(`a record length of ${length}`, { records: [{ length }] }, 'INVALID_RECORD'),
  ),
  one('a record length in eleven bytes', { records: [{ length: overlong }] }, 'UNKNOWN_SERVER_ERROR', {
    but: 'unexplained',
  }),
  ...each('a record length in eleven bytes', { records: [{ length: overlong }] }, 'INVALID_RECORD', {}, COMPRESSED),
  ...each('a record length in five bytes', { records: [{ length: Buffer.from('9080808000', 'hex') }] }, 1),
  ...each('a record length with bits beyond the 32nd', { records: [{ length: Buffer.from('9080808070', 'hex') }] }, 1),
  ...each('a timestamp in eleven bytes', { records: [{ timestampDelta: overlong }] }, 'INVALID_RECORD'),
  ...each('a key length of -2', { records: [{ keyLength: -2, key: null }] }, 1),
  ...each('a key length of -2 with a key', { records: [{ keyLength: -2 }] }, 'INVALID_RECORD'),
  ...each('a key beyond the end', { records: [{ keyLength: 50 }] }, 'INVALID_RECORD'),
  ...each('a key of 2 GB', { records: [{ keyLength: 2 ** 31 - 1 }] }, 'INVALID_RECORD'),
  ...each('a value length of -2', { records: [{ valueLength: -2, value: null }] }, 1),
  ...each('a value beyond the end', { records: [{ valueLength: 50 }] }, 'INVALID_RECORD'),
  ...each('a value that reaches into the next record', { records: [{ valueLength: 3 }, {}] }, 'INVALID_RECORD'),
  ...[-1, 1, 2 ** 31 - 1].flatMap((headerCount) =>
    each(`a count of ${headerCount} headers that are not there`, { records: [{ headerCount }] }, 'INVALID_RECORD'),
  ),
  ...each('a header without a key', withHeader(rawHeader('', null, -1)), 'INVALID_RECORD'),
  ...each('a header key beyond the end', withHeader(rawHeader('h', 'x', 40)), 'INVALID_RECORD'),
  ...each('a header key that is not UTF-8', withHeader(Buffer.from([4, 0xff, 0xfe, 1])), 1),
  ...each('a header value length of -2', withHeader(rawHeader('h', null, undefined, -2)), 1),
  ...each('headers that are not counted', { records: [{ headers: rawHeader('h', 'x') }] }, 'INVALID_RECORD'),
  ...each('record attributes', { records: [{ attributes: 7 }] }, 1),
  ...each('a timestamp in ten bytes', { records: [{ timestampDelta: Buffer.from('80808080808080808000', 'hex') }] }, 1),
  ...[
    [0, 0, 0],
    [0, 2, 1],
    [5, 6, 7],
    [-1, 0, 1],
  ].flatMap(misnumbered),
];

function withHeader(header: Buffer): RawBatchFields {
  return { records: [{ headerCount: 1, headers: header }] };
}

function misnumbered(offsets: readonly number[]): BatchCase[] {
  const fields = { records: offsets.map((offsetDelta) => ({ offsetDelta })) };
  const oursTaken = [3, 'we number the records anew, as Kafka does where it changes the codec'] as const;
  return [
    one(`offset deltas ${offsets}`, fields, 3),
    ...each(`offset deltas ${offsets}`, fields, 'UNKNOWN_SERVER_ERROR', { oursTaken }, COMPRESSED),
  ];
}

const many = rawRecords(
  Array.from({ length: 50 }, (_, n) => ({ key: `key-${(n * 7919) % 977}`, value: 'value '.repeat(n % 9) })),
);
const fifty = { recordCount: 50, lastOffsetDelta: 49 };
const BEHIND_STREAM: Partial<Record<CompressionCodec, readonly [Outcome, Difference?]>> = {
  gzip: [50, 'unreadable'],
  snappy: ['UNKNOWN_SERVER_ERROR', 'unexplained'],
  lz4: [50],
  zstd: ['UNKNOWN_SERVER_ERROR', 'unexplained'],
};

const streams: BatchCase[] = [
  ...COMPRESSED.flatMap((codec) => {
    const good = compress(codec, many);
    const [behindStream, but] = BEHIND_STREAM[codec] as readonly [Outcome, Difference?];
    const broken = (name: string, section: Buffer) =>
      one(`${name}, ${codec}`, { codec, section, ...fifty }, 'UNKNOWN_SERVER_ERROR', { but: 'unexplained' });
    return [
      one(`fifty records, ${codec}`, { codec, section: good, ...fifty }, 50),
      broken('bytes that are no stream', Buffer.from('55aa55aa55aa55aa55aa55aa55aa55aa55aa', 'hex')),
      broken('plain records that say to be compressed', many),
      ...COMPRESSED.filter((other) => other !== codec).map((other) =>
        broken(`${other} that says`, compress(other, many)),
      ),
      ...[1, 4, 8, good.length >> 1].map((missing) =>
        broken(`a stream that lacks ${missing} bytes`, good.subarray(0, -missing)),
      ),
      one(
        `bytes behind the stream, ${codec}`,
        { codec, section: Buffer.concat([good, Buffer.from('garbage!')]), ...fifty },
        behindStream,
        { but },
      ),
    ];
  }),
  ...(['gzip', 'snappy', 'zstd'] as const).map((codec) =>
    one(`two streams, ${codec}`, { codec, section: twoStreams(codec), recordCount: 2, lastOffsetDelta: 1 }, 2),
  ),
  one(
    'two streams, lz4',
    { codec: 'lz4', section: twoStreams('lz4'), recordCount: 2, lastOffsetDelta: 1 },
    'INVALID_RECORD',
  ),
  one('a raw snappy block', { codec: 'snappy', section: compressSync(rawRecord({})) }, 1),
  one('lz4 with a checksum of the content', { codec: 'lz4', section: lz4({ contentChecksum: true }) }, 1),
  one(
    'lz4 with a wrong checksum of the content',
    { codec: 'lz4', section: damaged(lz4({ contentChecksum: true }), -1) },
    1,
    {
      but: 'unreadable',
    },
  ),
  one('lz4 with checksums of the blocks', { codec: 'lz4', section: lz4({ blockChecksums: true }) }, 1),
  ...[
    ['lz4 with a wrong checksum of a block', 'lz4', damaged(lz4({ blockChecksums: true }), -6)] as const,
    ['lz4 with a wrong checksum of the head', 'lz4', damaged(lz4({}), 6)] as const,
    ['gzip with a wrong checksum', 'gzip', damaged(compress('gzip', rawRecord({})), -8)] as const,
    ['gzip with a wrong length', 'gzip', damaged(compress('gzip', rawRecord({})), -1)] as const,
    ['gzip of no bytes at all', 'gzip', Buffer.alloc(0)] as const,
    ['snappy of no bytes at all', 'snappy', Buffer.alloc(0)] as const,
    ['lz4 of no bytes at all', 'lz4', Buffer.alloc(0)] as const,
  ].map(([name, codec, section]) => one(name, { codec, section }, 'UNKNOWN_SERVER_ERROR', { but: 'unexplained' })),
  one('zstd of no bytes at all', { codec: 'zstd', section: Buffer.alloc(0) }, 'INVALID_RECORD'),
];

function twoStreams(codec: CompressionCodec): Buffer {
  return Buffer.concat([compress(codec, rawRecord({})), compress(codec, rawRecord({ offsetDelta: 1 }))]);
}

function lz4(options: { contentChecksum?: boolean; blockChecksums?: boolean }): Buffer {
  return compressFrameSync(rawRecord({}), options);
}

const compacted = { config: { 'cleanup.policy': 'compact' } };
const NO_KEY = { key: null };

const keys: BatchCase[] = [
  ...each('records with keys to a compacted topic', { records: [{}, { key: '' }] }, 2, compacted),
  ...each('no key first', { records: [NO_KEY, {}] }, 'INVALID_RECORD 0', compacted),
  ...each('two without keys', { records: [NO_KEY, {}, NO_KEY] }, 'INVALID_RECORD 0,2', compacted),
  ...each(
    'a key length of -2 to a compacted topic',
    { records: [{ keyLength: -2, key: null }] },
    'INVALID_RECORD 0',
    compacted,
  ),
  ...each(
    'no key, and one ahead',
    { records: [NO_KEY, AHEAD, { ...NO_KEY, ...AHEAD }] },
    'INVALID_TIMESTAMP 0,1,2',
    compacted,
  ),
  ...each('no key, and ahead', { records: [{ ...NO_KEY, ...AHEAD }] }, 'INVALID_RECORD 0', compacted),
  ...each('no key, and broken', { records: [NO_KEY, { length: -1 }] }, 'INVALID_RECORD', compacted),
];

const small = { 'max.message.bytes': '100' };
const segment = { 'segment.bytes': '1048576', 'max.message.bytes': '3000000' };
const limited = { config: { 'max.decompressed.message.bytes': '20' } };
const sized = (length: number) => ({ records: [{ value: 'x'.repeat(length) }] });

const sizes: BatchCase[] = [
  one('exactly max.message.bytes', sized(31), 1, { config: small }),
  one('a byte more than max.message.bytes', sized(32), 'MESSAGE_TOO_LARGE', { config: small }),
  bytes('too large, and a flipped bit', (now) => damaged(rawBatch(sized(50), now), -3), 'MESSAGE_TOO_LARGE', {
    config: small,
  }),
  one('too large, and a base offset', { ...sized(50), baseOffset: 1n }, 'INVALID_RECORD', { config: small }),
  one('too large once decompressed', { ...sized(200), codec: 'gzip' }, 'MESSAGE_TOO_LARGE', {
    config: { ...small, 'compression.type': 'uncompressed' },
  }),
  one('too large until compressed', sized(200), 'MESSAGE_TOO_LARGE', {
    config: { ...small, 'compression.type': 'zstd' },
  }),
  one('larger than a segment', sized(2e6), 'RECORD_LIST_TOO_LARGE', { config: segment }),
  one('larger than a segment until compressed', sized(2e6), 1, {
    config: { ...segment, 'compression.type': 'zstd' },
  }),
  one('larger than a segment once decompressed', { ...sized(2e6), codec: 'zstd' }, 'RECORD_LIST_TOO_LARGE', {
    config: { ...segment, 'compression.type': 'uncompressed' },
  }),
  one('larger than a segment, control records', { ...sized(2e6), attributes: 0x20 }, 'INVALID_RECORD', {
    config: segment,
  }),
  ...each('a record of max.decompressed.message.bytes', sized(13), 1, limited, COMPRESSED),
  ...each('a record above max.decompressed.message.bytes', sized(14), 'INVALID_RECORD', limited, COMPRESSED),
  ...each('two records above it together', { records: [...sized(9).records, {}] }, 2, limited, COMPRESSED),
  one('a plain record above max.decompressed.message.bytes', sized(32), 1, limited),
  one('a record for two replicas where there is one', {}, 1, { config: { 'min.insync.replicas': '2' } }),
  ...each('4 MB in little room', sized(4e6), 1, {}, ['gzip', 'lz4', 'zstd']),
];

const targets: BatchCase[] = (['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'] as const).flatMap((type) => {
  const config = { 'compression.type': type };
  const same: CompressionCodec = type === 'uncompressed' ? 'none' : type;
  const others = ALL.filter((codec) => codec !== same);
  const isPlain = same === 'none';
  const unreadable: Options = isPlain ? { config } : { config, but: 'unreadable' };
  const oursTaken = [3, 'we number the records anew, as Kafka does where it changes the codec'] as const;
  const swapped = { records: [{ offsetDelta: 5 }, { offsetDelta: 6 }, { offsetDelta: 7 }] };
  return [
    ...each(`fine records to ${type}`, { records: [{}, {}] }, 2, { config }),
    ...each(`a key beyond the end to ${type}`, { records: [{ keyLength: 50 }] }, 'INVALID_RECORD', { config }),
    ...each(`fewer records than announced to ${type}`, { recordCount: 2, lastOffsetDelta: 1 }, 'INVALID_RECORD', {
      config,
    }),
    ...each(
      `a record length too short to ${type}`,
      { records: [{ length: 7 }, {}] },
      'INVALID_RECORD',
      { config },
      others,
    ),
    ...each(
      `a record length too short to ${type}`,
      { records: [{ length: 7 }, {}] },
      isPlain ? 'INVALID_RECORD' : 2,
      unreadable,
      [same],
    ),
    ...each(`offset deltas 5,6,7 to ${type}`, swapped, 3, { config }, others),
    ...each(
      `offset deltas 5,6,7 to ${type}`,
      swapped,
      isPlain ? 3 : 'UNKNOWN_SERVER_ERROR',
      isPlain ? { config } : { config, oursTaken },
      [same],
    ),
    one(`the bit of the delete horizon to ${type}`, { attributes: 0x40 }, 1, { config }),
    one(`the stamp of a broker to ${type}`, { attributes: 8 }, 1, { config }),
    one(`a largest timestamp that is too high to ${type}`, (now) => ({ maxTimestamp: now + 10 ** 12 }), 1, { config }),
  ];
});

/** Refused before any log is asked. */
const versions: BatchCase[] = [
  ...[3, 6].map((version) =>
    one(`zstd by version ${version}`, { codec: 'zstd' }, 'UNSUPPORTED_COMPRESSION_TYPE', { version }),
  ),
  one('zstd by version 7', { codec: 'zstd' }, 1, { version: 7 }),
];

export const batchCases: readonly BatchCase[] = [
  ...frames,
  ...headers,
  ...timestamps,
  ...records,
  ...streams,
  ...keys,
  ...sizes,
  ...targets,
  ...versions,
];
