import { expect, it } from '@jest/globals';
import { coordinatorPartition } from '../../../src/broker/coordination/placement.ts';

it.each([
  ['g-classic', 18],
  ['g-consumer', 32],
  ['tx1', 45],
  ['my-group', 12],
  ['', 0],
  ['polygenelubricants', 0], // Its hash is -2^31, which has no absolute value.
])('the group %p is looked after by partition %i of 50, as in Kafka', (groupId, partition) => {
  expect(coordinatorPartition(groupId, 50)).toBe(partition);
});
