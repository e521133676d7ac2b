import { expect, it } from '@jest/globals';
import { ZERO_UUID } from '#core';
import { OffsetTable } from '../../../src/broker/group/offset-table.ts';

function committed(offset: number) {
  return { offset, leaderEpoch: -1, metadata: '', commitTimestampMs: 0, expireTimestampMs: -1, topicId: ZERO_UUID };
}

it('a transaction that is committed late takes no later commit back', () => {
  const table = new OffsetTable();
  table.set('group', 'topic', 0, committed(50), 12);
  table.set('group', 'topic', 0, committed(40), 10);
  expect(table.get('group', 'topic', 0)?.offset).toBe(50);
  table.set('group', 'topic', 0, committed(60), 13);
  expect(table.get('group', 'topic', 0)?.offset).toBe(60);
});
