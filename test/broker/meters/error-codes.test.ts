import { expect, test } from '@jest/globals';
import { Apis } from '#protocol';
import { CODE_COUNT, CODE_MIN, errorCounter } from '../../../src/broker/meters/error-codes.ts';

function counted(api: keyof typeof Apis, body: object): Record<number, number> {
  const counts = new Float64Array(CODE_COUNT);
  errorCounter(Apis[api].response)(body, counts);
  return Object.fromEntries(
    [...counts.entries()].filter(([, count]) => count > 0).map(([at, count]) => [at + CODE_MIN, count]),
  );
}

test('the error codes of a response are counted at all its depths', () => {
  const partitionResponses = [{ errorCode: 0 }, {}, { errorCode: -1 }];
  expect(
    counted('Produce', { responses: [{ partitionResponses }, { partitionResponses: [{ errorCode: 3 }] }] }),
  ).toEqual({ '-1': 1, 0: 2, 3: 1 });
  expect(counted('Fetch', { errorCode: 70, responses: [{ partitions: [{ errorCode: 1 }] }] })).toEqual({ 1: 1, 70: 1 });
});

test('what is left out or null has none', () => {
  expect(counted('Fetch', {})).toEqual({ 0: 1 });
  expect(counted('Metadata', { topics: null })).toEqual(counted('Metadata', {}));
  expect(counted('Heartbeat', { errorCode: 25 })).toEqual({ 25: 1 });
});
