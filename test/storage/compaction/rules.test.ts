/** The pure parts of compaction, as tables. */
import { describe, expect, test } from '@jest/globals';
import { seededRandom } from '#core';
import { type BatchHeader, readBatchHeader, readRecords, verifyBatchCrc } from '#protocol';
import { BatchCleaning, type BatchFate, type CleaningRules } from '../../../src/storage/compaction/batch-cleaning.ts';
import {
  dirtiness,
  firstDirtyOffset,
  isDue,
  isTooYoung,
  type LogSummary,
  settledCount,
} from '../../../src/storage/compaction/cleanable.ts';
import { OFFSET_SLOT_BYTES, OffsetMap } from '../../../src/storage/compaction/offset-map.ts';
import { groupSegments } from '../../../src/storage/compaction/segment-groups.ts';
import { START_MS } from '../scene.ts';
import { type KeyedRecord, keyedBatch } from './scene.ts';

function logOf(overrides: Partial<LogSummary> = {}): LogSummary {
  const segments = [0, 10, 20, 30].map((baseOffset) => ({ baseOffset, endOffset: baseOffset + 10, sizeInBytes: 100 }));
  return { segments, logStartOffset: 0, lastStableOffset: 45, recoveryPoint: 45, ...overrides };
}

describe('what may be cleaned', () => {
  test.each([
    ['no checkpoint: from the start', undefined, {}, 0],
    ['a checkpoint', 20, {}, 20],
    ['a checkpoint in the middle of a segment', 25, {}, 25],
    ['a checkpoint at the active segment', 40, {}, 40],
    ['a checkpoint beyond the log: from the start', 41, {}, 0],
    ['a checkpoint below the log start', 5, { logStartOffset: 12 }, 12],
  ])('%s', (_, checkpoint, log, expected) => {
    expect(firstDirtyOffset(checkpoint, logOf(log))).toBe(expected);
  });

  test.each([
    ['all closed segments', {}, 4],
    ['below the last stable offset only', { lastStableOffset: 29 }, 2],
    ['up to the last stable offset', { lastStableOffset: 30 }, 3],
    ['what is synced only', { recoveryPoint: 19 }, 1],
    ['nothing', { lastStableOffset: 0 }, 0],
  ])('%s', (_, log, expected) => {
    expect(settledCount(logOf(log))).toBe(expected);
  });

  test.each([
    [0, { dirtyBytes: 400, ratio: 1 }],
    [10, { dirtyBytes: 300, ratio: 0.75 }],
    [15, { dirtyBytes: 300, ratio: 0.75 }],
    [40, { dirtyBytes: 0, ratio: 0 }],
  ])('dirty from offset %d', (firstDirty, expected) => {
    expect(dirtiness(logOf().segments, firstDirty)).toEqual(expected);
  });

  test.each([
    ['more dirt than the ratio', 60, 0.5, undefined, true],
    ['as much as the ratio', 50, 0.5, undefined, false],
    ['any dirt at ratio 0', 1, 0, undefined, true],
    ['no dirt at ratio 0', 0, 0, 0, false],
    ['little dirt, older than max.compaction.lag.ms', 1, 0.5, 899, true],
    ['little dirt, as old as max.compaction.lag.ms', 1, 0.5, 900, false],
  ])('%s', (_, dirtyBytes, ratio, oldest, expected) => {
    const config = { 'min.cleanable.dirty.ratio': ratio, 'max.compaction.lag.ms': 100 };
    expect(isDue({ dirtyBytes, ratio: dirtyBytes / 100 }, oldest, 1000, config)).toBe(expected);
  });

  test('min.compaction.lag.ms protects what is younger, timestamps in the future too', () => {
    const config = { 'min.compaction.lag.ms': 100 };
    expect([899, 900, 901, 2000].map((timestamp) => isTooYoung(timestamp, 1000, config))).toEqual([
      false,
      false,
      true,
      true,
    ]);
    expect(isTooYoung(2000, 1000, { 'min.compaction.lag.ms': 0 })).toBe(false);
  });
});

describe('segments that become one', () => {
  const sizes = (bytes: number[], limits = {}, overrides: object = {}) => {
    const members = bytes.map((sizeInBytes, index) => ({
      baseOffset: index * 10,
      endOffset: index * 10 + 10,
      sizeInBytes,
      offsetIndexBytes: 8,
      timeIndexBytes: 12,
      ...overrides,
    }));
    const groups = groupSegments(members, { 'segment.bytes': 100, 'segment.index.bytes': 1000, ...limits });
    return groups.map((group) => group.map(({ sizeInBytes }) => sizeInBytes));
  };

  test.each([
    ['nothing', sizes([]), []],
    ['as many as fit', sizes([40, 60, 1, 99, 1]), [[40, 60], [1, 99], [1]]],
    ['one that is too large stands alone', sizes([150, 10, 10]), [[150], [10, 10]]],
    ['empty ones', sizes([0, 0, 100]), [[0, 0, 100]]],
    ['no more than the offset index holds', sizes([1, 1, 1], { 'segment.index.bytes': 24 }), [[1, 1], [1]]],
    ['no more than the time index holds', sizes([1, 1, 1], { 'segment.index.bytes': 12 }), [[1], [1], [1]]],
    ['no more offsets than an index can tell', sizes([1, 1, 1], {}, { endOffset: 2 ** 31 + 9 }), [[1], [1, 1]]],
  ])('%s', (_, groups, expected) => {
    expect(groups).toEqual(expected);
  });
});

