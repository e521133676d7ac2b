/** What is known of damage: once each, and told as somebody can use it. */
import { describe, expect, test } from '@jest/globals';
import { DamageBook, type DamagedRange, damageText, remedyText } from '../../src/storage/recovery/damage-book.ts';

function rangeOf(startOffset: number, endOffset: number): DamagedRange {
  const file = '/data/orders-0/00000000000000000000.log';
  return { file, position: 812, endPosition: 900, startOffset, endOffset, damage: 'a wrong checksum' };
}

describe('a damage book', () => {
  test('takes each place once, and again when more of it is known', () => {
    const book = new DamageBook();
    expect([book.note(rangeOf(4, 7)), book.note(rangeOf(4, 7)), book.note(rangeOf(4, 9))]).toEqual([true, false, true]);
    expect(book.ranges).toEqual([rangeOf(4, 9)]);
  });

  test('knows which offsets are damaged', () => {
    const book = new DamageBook([rangeOf(4, 7), rangeOf(20, 21)]);
    expect([3, 4, 6, 7, 20].map((offset) => book.at(offset)?.startOffset)).toEqual([undefined, 4, 4, undefined, 20]);
    expect([book.touches(0, 4), book.touches(0, 5), book.touches(7, 20), book.touches(20, 30)]).toEqual([
      false,
      true,
      false,
      true,
    ]);
    book.forgetBelow(7);
    expect(book.ranges).toEqual([rangeOf(20, 21)]);
  });

  test('holds a bounded number of places', () => {
    const book = new DamageBook();
    for (let offset = 0; offset < 1500; offset++) book.note(rangeOf(offset, offset + 1));
    expect([book.count, book.at(499), book.at(500)?.startOffset]).toEqual([1000, undefined, 500]);
  });
});

test.each([
  [rangeOf(4, 7), 'offsets 4 to 6'],
  [rangeOf(4, 5), 'offset 4'],
])('damage is told with its file, its place and its offsets', (range, offsets) => {
  expect(damageText(range)).toBe(`00000000000000000000.log is damaged at position 812 (${offsets}): a wrong checksum`);
});

test.each([
  ['/var/lib/springtide', '/var/lib/springtide'],
  ['./data', './data'],
  ['/my data', "'/my data'"],
  ["/it's", "'/it'\\''s'"],
  ['/$HOME', "'/$HOME'"],
])('the command for a log in %s can be pasted into a shell', (folder, quoted) => {
  expect(remedyText(`${folder}/orders-0`)).toBe(
    `What can be done, with the broker stopped: springtide repair ${quoted} orders-0`,
  );
});
