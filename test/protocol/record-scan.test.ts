/** The walk over the records of a batch: what it finds out, and that it takes exactly what can be read. */
import { describe, expect, test } from '@jest/globals';
import { CorruptError, seededRandom } from '#core';
import { RecordCursor, type RecordScan, readBatchHeader, recordsOf, scanRecords } from '#protocol';
import { type RawRecordFields, rawBatch, rawHeader, rawRecords } from '../storage/raw-batch.ts';

const BASE = 1_795_244_830_482;

function scan(records: readonly RawRecordFields[] | Buffer, recordCount?: number, bodyBytesMax?: number): RecordScan {
  const count = recordCount ?? (Buffer.isBuffer(records) ? 1 : records.length);
  const batch = rawBatch({ records, recordCount: count, lastOffsetDelta: count - 1 }, BASE);
  const header = readBatchHeader(batch, 0);
  return scanRecords(recordsOf(batch, 0, header, { decompressedBytesMax: 1e6 }), header, bodyBytesMax);
}

describe('a walk over records', () => {
  test('finds the largest and the smallest timestamp, of those that are one', () => {
    const at = (...deltas: (number | bigint)[]) => scan(deltas.map((timestampDelta) => ({ timestampDelta })));
    expect(at(0, 3, -2)).toMatchObject({ maxTimestamp: BASE + 3, minTimestamp: BASE - 2 });
    expect(at(70_000_000_000)).toMatchObject({ maxTimestamp: BASE + 7e10, minTimestamp: BASE + 7e10 });
    expect(at(-BASE - 1)).toMatchObject({ maxTimestamp: -1, minTimestamp: Number.POSITIVE_INFINITY });
    expect(at(-BASE - 9, 0)).toMatchObject({ maxTimestamp: BASE, minTimestamp: -9 });
    for (let bits = 1; bits < 40; bits++) {
      expect(at(2 ** bits, 0).maxTimestamp).toBe(BASE + 2 ** bits);
      expect(at(-(2 ** bits), 0).minTimestamp).toBe(BASE - 2 ** bits);
    }
    expect(at(2n ** 62n).maxTimestamp).toBeGreaterThan(Number.MAX_SAFE_INTEGER);
  });

  test('sees a record without a key, and offsets that leave the row', () => {
    const plain = { hasNullKey: false, isConsecutive: true };
    expect(scan([{}, { key: '' }, { key: 'x'.repeat(9000) }])).toMatchObject(plain);
    expect(scan([{}, { key: null }])).toMatchObject({ ...plain, hasNullKey: true });
    expect(scan([{ key: null, keyLength: -700 }])).toMatchObject({ ...plain, hasNullKey: true });
    for (const offsets of [[0, 0], [1, 2], [0, 2, 1], [-1]]) {
      const records = offsets.map((offsetDelta) => ({ offsetDelta }));
      expect(scan(records)).toMatchObject({ ...plain, isConsecutive: false });
    }
    expect(scan(Array.from({ length: 20_000 }, () => ({ key: null, value: null })))).toMatchObject({
      hasNullKey: true,
      isConsecutive: true,
    });
  });

  const fine: [string, RawRecordFields][] = [
    ['with headers', { headerCount: 2, headers: Buffer.concat([rawHeader('a', 'x'), rawHeader('', null)]) }],
    ['with a header value of a length below -1', { headerCount: 1, headers: rawHeader('a', null, undefined, -5) }],
    ['with a value of a length below -1', { value: null, valueLength: -5 }],
    ['with attributes', { attributes: 255 }],
    ['with a length in more bytes than it takes', { length: Buffer.from('9080808000', 'hex') }],
    ['with a timestamp in ten bytes', { timestampDelta: Buffer.from('80808080808080808000', 'hex'), length: 17 }],
  ];
  test.each(fine)('takes a record %s', (_name, fields) => {
    expect(scan([fields, {}])).toMatchObject({ maxTimestamp: BASE });
    expect(isReadable(rawRecords([fields]), 1)).toBe(true);
  });

  const broken: [string, readonly RawRecordFields[] | Buffer, number?][] = [
    ['fewer records than announced', [{}], 2],
    ['more records than announced', [{}, {}], 1],
    ['a count that no bytes can hold', [{}], 1_000_000],
    ['no bytes at all', Buffer.alloc(0)],
    ['a record that is cut', rawRecords([{}]).subarray(0, -1)],
    ['garbage behind the last record', Buffer.concat([rawRecords([{}]), Buffer.from('hello')])],
    ['a negative length', [{ length: -1 }, {}]],
    ['a length that is too small for any record', [{ length: 5 }, {}]],
    ['a length that is too long', [{ length: 9 }, {}]],
    ['a length that is too short', [{ length: 7 }, {}]],
    ['a length in six bytes', [{ length: Buffer.from('9080808080ff00', 'hex') }, {}]],
    ['a timestamp in eleven bytes', [{ timestampDelta: Buffer.from('8080808080808080808000', 'hex') }]],
    ['a key that reaches into the next record', [{ keyLength: 5 }, {}]],
    ['a key of 2 GB', [{ keyLength: 2 ** 31 - 1 }, {}]],
    ['a value that reaches into the next record', [{ valueLength: 3 }, {}]],
    ['a negative count of headers', [{ headerCount: -1 }]],
    ['more headers than bytes', [{ headerCount: 1 }]],
    ['a million headers too many', [{ headerCount: 2 ** 31 - 1 }]],
    ['a header without a key', [{ headerCount: 1, headers: rawHeader('', null, -1) }]],
    ['a header key that reaches into the next record', [{ headerCount: 1, headers: rawHeader('h', 'x', 6) }, {}]],
    ['headers that were not counted', [{ headers: rawHeader('h', 'x') }]],
  ];
  test.each(broken.map(([name, ...rest]) => [name, rest] as const))('refuses %s', (_name, [records, recordCount]) => {
    expect(() => scan(records, recordCount)).toThrow(CorruptError);
  });

  test('refuses a record above the limit, and takes one of exactly the limit', () => {
    const record = [{ value: 'x'.repeat(50) }];
    const bodyBytes = rawRecords(record).length - 1;
    expect(scan(record, 1, bodyBytes)).toMatchObject({ isConsecutive: true });
    expect(() => scan(record, 1, bodyBytes - 1)).toThrow(
      `record 0 has ${bodyBytes} bytes, ${bodyBytes - 1} are allowed`,
    );
  });

  test('takes exactly what a reader can read, whatever the bytes', () => {
    const random = seededRandom(3);
    const good = rawRecords([
      { timestampDelta: 1000, headerCount: 1, headers: rawHeader('h', null) },
      { key: null, value: 'x'.repeat(200) },
      { timestampDelta: -(2 ** 40) },
    ]);
    const disputed: string[] = [];
    let takenCount = 0;
    for (let round = 0; round < 5_000; round++) {
      const bytes = Buffer.from(good);
      for (let flips = 1 + (round % 3); flips > 0; flips--) {
        const at = random.uint32() % bytes.length;
        bytes[at] = round % 2 === 0 ? random.uint32() : bytes[at] ^ (1 << (random.uint32() % 8));
      }
      const isTaken = isScanned(bytes, 3);
      if (isTaken !== isReadable(bytes, 3)) disputed.push(bytes.toString('hex'));
      if (isTaken) takenCount++;
    }
    expect(disputed).toEqual([]);
    expect(takenCount).toBeGreaterThan(500);
    expect(takenCount).toBeLessThan(4_500);
  });
});

function headerOf(records: Buffer, recordCount: number) {
  return readBatchHeader(rawBatch({ records, recordCount }, BASE), 0);
}

function isScanned(records: Buffer, recordCount: number): boolean {
  return succeeds(() => scanRecords(records, headerOf(records, recordCount)));
}

function isReadable(records: Buffer, recordCount: number): boolean {
  return succeeds(() => {
    const cursor = new RecordCursor(headerOf(records, recordCount), records);
    while (cursor.next() !== undefined);
  });
}

function succeeds(read: () => void): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error;
    return false;
  }
}
