import { describe, expect, it } from '@jest/globals';
import { buildBatch, controlRecordKey, encodeEndTxnMarker } from '#protocol';
import { FetchedRecords, regionEnd } from '../../../src/client/consumer/fetched-records.ts';

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

function batch(baseOffset: number, values: string[], options: Parameters<typeof buildBatch>[1] = {}): Buffer {
  const records = values.map((value) => ({ key: null, value: Buffer.from(value), timestamp: 1_000 }));
  return buildBatch(records, { baseOffset, ...options });
}

function marker(offset: number, producerId: number, type: 'commit' | 'abort'): Buffer {
  const record = { key: controlRecordKey(type), value: encodeEndTxnMarker(0), timestamp: 1_000 };
  return buildBatch([record], {
    baseOffset: offset,
    producerId,
    producerEpoch: 0,
    isTransactional: true,
    isControl: true,
  });
}

function transactional(baseOffset: number, producerId: number, values: string[]): Buffer {
  return batch(baseOffset, values, { producerId, producerEpoch: 0, baseSequence: 0, isTransactional: true });
}

function read(records: FetchedRecords): string[] {
  const read: string[] = [];
  for (let record = records.next(); record !== undefined; record = records.next()) {
    read.push(`${record.offset}:${record.value}`);
  }
  return read;
}

function open(buffer: Buffer, options: Partial<ConstructorParameters<typeof FetchedRecords>[0]> = {}): FetchedRecords {
  return new FetchedRecords({
    buffer,
    fetchOffset: 0,
    abortedTransactions: null,
    checkCrcs: true,
    decompressedBytesMax: 1_000_000,
    ...options,
  });
}

describe('fetched records', () => {
  it.each(codecs)('come out one by one from %s batches', (compression) => {
    const records = open(Buffer.concat([batch(0, ['a', 'b'], { compression }), batch(2, ['c'], { compression })]));
    expect(read(records)).toEqual(['0:a', '1:b', '2:c']);
    expect(records.nextOffset).toBe(3);
  });

  it('begin at the offset asked for, although batches are sent whole', () => {
    const records = open(batch(10, ['a', 'b', 'c']), { fetchOffset: 12 });
    expect(read(records)).toEqual(['12:c']);
  });

  it('leave a cut batch at the end alone', () => {
    const cut = batch(1, ['b']);
    const records = open(Buffer.concat([batch(0, ['a']), cut.subarray(0, cut.length - 1)]));
    expect(read(records)).toEqual(['0:a']);
    expect(records.nextOffset).toBe(1);
  });

  it('move the position over a control batch that nobody sees', () => {
    const records = open(Buffer.concat([transactional(0, 7, ['a']), marker(1, 7, 'commit')]));
    expect(read(records)).toEqual(['0:a']);
    expect(records.nextOffset).toBe(2);
  });

  it('move the position to the end of a batch whose last records were compacted away', () => {
    const compacted = batch(0, ['a', 'b']);
    // lastOffsetDelta stands outside of what is compared here, so the checksum is not looked at.
    compacted.writeInt32BE(9, 23);
    const records = open(compacted, { checkCrcs: false });
    expect(read(records)).toEqual(['0:a', '1:b']);
    expect(records.nextOffset).toBe(10);
  });

  it('keep aborted transactions from a reader of committed records, until their marker', () => {
    const buffer = Buffer.concat([
      transactional(0, 7, ['aborted']),
      transactional(1, 8, ['committed']),
      batch(2, ['plain']),
      marker(3, 7, 'abort'),
      transactional(4, 7, ['second transaction']),
      marker(5, 7, 'commit'),
      marker(6, 8, 'commit'),
    ]);
    const aborted = [{ producerId: 7, firstOffset: 0 }];
    expect(read(open(buffer, { abortedTransactions: aborted }))).toEqual([
      '1:committed',
      '2:plain',
      '4:second transaction',
    ]);
    expect(read(open(buffer))).toHaveLength(4);
  });

  it('know a transaction that was aborted twice by the same producer, in whatever order the broker lists them', () => {
    const buffer = Buffer.concat([
      transactional(0, 7, ['first']),
      marker(1, 7, 'abort'),
      transactional(2, 7, ['kept']),
      marker(3, 7, 'commit'),
      transactional(4, 7, ['third']),
      marker(5, 7, 'abort'),
    ]);
    const abortedTransactions = [
      { producerId: 7, firstOffset: 4 },
      { producerId: 7, firstOffset: 0 },
    ];
    expect(read(open(buffer, { abortedTransactions }))).toEqual(['2:kept']);
  });

  it('refuse a damaged batch before its first record, and hand out everything before it', () => {
    const damaged = batch(1, ['b']);
    damaged[damaged.length - 2] ^= 1;
    const records = open(Buffer.concat([batch(0, ['a']), damaged]));
    expect(records.next()?.offset).toBe(0);
    expect(() => records.next()).toThrow(/does not match its checksum/);
    expect(records.nextOffset).toBe(1);
  });

  it('are not checked when check.crcs is off', () => {
    const damaged = batch(0, ['b']);
    damaged[damaged.length - 2] = 'c'.charCodeAt(0);
    expect(read(open(damaged, { checkCrcs: false }))).toEqual(['0:c']);
  });

  it('come again when they are put back', () => {
    const records = open(batch(0, ['a', 'b']));
    const first = records.next();
    records.putBack(first!);
    expect(records.nextOffset).toBe(0);
    expect(read(records)).toEqual(['0:a', '1:b']);
  });

  it('refuse a batch that unfolds beyond the bound', () => {
    const bomb = batch(0, ['x'.repeat(100_000)], { compression: 'gzip' });
    expect(() => open(bomb, { decompressedBytesMax: 1_000 }).next()).toThrow(/more than the 1000 bytes/);
  });
});

describe('the end of an answer', () => {
  it('is the offset after its last whole batch, with its epoch and its bytes', () => {
    const first = batch(0, ['a', 'b'], { partitionLeaderEpoch: 3 });
    const second = batch(2, ['c'], { partitionLeaderEpoch: 4 });
    const whole = Buffer.concat([first, second]);
    expect(regionEnd(whole)).toEqual({ nextOffset: 3, leaderEpoch: 4, sizeInBytes: whole.length });
    const cut = whole.subarray(0, whole.length - 1);
    expect(regionEnd(cut)).toEqual({ nextOffset: 2, leaderEpoch: 3, sizeInBytes: first.length });
    expect(regionEnd(first.subarray(0, first.length - 1))).toBeUndefined();
  });
});
