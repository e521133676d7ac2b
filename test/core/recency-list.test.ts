import { expect, test } from '@jest/globals';
import { RecencyList, type Recent, seededRandom } from '#core';

class Item implements Recent<Item> {
  readonly id: number;
  newer: Item | undefined = undefined;
  older: Item | undefined = undefined;

  constructor(id: number) {
    this.id = id;
  }
}

function idsOf(list: RecencyList<Item>): number[] {
  const ids: number[] = [];
  for (let item = list.oldest; item !== undefined; item = item.newer) ids.push(item.id);
  return ids;
}

test('has the order of last uses, as a list that is searched each time would have it', () => {
  const random = seededRandom(3);
  const items = Array.from({ length: 12 }, (_, id) => new Item(id));
  const list = new RecencyList<Item>();
  let expected: number[] = [];
  for (let step = 0; step < 5_000; step++) {
    const item = items[Math.floor(random.float() * items.length)];
    expected = expected.filter((id) => id !== item.id);
    if (random.float() < 0.6) {
      list.touch(item);
      expected.push(item.id);
    } else list.remove(item);
    expect(idsOf(list)).toEqual(expected);
    expect(list.size).toBe(expected.length);
  }
});

test('one that has left knows nobody any more', () => {
  const list = new RecencyList<Item>();
  const [first, second] = [new Item(1), new Item(2)];
  list.touch(first);
  list.touch(second);
  list.remove(first);
  expect([first.newer, first.older, second.older]).toEqual([undefined, undefined, undefined]);
});
