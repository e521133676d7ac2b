import { describe, expect, test } from '@jest/globals';
import { crc32c } from '#core';
import { Errors, readBatchHeader, sealBatch, verifyBatchCrc } from '#protocol';
import type { AppendOrigin, TopicConfig } from '#storage';
import { appendValues, batchOf, createLog, openScene, readValues, START_MS, valuesIn } from './scene.ts';

async function refusal(batch: Buffer, overrides: Partial<TopicConfig> = {}, origin: AppendOrigin = 'client') {
  const log = createLog(await openScene(), overrides);
  const before = Buffer.from(batch);
  const result = log.append(batch, { leaderEpoch: 3, origin });
  expect(batch.equals(before)).toBe(true);
  expect(log.logEndOffset).toBe(result.error === undefined ? result.lastOffset + 1 : 0);
  return result;
}

/** A batch with one field of its header changed, and the checksum made right again. */
function altered(change: (batch: Buffer) => void, values = ['a', 'b']): Buffer {
  const batch = Buffer.from(batchOf(values));
  change(batch);
  sealBatch(batch);
  return batch;
}

describe('a batch from a client', () => {
  const cases: [string, () => Buffer, keyof typeof Errors, Partial<TopicConfig>?][] = [
    ['of no bytes', () => Buffer.alloc(0), 'CORRUPT_MESSAGE'],
    ['shorter than a header', () => batchOf(['a']).subarray(0, 60), 'CORRUPT_MESSAGE'],
    ['cut off', () => batchOf(['a']).subarray(0, -1), 'CORRUPT_MESSAGE'],
    ['followed by garbage', () => Buffer.concat([batchOf(['a']), Buffer.alloc(5)]), 'INVALID_RECORD'],
    ['that is two batches', () => Buffer.concat([batchOf(['a']), batchOf(['b'])]), 'INVALID_RECORD'],
    ['with a negative length', () => altered((batch) => batch.writeInt32BE(-1, 8)), 'CORRUPT_MESSAGE'],
    ['with a length below a header', () => altered((batch) => batch.writeInt32BE(40, 8)), 'CORRUPT_MESSAGE'],
    ['with an absurd length', () => altered((batch) => batch.writeInt32BE(2 ** 31 - 1, 8)), 'CORRUPT_MESSAGE'],
    ['of magic 1', () => altered((batch) => batch.writeInt8(1, 16)), 'INVALID_RECORD'],
    ['of magic 3', () => altered((batch) => batch.writeInt8(3, 16)), 'CORRUPT_MESSAGE'],
    ['with a codec that does not exist', () => altered((batch) => batch.writeInt16BE(5, 21)), 'CORRUPT_MESSAGE'],
    ['with a base offset', () => altered((batch) => batch.writeBigInt64BE(5n, 0)), 'INVALID_RECORD'],
    ['with a negative offset delta', () => altered((batch) => batch.writeInt32BE(-2, 23)), 'CORRUPT_MESSAGE'],
    ['whose count does not fit its offsets', () => altered((batch) => batch.writeInt32BE(3, 57)), 'INVALID_RECORD'],
    ['of no records', () => altered((batch) => batch.writeInt32BE(0, 57)), 'INVALID_RECORD'],
    [
      'of more records than its bytes can hold',
      () =>
        altered((batch) => {
          batch.writeInt32BE(999_999, 57);
          batch.writeInt32BE(999_998, 23);
        }),
      'INVALID_RECORD',
    ],
    [
      'with a producer but no sequence',
      () => batchOf(['a'], { producerId: 1, producerEpoch: 0, baseSequence: -1 }),
      'INVALID_RECORD',
    ],
    [
      'with a producer but no epoch',
      () => batchOf(['a'], { producerId: 1, producerEpoch: -1, baseSequence: 0 }),
      'INVALID_RECORD',
    ],
    ['of control records', () => batchOf(['a'], { isControl: true }), 'INVALID_RECORD'],
    ['that says it was stamped by a broker', () => altered((batch) => batch.writeInt16BE(8, 21)), 'INVALID_TIMESTAMP'],
    ['from more than an hour ahead', () => batchOf(['a'], { timestamp: START_MS + 3_600_001 }), 'INVALID_TIMESTAMP'],
    [
      'from too long ago',
      () => batchOf(['a'], { timestamp: START_MS - 1001 }),
      'INVALID_TIMESTAMP',
      { 'message.timestamp.before.max.ms': 1000 },
    ],
    [
      'larger than max.message.bytes',
      () => batchOf(['a'.repeat(100)]),
      'MESSAGE_TOO_LARGE',
      { 'max.message.bytes': 150 },
    ],
    ['larger than a segment', () => batchOf(['a'.repeat(100)]), 'RECORD_LIST_TOO_LARGE', { 'segment.bytes': 150 }],
  ];

  test.each(cases)('%s is refused, and nothing of it is appended', async (_name, makeBatch, error, overrides = {}) => {
    const result = await refusal(makeBatch(), overrides);
    expect(result.error?.name).toBe(error);
    expect(result.errorMessage).not.toBe('');
    expect(result).toMatchObject({ baseOffset: -1, lastOffset: -1 });
  });

  test.each(['a flipped bit in the records', 'a flipped bit in the header'])('with %s is refused', async (name) => {
    const batch = Buffer.from(batchOf(['hello']));
    batch[name.includes('header') ? 30 : batch.length - 3] ^= 0x10;
    expect((await refusal(batch)).error).toBe(Errors.CORRUPT_MESSAGE);
  });

  test('is taken at exactly the limits', async () => {
    const batch = batchOf(['a'.repeat(100)], { timestamp: START_MS + 3_600_000 });
    const limits = { 'max.message.bytes': batch.length, 'segment.bytes': batch.length };
    expect((await refusal(batch, limits)).error).toBeUndefined();
  });

  test('names the records whose timestamps are out of range', async () => {
    const batch = batchOf(['a', 'b', 'c'], { timestamps: [START_MS, START_MS + 9_000_000, START_MS + 1] });
    const { recordErrors } = await refusal(batch);
    expect(recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([1]);
  });
});

describe('a batch with a bad record in every place', () => {
  test('is refused with the first few of them named: an answer has an end', async () => {
    const count = 50_000;
    const batch = batchOf(Array(count).fill(''), { timestamp: START_MS + 9_000_000, compression: 'zstd' });
    const { error, recordErrors } = await refusal(batch);
    expect(error).toBe(Errors.INVALID_TIMESTAMP);
    expect(recordErrors.length).toBeGreaterThan(0);
    expect(recordErrors.length).toBeLessThanOrEqual(100);
  });
});

describe('a compacted topic', () => {
  const compacted = { 'cleanup.policy': ['compact'] };

  test('refuses a record without a key and says which', async () => {
    const { buildBatch } = await import('#protocol');
    const record = (key: Buffer | null) => ({ key, value: Buffer.from('v'), headers: [], timestamp: START_MS });
    for (const compression of ['none', 'gzip'] as const) {
      const batch = buildBatch([record(Buffer.from('k')), record(null)], { compression });
      const result = await refusal(batch, compacted);
      expect(result.error).toBe(Errors.INVALID_RECORD);
      expect(result.recordErrors[0].batchIndex).toBe(1);
    }
  });

  test('takes records with keys', async () => {
    expect((await refusal(batchOf(['a', 'b']), compacted)).error).toBeUndefined();
  });
});

describe('compression.type', () => {
  const codecs = ['gzip', 'snappy', 'lz4', 'zstd', 'uncompressed'] as const;

  test.each(codecs)('%s is what is stored, whatever the producer sent; the records stay as they are', async (type) => {
    const { buildBatch } = await import('#protocol');
    for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const scene = await openScene();
      const log = createLog(scene, { 'compression.type': type });
      const records = ['a', 'b'.repeat(500)].map((value) => ({
        key: Buffer.from('k'),
        value: Buffer.from(value),
        headers: [{ key: 'h', value: null }],
        timestamp: START_MS,
      }));
      const batch = buildBatch(records, { compression, producerId: 3, producerEpoch: 0, baseSequence: 0 });
      expect(log.append(batch, { leaderEpoch: 0, origin: 'client' })).toMatchObject({
        error: undefined,
        lastOffset: 1,
      });
      const stored = Buffer.concat(
        (await log.read(0, { bytesMax: 5000, endOffsetMax: 2, atLeastOneBatch: true })).records,
      );
      const header = readBatchHeader(stored, 0);
      expect(header.compression).toBe(type === 'uncompressed' ? 'none' : type);
      expect(header).toMatchObject({ sizeInBytes: stored.length, producerId: 3, recordCount: 2 });
      expect(verifyBatchCrc(stored, 0, header)).toBe(true);
      expect(valuesIn(stored)).toEqual(['0=a', `1=${'b'.repeat(500)}`]);
    }
  });

  test('refuses what cannot be decompressed, and what is too large afterwards', async () => {
    const { buildBatch } = await import('#protocol');
    const record = { key: Buffer.from('k'), value: Buffer.alloc(5000, 'x'), headers: [], timestamp: START_MS };
    const zipped = buildBatch([record], { compression: 'gzip' });
    const garbage = Buffer.from(zipped);
    garbage.fill(0x55, 61);
    sealBatch(garbage);
    const uncompressed = { 'compression.type': 'uncompressed' } as const;
    expect((await refusal(garbage, uncompressed)).error).toBe(Errors.CORRUPT_MESSAGE);
    expect((await refusal(zipped, { ...uncompressed, 'max.message.bytes': 1000 })).error).toBe(
      Errors.MESSAGE_TOO_LARGE,
    );
    const bounded = { ...uncompressed, 'max.decompressed.message.bytes': 100 };
    expect((await refusal(zipped, bounded)).error).toBe(Errors.MESSAGE_TOO_LARGE);
  });
});

