import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { type CompressionCodec, CorruptError, compressionCodecs, KafkaError, type Random, seededRandom } from '#core';
import {
  BATCH_HEADER_BYTES,
  batches,
  buildBatch,
  controlRecordKey,
  controlRecordType,
  decodeBuffer,
  decodeEndTxnMarker,
  encodeEndTxnMarker,
  LeaderChangeMessage,
  type RawRecord,
  RecordBatchBuilder,
  type RecordDraft,
  type RecordScan,
  readBatchHeader,
  readRecords,
  recordsOf,
  scanRecords,
  verifyBatchCrc,
} from '#protocol';

const LIMIT = { decompressedBytesMax: 1 << 24 };
const TIMESTAMP = 1_795_244_830_482;
const PRODUCER = { producerId: 4_000_000_000, producerEpoch: 3, baseSequence: 17, isTransactional: true };

/** Batches that Apache Kafka 4.4.0 built: see test/interop/schema/Golden.java. */
const golden = new Map<string, Buffer>(
  Object.entries(
    JSON.parse(readFileSync(new URL('./golden/batches.json', import.meta.url), 'utf8')) as Record<string, string>,
  ).map(([name, base64]) => [name, Buffer.from(base64, 'base64')]),
);

function goldenBatch(name: string): Buffer {
  const batch = golden.get(name);
  if (batch === undefined) throw new Error(`no golden batch ${name}`);
  return batch;
}

/** What Golden.java puts into its small batches. */
const smallRecords: RecordDraft[] = [
  { timestamp: TIMESTAMP, key: Buffer.from('key'), value: Buffer.from('value') },
  {
    timestamp: TIMESTAMP + 70_000_000_000,
    key: Buffer.from('a'),
    value: null,
    headers: [{ key: 'h1', value: Buffer.from('x') }],
  },
  {
    timestamp: TIMESTAMP - 5,
    key: null,
    value: Buffer.from(''),
    headers: [
      { key: 'größe', value: Buffer.from('ü') },
      { key: 'null', value: null },
      { key: '', value: Buffer.from('') },
    ],
  },
  { timestamp: TIMESTAMP, key: Buffer.from(''), value: null },
];

function largeRecords(): RecordDraft[] {
  let state = 1;
  return Array.from({ length: 150 }, (_, i) => {
    const value = Buffer.alloc(500);
    for (let j = 0; j < value.length; j++) {
      state = (Math.imul(state, 1103515245) + 12345) | 0;
      value[j] = i < 10 ? state >>> 16 : 97 + (j % 7);
    }
    return { timestamp: TIMESTAMP + i, key: Buffer.from(`key-${i}`), value };
  });
}

function scanned(batch: Buffer): RecordScan {
  const header = readBatchHeader(batch, 0);
  return scanRecords(recordsOf(batch, 0, header, LIMIT), header);
}

function all(batch: Buffer, position = 0): RawRecord[] {
  const cursor = readRecords(batch, position, LIMIT);
  const records: RawRecord[] = [];
  for (let record = cursor.next(); record !== undefined; record = cursor.next()) records.push(record);
  return records;
}

function expected(records: readonly RecordDraft[], baseOffset: number): RawRecord[] {
  return records.map(({ key, value, headers, timestamp }, index) => ({
    offset: baseOffset + index,
    timestamp,
    key,
    value,
    headers: [...(headers ?? [])],
  }));
}

describe('Against batches that Kafka built', () => {
  test.each(compressionCodecs)('%s: header, checksum and every record are read', (codec) => {
    const batch = goldenBatch(`small-${codec}`);
    const header = readBatchHeader(batch, 0);
    expect(header).toMatchObject({
      baseOffset: 42,
      lastOffset: 45,
      lastOffsetDelta: 3,
      partitionLeaderEpoch: 5,
      compression: codec,
      timestampType: 'create',
      isTransactional: true,
      isControl: false,
      baseTimestamp: TIMESTAMP,
      maxTimestamp: TIMESTAMP + 70_000_000_000,
      producerId: 4_000_000_000,
      producerEpoch: 3,
      baseSequence: 17,
      lastSequence: 20,
      recordCount: 4,
      sizeInBytes: batch.length,
      deleteHorizonMs: undefined,
    });
    expect(verifyBatchCrc(batch, 0, header)).toBe(true);
    expect(all(batch)).toEqual(expected(smallRecords, 42));
  });

  test.each(compressionCodecs)('%s: a batch of several compressed blocks is read', (codec) => {
    expect(all(goldenBatch(`large-${codec}`))).toEqual(expected(largeRecords(), 42));
  });

  test('Our uncompressed batches have the same bytes', () => {
    const options = { baseOffset: 42, partitionLeaderEpoch: 5 };
    expect(buildBatch(smallRecords, { ...options, ...PRODUCER })).toEqual(goldenBatch('small-none'));
    expect(buildBatch(largeRecords(), options)).toEqual(goldenBatch('large-none'));
  });

  test('Records of a batch with append time all have that time', () => {
    const records = all(goldenBatch('append-time'));
    expect(records.map((record) => record.timestamp)).toEqual([TIMESTAMP + 1000, TIMESTAMP + 1000]);
  });

  test.each([
    ['commit', 'commit-marker'],
    ['abort', 'abort-marker'],
  ] as const)('A %s marker is read and written byte for byte', (type, name) => {
    const batch = goldenBatch(name);
    expect(readBatchHeader(batch, 0)).toMatchObject({ isControl: true, isTransactional: true, lastSequence: -1 });
    const [record] = all(batch);
    expect(controlRecordType(record.key)).toBe(type);
    expect(decodeEndTxnMarker(record.value).coordinatorEpoch).toBe(9);
    const value = encodeEndTxnMarker(9);
    const marker = { timestamp: TIMESTAMP, key: controlRecordKey(type), value };
    const state = { ...PRODUCER, baseSequence: -1, isControl: true, partitionLeaderEpoch: 5, baseOffset: 42 };
    expect(buildBatch([marker], state)).toEqual(batch);
  });

  test('A leader change is read', () => {
    const [record] = all(goldenBatch('leader-change'));
    expect(controlRecordType(record.key)).toBe('leader-change');
    expect(decodeBuffer(LeaderChangeMessage, 0, record.value as Buffer).leaderId).toBe(1);
  });
});