describe('the map of keys', () => {
  test('knows the last offset of each key, through all its growth', () => {
    const map = new OffsetMap({ bytesMax: 8 * 1024 * 1024, loadFactor: 0.9 });
    const expected = new Map<string, number>();
    const random = seededRandom(3);
    for (let offset = 0; offset < 30_000; offset++) {
      const key = `key-${random.uint32() % 9_000}`;
      expect(map.put(Buffer.from(key), offset)).toBe(true);
      expected.set(key, offset);
    }
    expect(map.size).toBe(expected.size);
    for (const [key, offset] of expected) expect(map.get(Buffer.from(key))).toBe(offset);
    expect(map.get(Buffer.from('never'))).toBeUndefined();
    expect(map.get(Buffer.alloc(0))).toBeUndefined();
  });

  test.each([24 * 40, 2 * 1024 * 1024])(
    'takes no more than %d bytes, and keys that it has when it is full',
    (bytesMax) => {
      const map = new OffsetMap({ bytesMax, loadFactor: 0.9 });
      let offset = 0;
      while (map.put(Buffer.from(`key-${offset}`), offset)) offset++;
      expect(map.bytes).toBeLessThanOrEqual(bytesMax);
      expect(map.size).toBe(offset);
      expect(offset).toBeGreaterThan((bytesMax / OFFSET_SLOT_BYTES) * 0.35);
      expect(map.get(Buffer.from(`key-${offset}`))).toBeUndefined();
      expect(map.put(Buffer.from('key-1'), offset)).toBe(true);
      expect(map.get(Buffer.from('key-1'))).toBe(offset);
    },
  );
});

const PRODUCER = { producerId: 7, producerEpoch: 1, baseSequence: 40, partitionLeaderEpoch: 3 };

function clean(
  batch: Buffer,
  overrides: Partial<CleaningRules> = {},
  latest: Record<string, number> = {},
  fate: BatchFate = 'records',
): Buffer | undefined {
  const rules = {
    latest: { get: (key: Uint8Array) => latest[Buffer.from(key).toString()] },
    rangeEnd: 1000,
    lastOffset: 999,
    lastOfProducer: new Map(),
    wallMs: START_MS + 10,
    deleteRetentionMs: 100,
    mayForget: true,
    decompressedBytesMax: 1_000_000,
    compressionLevel: () => undefined,
    ...overrides,
  };
  const cleaning = new BatchCleaning(batch, readBatchHeader(batch, 0), rules, fate);
  while (!cleaning.advance(1));
  return cleaning.result();
}

function batchAt(
  baseOffset: number,
  records: readonly KeyedRecord[],
  options: Parameters<typeof keyedBatch>[1] = PRODUCER,
): Buffer {
  const batch = keyedBatch(records, options);
  batch.writeBigInt64BE(BigInt(baseOffset), 0);
  return batch;
}

function read(batch: Buffer | undefined): { header: BatchHeader; lines: string[] } {
  if (batch === undefined) throw new Error('nothing is left');
  const cursor = readRecords(batch, 0, { decompressedBytesMax: 1_000_000 });
  expect(cursor.header.sizeInBytes).toBe(batch.length);
  expect(verifyBatchCrc(batch, 0, cursor.header)).toBe(true);
  const lines: string[] = [];
  for (let record = cursor.next(); record !== undefined; record = cursor.next()) {
    const { offset, key, value, timestamp, headers } = record;
    expect(headers).toEqual([{ key: 'h', value: Buffer.from('v') }]);
    lines.push(`${offset} ${key}${value === null ? '' : `=${value}`} @${timestamp - START_MS}`);
  }
  return { header: cursor.header, lines };
}

const A_TO_D: KeyedRecord[] = ['a', 'b', 'c', 'd'].map((key, i) => ({ key, value: `${i}`, timestamp: START_MS + i }));