describe('what is stored', () => {
  test('has its offset and leader epoch in a fresh head, and the bytes of the client behind it', async () => {
    const log = createLog(await openScene());
    appendValues(log, ['x', 'y']);
    const batch = batchOf(['a', 'b', 'c']);
    log.append(batch, { leaderEpoch: 6, origin: 'client' });
    const read = await log.read(2, { bytesMax: 1000, endOffsetMax: 5, atLeastOneBatch: true });
    const stored = Buffer.concat(read.records);
    const header = readBatchHeader(stored, 0);
    expect(header).toMatchObject({ baseOffset: 2, lastOffset: 4, partitionLeaderEpoch: 6 });
    expect(verifyBatchCrc(stored, 0, header)).toBe(true);
    expect(stored.subarray(16).equals(batch.subarray(16))).toBe(true);
    expect(read.records.some((slice) => slice.buffer === batch.buffer)).toBe(true);
  });

  test('carries the time of the broker under LogAppendTime, with a checksum that is right', async () => {
    const scene = await openScene();
    const log = createLog(scene, { 'message.timestamp.type': 'LogAppendTime' });
    const batch = batchOf(['a', 'b'], { timestamp: 12345 });
    const before = crc32c(batch);
    const result = log.append(batch, { leaderEpoch: 0, origin: 'client' });
    expect(result.logAppendTime).toBe(START_MS);
    expect(crc32c(batch)).toBe(before);
    const stored = Buffer.concat(
      (await log.read(0, { bytesMax: 1000, endOffsetMax: 2, atLeastOneBatch: true })).records,
    );
    const header = readBatchHeader(stored, 0);
    expect(header).toMatchObject({ timestampType: 'append', maxTimestamp: START_MS });
    expect(verifyBatchCrc(stored, 0, header)).toBe(true);
    expect(valuesIn(stored)).toEqual(['0=a', '1=b']);
    await scene.clock.settle();
    expect((await log.offsetForTimestamp(START_MS))?.offset).toBe(0);
  });

  test('several batches of the coordinator go in together, or none of them', async () => {
    const scene = await openScene();
    const log = createLog(scene);
    const both = Buffer.concat([batchOf(['a']), batchOf(['b', 'c'])]);
    expect(log.append(both, { leaderEpoch: 0, origin: 'coordinator' })).toMatchObject({ baseOffset: 0, lastOffset: 2 });
    const broken = Buffer.concat([batchOf(['d']), batchOf(['e'])]);
    broken[broken.length - 1] ^= 1;
    expect(log.append(broken, { leaderEpoch: 0, origin: 'coordinator' }).error).toBe(Errors.CORRUPT_MESSAGE);
    await scene.clock.settle();
    expect(await readValues(log)).toEqual(['0=a', '1=b', '2=c']);
  });

  test('copied batches keep their offsets and epochs, and may not go back', async () => {
    const log = createLog(await openScene());
    const copied = batchOf(['a'], { partitionLeaderEpoch: 4 });
    copied.writeBigInt64BE(10n, 0);
    expect(log.append(Buffer.from(copied), { leaderEpoch: 9, origin: 'log' })).toMatchObject({
      baseOffset: 10,
      lastOffset: 10,
    });
    expect(log.leaderEpochs.latest).toEqual({ epoch: 4, startOffset: 10 });
    expect(log.append(copied, { leaderEpoch: 9, origin: 'log' }).error).toBe(Errors.OFFSET_OUT_OF_RANGE);
  });
});
