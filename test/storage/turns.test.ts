import { expect, test } from '@jest/globals';
import { Deferred } from '#core';
import { Turns } from '../../src/storage/directory/turns.ts';

test('work is done in the order in which it came, never two at a time, also after work that failed', async () => {
  const turns = new Turns();
  const [first, second] = [new Deferred<string>(), new Deferred<string>()];
  const begun: string[] = [];
  const work = (name: string, result: Promise<string>) => () => {
    begun.push(name);
    return result;
  };
  const results = [
    turns.take(work('first', first.promise)),
    turns.take(work('second', second.promise)),
    turns.take(work('third', Promise.resolve('too'))),
  ];
  await Promise.resolve();
  expect(begun).toEqual(['first']);
  first.reject(new Error('no'));
  await expect(results[0]).rejects.toThrow('no');
  expect(begun).toEqual(['first', 'second']);
  second.resolve('yes');
  expect(await results[1]).toBe('yes');
  expect(await results[2]).toBe('too');
});