function randomRecords(random: Random): RecordDraft[] {
  const maybe = (bytes: Buffer): Buffer | null => (random.uint32() % 5 === 0 ? null : bytes);
  return Array.from({ length: 1 + (random.uint32() % 40) }, () => ({
    timestamp: TIMESTAMP + ((random.uint32() | 0) % 100_000) * (random.uint32() % 7 === 0 ? 1e6 : 1),
    key: maybe(random.bytes(random.uint32() % 40)),
    value: maybe(random.bytes(random.uint32() % 400)),
    headers: Array.from({ length: random.uint32() % 3 }, (_, i) => ({ key: `h${i}`, value: maybe(random.bytes(i)) })),
  }));
}

describe('What was built is read back', () => {
  test.each(compressionCodecs)('%s: any records, any timestamps', (codec) => {
    const random = seededRandom(5);
    for (let round = 0; round < 30; round++) {
      const drafts = randomRecords(random);
      const batch = buildBatch(drafts, { compression: codec, baseOffset: round });
      const header = readBatchHeader(batch, 0);
      expect(verifyBatchCrc(batch, 0, header)).toBe(true);
      expect(all(batch)).toEqual(expected(drafts, round));
      const timestamps = drafts.map((draft) => draft.timestamp);
      const scan = scanned(batch);
      expect(scan).toEqual({
        maxTimestamp: Math.max(...timestamps),
        minTimestamp: Math.min(...timestamps),
        hasNullKey: drafts.some((draft) => draft.key === null),
        isConsecutive: true,
      });
      expect(header.maxTimestamp).toBe(scan.maxTimestamp);
    }
  });

  test('Several batches of a region are found, a cut one at the end is passed over', () => {
    const one = buildBatch(smallRecords, { baseOffset: 0 });
    const two = buildBatch(smallRecords, { baseOffset: 4, compression: 'lz4' });
    const region = Buffer.concat([one, two, one.subarray(0, one.length - 1)]);
    const found = [...batches(region)].map(({ position, header }) => [position, header.baseOffset]);
    expect(found).toEqual([
      [0, 0],
      [one.length, 4],
    ]);
  });
});

describe('RecordBatchBuilder', () => {
  const value = Buffer.alloc(100);

  test('It takes records up to its bound and never writes beyond it', () => {
    const builder = new RecordBatchBuilder({ bytesMax: 1000, initialBytes: 64 });
    while (builder.append(1, null, value)) expect(builder.sizeInBytes).toBeLessThanOrEqual(1000);
    expect(builder.recordCount).toBe(8);
    expect(builder.hasRoomFor(null, value)).toBe(false);
    expect(builder.hasRoomFor(null, null)).toBe(true);
    expect(builder.build().length).toBe(builder.sizeInBytes);
  });

  test('The first record is taken even when it is larger than the bound', () => {
    const builder = new RecordBatchBuilder({ bytesMax: 50 });
    expect(builder.hasRoomFor(null, value)).toBe(true);
    expect(builder.append(1, null, value)).toBe(true);
    expect(builder.append(1, null, null)).toBe(false);
    expect(all(builder.build())).toHaveLength(1);
  });

  test('What hasRoomFor promises append keeps', () => {
    const random = seededRandom(3);
    for (let round = 0; round < 200; round++) {
      const builder = new RecordBatchBuilder({ bytesMax: 200 + (random.uint32() % 2000) });
      for (;;) {
        const bytes = random.bytes(random.uint32() % 200);
        const timestamp = TIMESTAMP + (random.uint32() | 0) * 1000;
        const isPromised = builder.hasRoomFor(bytes, bytes);
        const isTaken = builder.append(timestamp, bytes, bytes);
        if (isPromised) expect(isTaken).toBe(true);
        if (!isTaken) break;
      }
    }
  });

  test.each(['none', 'zstd'] as CompressionCodec[])(
    '%s: building again gives the same buffer for the same state, a fresh one for another',
    (compression) => {
      const builder = new RecordBatchBuilder({ compression });
      builder.append(1, null, value);
      const first = builder.build({ producerId: 1, producerEpoch: 0, baseSequence: 0 });
      const kept = Buffer.from(first);
      expect(builder.build({ producerId: 1, producerEpoch: 0, baseSequence: 0 })).toBe(first);
      const second = builder.build({ producerId: 1, producerEpoch: 1, baseSequence: 9 });
      expect(readBatchHeader(second, 0)).toMatchObject({ producerEpoch: 1, baseSequence: 9 });
      expect(verifyBatchCrc(second, 0, readBatchHeader(second, 0))).toBe(true);
      expect(first).toEqual(kept);
      expect(() => builder.append(1, null, value)).toThrow(/takes no more/);
    },
  );

  test('An empty batch cannot be built', () => {
    expect(() => new RecordBatchBuilder().build()).toThrow(/empty/);
  });
});

