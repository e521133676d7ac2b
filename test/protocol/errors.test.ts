import { expect, test } from '@jest/globals';
import { Errors, errorByCode, errorByName, toKafkaError } from '#protocol';

test('The codes are the numbers from -1 to 136 without a gap, each with a text of one line', () => {
  const rows = Object.values(Errors);
  expect(rows.map((row) => row.code)).toEqual(Array.from({ length: 138 }, (_, index) => index - 1));
  for (const row of rows) expect(row.message).toMatch(/^\S.{5,98}\.$/);
});

test('Every row is found by code and by name', () => {
  for (const [name, row] of Object.entries(Errors)) {
    expect(row.name).toBe(name);
    expect(errorByCode(row.code)).toBe(row);
    expect(errorByName(name)).toBe(row);
  }
});

test('A code of a newer broker reads as UNKNOWN_SERVER_ERROR and keeps its number', () => {
  expect(errorByCode(999)).toBe(Errors.UNKNOWN_SERVER_ERROR);
  expect(toKafkaError(999)).toMatchObject({ code: 'UNKNOWN_SERVER_ERROR', errorCode: 999, retriable: false });
  expect(errorByName('toString')).toBeUndefined();
});

test('A KafkaError carries name, number and whether to try again, with the detail before the text', () => {
  const error = toKafkaError(Errors.NOT_LEADER_OR_FOLLOWER, 'orders-3');
  expect(error).toMatchObject({ code: 'NOT_LEADER_OR_FOLLOWER', errorCode: 6, retriable: true });
  expect(error.message).toBe(`orders-3: ${Errors.NOT_LEADER_OR_FOLLOWER.message}`);
});

test('What calls for fresh metadata is marked', () => {
  expect(Errors.UNKNOWN_TOPIC_OR_PARTITION.invalidMetadata).toBe(true);
  expect(Errors.COORDINATOR_LOAD_IN_PROGRESS).toMatchObject({ retriable: true, invalidMetadata: false });
});