describe('a batch', () => {
  test('that loses nothing stays byte for byte', () => {
    const batch = batchAt(10, A_TO_D);
    expect(clean(batch, {}, { a: 10, c: 12 })).toBe(batch);
  });

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'that loses records keeps its place, its producer and its codec (%s)',
    (compression) => {
      const batch = batchAt(10, A_TO_D, { ...PRODUCER, compression });
      const { header, lines } = read(clean(batch, {}, { a: 20, d: 21 }));
      expect(lines).toEqual(['11 b=1 @1', '12 c=2 @2']);
      expect(header).toMatchObject({
        ...PRODUCER,
        compression,
        baseOffset: 10,
        lastOffset: 13,
        lastSequence: 43,
        baseTimestamp: START_MS,
        maxTimestamp: START_MS + 2,
        recordCount: 2,
        deleteHorizonMs: undefined,
      });
    },
  );

  test('loses records without a key, and those below the end of the range only', () => {
    const records = [...A_TO_D, { key: null, value: 'x' }, { key: null, value: 'y' }];
    expect(read(clean(batchAt(10, records), { rangeEnd: 12 }, { a: 11, c: 99 })).lines).toEqual([
      '11 b=1 @1',
      '12 c=2 @2',
      '13 d=3 @3',
      '14 null=x @0',
      '15 null=y @0',
    ]);
    expect(read(clean(batchAt(10, records))).lines).toHaveLength(4);
  });

  test('of which that is known stays as it is, whatever the map says', () => {
    const batch = batchAt(10, A_TO_D, { ...PRODUCER, isControl: true });
    expect(clean(batch, {}, { a: 20, b: 20, c: 20, d: 20 }, 'stays')).toBe(batch);
  });

  const gone = { a: 20, b: 20, c: 20, d: 20 };

  test.each([
    ['nothing hangs on it', {}, undefined],
    ['it is the last one of its producer', { lastOfProducer: new Map([[7, { lastOffset: 13, epoch: 1 }]]) }, 0],
    ['its producer has a later one', { lastOfProducer: new Map([[7, { lastOffset: 30, epoch: 1 }]]) }, undefined],
    ['another producer is there', { lastOfProducer: new Map([[8, { lastOffset: 13, epoch: 1 }]]) }, undefined],
    ['it ends the range', { lastOffset: 13 }, 0],
  ])('that loses all its records: %s', (_, rules, recordCount) => {
    const batch = batchAt(10, A_TO_D, { ...PRODUCER, compression: 'gzip' });
    const left = clean(batch, rules, gone);
    if (recordCount === undefined) return expect(left).toBeUndefined();
    const { header } = read(left);
    expect(header).toMatchObject({ ...PRODUCER, baseOffset: 10, lastOffset: 13, recordCount, compression: 'none' });
    expect(header).toMatchObject({ baseTimestamp: START_MS + 3, maxTimestamp: START_MS + 3, sizeInBytes: 61 });
    // And again.
    expect(clean(left!, rules, gone)).toBe(left);
    return expect(clean(left!, {}, gone)).toBeUndefined();
  });

  const tombstones = [...A_TO_D.slice(0, 2), { key: 'c', value: null, timestamp: START_MS + 2 }];

  test('with a tombstone gets a delete horizon once, and its timestamps stay', () => {
    const first = clean(batchAt(10, tombstones), {}, { a: 20 });
    const { header, lines } = read(first);
    expect(header.deleteHorizonMs).toBe(START_MS + 110);
    expect(lines).toEqual(['11 b=1 @1', '12 c @2']);
    expect(clean(first!, { wallMs: START_MS + 109 })).toBe(first);
    const later = read(clean(first!, { wallMs: START_MS + 110 }));
    expect(later.lines).toEqual(['11 b=1 @1']);
    expect(later.header).toMatchObject({ deleteHorizonMs: START_MS + 110, lastOffset: 12, maxTimestamp: START_MS + 1 });
  });

  test('whose tombstone is replaced, or lies beyond the range, gets none', () => {
    expect(read(clean(batchAt(10, tombstones), {}, { c: 20 })).header.deleteHorizonMs).toBeUndefined();
    const batch = batchAt(10, tombstones);
    expect(clean(batch, { rangeEnd: 12 })).toBe(batch);
  });

  test('gets no delete horizon while older values may lie before what is cleaned; one that it has still counts', () => {
    const batch = batchAt(10, tombstones);
    expect(clean(batch, { mayForget: false })).toBe(batch);
    const aged = clean(batch);
    expect(read(clean(aged!, { mayForget: false, wallMs: START_MS + 110 })).lines).toEqual(['10 a=0 @0', '11 b=1 @1']);
  });

  test('keeps its tombstones for ever when delete.retention.ms does not end, or a timestamp is beyond reckoning', () => {
    const endless = read(clean(batchAt(10, tombstones), { deleteRetentionMs: Number.MAX_SAFE_INTEGER }));
    expect(endless.header.deleteHorizonMs).toBe(2 ** 52);
    expect(endless.lines).toEqual(['10 a=0 @0', '11 b=1 @1', '12 c @2']);
    const batch = batchAt(10, [{ key: 'a', value: null, timestamp: -(2 ** 52) - 2 ** 51 }]);
    expect(clean(batch, { deleteRetentionMs: Number.MAX_SAFE_INTEGER })).toBe(batch);
  });

  test('that is no batch inside is refused', () => {
    const batch = batchAt(10, A_TO_D);
    batch[61] = 0x7f;
    expect(() => clean(batch)).toThrow(/a record of -64 bytes/);
  });
});
