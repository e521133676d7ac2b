/** The judge of the kill loop must see what it is there for. */
import { expect, test } from '@jest/globals';
import { Ledger } from './ledger.ts';

function judged(stored: [offset: number, number: number][], acknowledged: [offset: number, number: number][] = []) {
  const ledger = new Ledger(2);
  for (const [offset, number] of stored) ledger.stored(1, offset, number);
  for (const [offset, number] of acknowledged)
    ledger.acknowledged({ number, partition: 1, offset }, [0, ledger.endOffset(1)]);
  return ledger.violations;
}

const GOOD = { lost: 0, outOfOrder: 0, duplicate: 0 };

test('a partition that holds each number once, in order, is right', () => {
  expect(
    judged(
      [
        [0, 1],
        [1, 3],
        [2, 5],
      ],
      [
        [0, 1],
        [2, 5],
      ],
    ),
  ).toEqual(GOOD);
});

test.each([
  [
    'a number that is missing',
    [
      [0, 1],
      [1, 5],
    ],
    [],
    { ...GOOD, lost: 1 },
  ],
  [
    'a number that comes twice',
    [
      [0, 1],
      [1, 1],
      [2, 3],
    ],
    [],
    { ...GOOD, duplicate: 1 },
  ],
  [
    'a number that comes too late',
    [
      [0, 1],
      [1, 3],
      [2, 1],
    ],
    [],
    { ...GOOD, outOfOrder: 1 },
  ],
  [
    'an offset that is missing',
    [
      [0, 1],
      [2, 3],
    ],
    [],
    { ...GOOD, lost: 1 },
  ],
  [
    'an acknowledged offset that is gone',
    [[0, 1]],
    [
      [0, 1],
      [1, 3],
    ],
    { ...GOOD, lost: 1 },
  ],
  [
    'an acknowledged offset with another number',
    [
      [0, 1],
      [1, 3],
    ],
    [[1, 1]],
    { ...GOOD, lost: 1 },
  ],
] as const)('%s is seen', (_, stored, acknowledged, violations) => {
  const copy = (pairs: readonly (readonly [number, number])[]) => pairs.map(([a, b]): [number, number] => [a, b]);
  expect(judged(copy(stored), copy(acknowledged))).toEqual(violations);
});
