import { describe, expect, jest, test } from '@jest/globals';
import { compress, crc32c } from '#core';
import {
  batches,
  buildTransactionMarker,
  Errors,
  readBatchHeader,
  readRecords,
  sealBatch,
  verifyBatchCrc,
} from '#protocol';
import { type AppendOrigin, type AppendResult, type PartitionLog, type TopicConfig, topicConfig } from '#storage';
import { batchCases, type Outcome } from './malformed-batches.ts';
import { rawBatch } from './raw-batch.ts';
import { appendValues, batchOf, createLog, openScene, readValues, START_MS, valuesIn } from './scene.ts';

const MEBIBYTE = 1024 * 1024;
/** A raw block that says it holds 1 GiB. */
const SNAPPY_LIE = Buffer.from('8080808004000000', 'hex');

async function refusal(batch: Buffer, overrides: Partial<TopicConfig> = {}, origin: AppendOrigin = 'client') {
  const log = createLog(await openScene(), overrides);
  const before = Buffer.from(batch);
  const result = log.append(batch, { leaderEpoch: 3, origin });
  expect(batch.equals(before)).toBe(true);
  expect(log.logEndOffset).toBe(result.error === undefined ? result.lastOffset + 1 : 0);
  return result;
}

describe('what Apache Kafka decides of a batch, we decide', () => {
  const cases = batchCases.filter(({ version }) => version === undefined);

  test.each(cases)('$name: $ours', async ({ config, batch, ours }) => {
    const log = createLog(await openScene(), topicConfig(config));
    const bytes = batch(START_MS);
    const before = Buffer.from(bytes);
    const result = log.append(bytes, { leaderEpoch: 3, origin: 'client' });
    expect(outcomeOf(result)).toBe(ours);
    expect(bytes.equals(before)).toBe(true);
    if (result.error !== undefined) {
      expect(result).toMatchObject({ baseOffset: -1, lastOffset: -1, errorMessage: expect.stringMatching(/./) });
      expect(log.logEndOffset).toBe(0);
    } else await expectReadable(log);
  });

  test('but for a few kinds, each with its reason', () => {
    const different = cases.filter(({ kafka, ours }) => kafka !== ours);
    expect(different.filter(({ why }) => why === undefined)).toEqual([]);
    expect(new Set(different.map(({ why }) => why)).size).toBe(6);
  });
});

function outcomeOf({ error, baseOffset, lastOffset, recordErrors }: AppendResult): Outcome {
  if (error === undefined) return lastOffset - baseOffset + 1;
  const indices = recordErrors.map(({ batchIndex }) => batchIndex).join(',');
  return `${error.name} ${indices}`.trim() as Outcome;
}

/** What was taken can be read: all of it, at the offsets that were promised, under a header that tells the truth. */
async function expectReadable(log: PartitionLog): Promise<void> {
  const endOffset = log.logEndOffset;
  const read = await log.read(0, { bytesMax: 1e9, endOffsetMax: endOffset, atLeastOneBatch: true });
  const stored = Buffer.concat(read.records);
  const cursor = readRecords(stored, 0, { decompressedBytesMax: 1e8 });
  const { header } = cursor;
  expect(verifyBatchCrc(stored, 0, header)).toBe(true);
  expect(header.sizeInBytes).toBe(stored.length);
  let maxTimestamp = -1;
  for (let offset = 0; offset < endOffset; offset++) {
    const record = cursor.next();
    expect(record?.offset).toBe(offset);
    maxTimestamp = Math.max(maxTimestamp, record?.timestamp ?? -1);
  }
  expect(cursor.next()).toBeUndefined();
  expect(header).toMatchObject({ maxTimestamp, lastOffset: endOffset - 1, deleteHorizonMs: undefined });
  expect(header.timestampType).toBe(log.config['message.timestamp.type'] === 'CreateTime' ? 'create' : 'append');
}

describe('a batch of a transaction', () => {
  test('needs a producer', async () => {
    expect((await refusal(batchOf(['a'], { isTransactional: true }))).error).toBe(Errors.INVALID_RECORD);
  });
});