describe('Damage', () => {
  const batch = buildBatch(smallRecords);

  test('One flipped bit anywhere behind the head fails the checksum', () => {
    for (let position = 21; position < batch.length; position++) {
      const damaged = Buffer.from(batch);
      damaged[position] ^= 1;
      expect(verifyBatchCrc(damaged, 0, { ...readBatchHeader(batch, 0) })).toBe(false);
    }
  });

  test.each([
    ['magic 1', (b: Buffer) => b.writeInt8(1, 16), /magic 1/],
    ['a length below a header', (b: Buffer) => b.writeInt32BE(48, 8), /less than a header/],
    ['a negative length', (b: Buffer) => b.writeInt32BE(-1, 8), /less than a header/],
    ['an unknown codec', (b: Buffer) => b.writeInt16BE(5, 21), /unknown codec/],
    ['a negative record count', (b: Buffer) => b.writeInt32BE(-1, 57), /-1 records/],
    ['a negative offset delta', (b: Buffer) => b.writeInt32BE(-1, 23), /delta -1/],
  ])('%s is refused', (_what, damage, text) => {
    const damaged = Buffer.from(batch);
    damage(damaged);
    expect(() => readBatchHeader(damaged, 0)).toThrow(text);
    expect(() => readBatchHeader(damaged, 0)).toThrow(CorruptError);
  });

  test('A header that is cut is refused', () => {
    expect(() => readBatchHeader(batch.subarray(0, BATCH_HEADER_BYTES - 1), 0)).toThrow(/too few/);
  });

  test('A record count beyond the bytes is refused before any record is made', () => {
    const damaged = Buffer.from(batch);
    damaged.writeInt32BE(2 ** 31 - 1, 57);
    expect(() => readRecords(damaged, 0, LIMIT)).toThrow(/2147483647 records in/);
  });

  test('Too few records for the bytes are refused at the end', () => {
    const damaged = Buffer.from(batch);
    damaged.writeInt32BE(3, 57);
    expect(() => all(damaged)).toThrow(/after the last record/);
  });

  test('A batch that is not whole is refused', () => {
    expect(() => readRecords(batch.subarray(0, -1), 0, LIMIT)).toThrow(CorruptError);
    expect(verifyBatchCrc(batch.subarray(0, -1), 0, readBatchHeader(batch, 0))).toBe(false);
  });

  test.each(compressionCodecs)('%s: damaged bytes end in records or in a KafkaError', (codec) => {
    const random = seededRandom(99);
    const good = buildBatch(largeRecords().slice(0, 20), { compression: codec });
    for (let i = 0; i < 400; i++) {
      const damaged = Buffer.from(good);
      for (let n = 1 + (random.uint32() % 3); n > 0; n--) {
        damaged[BATCH_HEADER_BYTES + (random.uint32() % (damaged.length - BATCH_HEADER_BYTES))] = random.uint32();
      }
      for (const read of [all, scanned].map((reader) => () => reader(damaged))) {
        try {
          read();
        } catch (error) {
          expect(error).toBeInstanceOf(KafkaError);
        }
      }
    }
  });

  test.each(compressionCodecs.slice(1))('%s: a batch that grows beyond the limit is refused', (compression) => {
    const bomb = buildBatch([{ timestamp: 1, key: null, value: Buffer.alloc(1 << 20) }], { compression });
    expect(bomb.length).toBeLessThan(60_000);
    expect(() => readRecords(bomb, 0, { decompressedBytesMax: 1 << 20 })).toThrow(/1048576 bytes allowed/);
    expect(readRecords(bomb, 0, { decompressedBytesMax: (1 << 20) + 100 }).next()?.value).toHaveLength(1 << 20);
  });
});
