/** `.txnindex` in memory: its bytes, what a search finds in it, and what cannot be the index of a segment. */
import { describe, expect, test } from '@jest/globals';
import { type AbortedTxn, AbortedTxn as AbortedTxnSchema, encodeToBuffer } from '#protocol';
import { ABORTED_TXN_BYTES, TransactionIndex } from '../../src/storage/segment/transaction-index.ts';

type Entry = readonly [producerId: number, firstOffset: number, lastOffset: number, lastStableOffset: number];

const txn = ([producerId, firstOffset, lastOffset, lastStableOffset]: Entry): AbortedTxn => ({
  producerId,
  firstOffset,
  lastOffset,
  lastStableOffset,
});

function indexOf(entries: readonly Entry[]): TransactionIndex {
  const index = new TransactionIndex();
  for (const entry of entries) index.append(txn(entry));
  return index;
}

/** 1 spans 2 and 3; 4 begins when 1 has ended; 5 comes after all. */
const ENTRIES: Entry[] = [
  [2, 101, 103, 100],
  [3, 104, 106, 100],
  [1, 100, 110, 108],
  [4, 108, 112, 113],
  [5, 120, 121, 122],
];

describe('a transaction index', () => {
  test('has entries of 34 bytes, as the schema of Kafka says', () => {
    const index = indexOf(ENTRIES);
    const version = Buffer.alloc(2);
    const encoded = ENTRIES.flatMap((entry) => [version, encodeToBuffer(AbortedTxnSchema, 0, txn(entry))]);
    expect(index.content().toString('hex')).toBe(Buffer.concat(encoded).toString('hex'));
    expect(index.content()).toHaveLength(ENTRIES.length * ABORTED_TXN_BYTES);
    expect(new TransactionIndex(index.content()).entry(2)).toEqual(txn(ENTRIES[2]));
  });

  test.each<[string, number, number, number[], boolean]>([
    ['all of it', 100, 200, [2, 3, 1, 4, 5], false],
    ['the first batch of the one that spans others', 100, 101, [1], true],
    ['a batch within two', 101, 102, [2, 1], true],
    ['a marker still has its transaction', 103, 104, [2, 1], true],
    ['behind a marker it is over', 104, 105, [3, 1], true],
    ['where one begins as another is open', 108, 109, [1, 4], true],
    ['between transactions', 113, 120, [], true],
    ['behind all', 122, 130, [], false],
  ])('is searched: %s', (_name, offset, endOffset, producerIds, isAll) => {
    const found: AbortedTxn[] = [];
    expect(indexOf(ENTRIES).collect(offset, endOffset, found)).toBe(isAll);
    expect(found.map(({ producerId }) => producerId)).toEqual(producerIds);
  });

  test('forgets its last entries, and takes others', () => {
    const index = indexOf(ENTRIES);
    index.truncate(2);
    index.append(txn([9, 107, 111, 112]));
    expect([index.entryCount, index.entry(2).producerId]).toEqual([3, 9]);
  });

  test.each<[string, Entry[], boolean]>([
    ['nothing', [], true],
    ['what a segment has', ENTRIES, true],
    ['a transaction that began before the segment', [[1, 3, 100, 101]], true],
    ['a marker below the segment', [[1, 3, 99, 100]], false],
    ['a marker behind the segment', [[1, 3, 130, 131]], false],
    ['markers that go back', [ENTRIES[1], ENTRIES[0]], false],
    ['a marker twice', [ENTRIES[0], ENTRIES[0]], false],
    ['a transaction that ends where it begins', [[1, 101, 101, 102]], false],
    ['no producer', [[-1, 101, 102, 103]], false],
    ['a first offset below 0', [[1, -1, 102, 103]], false],
    ['a stable offset behind the marker', [[1, 101, 102, 104]], false],
    ['a stable offset below 0', [[1, 101, 102, -1]], false],
  ])('is that of a segment with offsets 100 to 129, or not: %s', (_name, entries, isSound) => {
    expect(indexOf(entries).isSound(100, 130)).toBe(isSound);
  });

  test('of another version is none', () => {
    const content = Buffer.from(indexOf(ENTRIES).content());
    content[ABORTED_TXN_BYTES + 1] = 1;
    expect(new TransactionIndex(content).isSound(100, 130)).toBe(false);
  });
});