describe('limits', () => {
  test('are met by a batch that is exactly as large, and as late', async () => {
    const batch = batchOf(['a'.repeat(100)], { timestamp: START_MS + 3_600_000 });
    const limits = { 'max.message.bytes': batch.length, 'segment.bytes': batch.length };
    expect((await refusal(batch, limits)).error).toBeUndefined();
    const early = { ...limits, 'message.timestamp.after.max.ms': 3_599_999 };
    expect((await refusal(batch, early)).error).toBe(Errors.INVALID_TIMESTAMP);
  });

  test.each(['gzip', 'lz4', 'zstd', 'snappy'] as const)(
    'end what a batch of %s may grow to at 4 MiB and 32 times its size, and no more memory is taken than that',
    async (codec) => {
      const section = codec === 'snappy' ? SNAPPY_LIE : compress(codec, Buffer.alloc(64 * MEBIBYTE));
      const bomb = rawBatch({ codec, section }, START_MS);
      const bytesMax = 4 * MEBIBYTE + 32 * bomb.length;
      const allocated = jest.spyOn(Buffer, 'allocUnsafe');
      const { error, errorMessage } = await refusal(bomb);
      const bytes = allocated.mock.calls.reduce((sum, [size]) => sum + size, 0);
      allocated.mockRestore();
      expect(error).toBe(Errors.MESSAGE_TOO_LARGE);
      expect(errorMessage).toContain(`hold more than the ${bytesMax} bytes allowed once decompressed`);
      expect(bytes).toBeLessThan(bytesMax + MEBIBYTE);
    },
  );

  test('of a compressed batch are 256 MiB, however large it is', async () => {
    const section = Buffer.concat([zstdBomb(300), Buffer.alloc(9 * MEBIBYTE)]);
    const bomb = rawBatch({ codec: 'zstd', section }, START_MS);
    const { error, errorMessage } = await refusal(bomb, { 'max.message.bytes': 16 * MEBIBYTE });
    expect(error).toBe(Errors.MESSAGE_TOO_LARGE);
    expect(errorMessage).toMatch(/hold more than the 268435456 bytes/);
  });

  test('let through what compresses a hundred times better than it should, in a batch of common size', async () => {
    const zeros = batchOf(['\0'.repeat(4 * MEBIBYTE)], { compression: 'zstd' });
    expect(zeros.length).toBeLessThan(MEBIBYTE / 1000);
    const log = createLog(await openScene());
    expect(log.append(zeros, { leaderEpoch: 3, origin: 'client' }).error).toBeUndefined();
    const bounded = await refusal(zeros, { 'max.decompressed.message.bytes': 1000 });
    expect(bounded).toMatchObject({
      error: Errors.INVALID_RECORD,
      errorMessage: expect.stringMatching(/more than the 1005 bytes/),
    });
  });

  test('of a compressed record are named with the record', async () => {
    const batch = batchOf(['a', 'b'.repeat(50)], { compression: 'lz4' });
    const { errorMessage } = await refusal(batch, { 'max.decompressed.message.bytes': 30 });
    expect(errorMessage).toMatch(/record 1 has 58 bytes, 30 are allowed/);
  });
});

/** A frame of blocks that each say: 128 KiB of zeros. */
function zstdBomb(megabytes: number): Buffer {
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x68]);
  const block = Buffer.alloc(4);
  block.writeUIntLE((131_072 << 3) | 2, 0, 3);
  const last = Buffer.from([1, 0, 0]);
  return Buffer.concat([head, ...Array<Buffer>(megabytes * 8).fill(block), last]);
}

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

  test('goes for batches of the coordinator too, but for control records, which are never compressed', async () => {
    const log = createLog(await openScene(), { 'compression.type': 'gzip' });
    const marker = buildTransactionMarker(
      { type: 'commit', coordinatorEpoch: 0 },
      { producerId: 4, producerEpoch: 0 },
      START_MS,
    );
    for (const batch of [batchOf(['a', 'b'], { compression: 'lz4' }), marker])
      expect(log.append(batch, { leaderEpoch: 0, origin: 'coordinator' }).error).toBeUndefined();
    const { records } = await log.read(0, { bytesMax: 5000, endOffsetMax: 3, atLeastOneBatch: true });
    const stored = [...batches(Buffer.concat(records))].map(({ header }) => header);
    expect(stored.map(({ compression, isControl }) => [compression, isControl])).toEqual([
      ['gzip', false],
      ['none', true],
    ]);
    expect(valuesIn(Buffer.concat(records)).slice(0, 2)).toEqual(['0=a', '1=b']);
  });

  test('refuses what cannot be decompressed, and what is too large afterwards', async () => {
    const { buildBatch } = await import('#protocol');
    const record = { key: Buffer.from('k'), value: Buffer.alloc(5000, 'x'), headers: [], timestamp: START_MS };
    const zipped = buildBatch([record], { compression: 'gzip' });
    const garbage = Buffer.from(zipped);
    garbage.fill(0x55, 61);
    sealBatch(garbage);
    const uncompressed = { 'compression.type': 'uncompressed' } as const;
    expect((await refusal(garbage, uncompressed)).error).toBe(Errors.INVALID_RECORD);
    expect((await refusal(zipped, { ...uncompressed, 'max.message.bytes': 1000 })).error).toBe(
      Errors.MESSAGE_TOO_LARGE,
    );
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
