import { describe, expect, it } from '@jest/globals';
import { assignorByName } from '#assign';
import { silentLogger } from '#core';
import { decodeAssignment, decodeSubscription, encodeSubscription } from '#protocol';
import {
  changes,
  joinProtocols,
  planAssignments,
  readAssignment,
  readMembers,
  rebalanceProtocolOf,
  topicsOf,
} from '../../../src/client/consumer/group-protocol.ts';

const at = (topic: string, partition: number) => ({ topic, partition });
const member = {
  topics: ['b', 'a'],
  owned: [at('a', 1), at('a', 2), at('b', 0)],
  generationId: 4,
  lastAssignment: undefined,
  rackId: 'r',
};

describe('a member that joins', () => {
  it('says the same about itself for each of its assignors, the preferred first', () => {
    const protocols = joinProtocols(['range', 'cooperative-sticky'].map(assignorByName), member);
    expect(protocols.map(({ name }) => name)).toEqual(['range', 'cooperative-sticky']);
    expect(decodeSubscription(protocols[0].metadata)).toMatchObject({
      topics: ['a', 'b'],
      ownedPartitions: [
        { topic: 'a', partitions: [1, 2] },
        { topic: 'b', partitions: [0] },
      ],
      generationId: 4,
      rackId: 'r',
    });
  });

  it('hands the sticky assignor its last assignment, with the generation it is from', () => {
    const lastAssignment = { partitions: [at('a', 1)], generationId: 3 };
    const [{ metadata }] = joinProtocols([assignorByName('sticky')], { ...member, lastAssignment });
    expect(decodeSubscription(metadata).userData?.length).toBeGreaterThan(0);
  });
});

describe('the rebalance protocol', () => {
  it.each([
    [['cooperative-sticky'], 'cooperative'],
    [['range'], 'eager'],
    [['range', 'cooperative-sticky'], 'eager'],
  ])('of %j is %s', (names, protocol) => {
    expect(rebalanceProtocolOf(names.map(assignorByName))).toBe(protocol);
  });
});

describe('the leader', () => {
  const joined = (memberId: string, metadata: Buffer) => ({ memberId, groupInstanceId: null, metadata });

  it('plans for everybody, and leaves out topics that are not there', () => {
    const members = readMembers(
      [
        joined('m1', encodeSubscription({ topics: ['a', 'missing'] })),
        joined('m2', encodeSubscription({ topics: ['a'] })),
      ],
      silentLogger,
    );
    expect([...topicsOf(members)].sort()).toEqual(['a', 'missing']);
    const plan = planAssignments(assignorByName('range'), members, new Map([['a', 3]]));
    const read = plan.map(({ memberId, assignment }) => [memberId, decodeAssignment(assignment).assignedPartitions]);
    expect(Object.fromEntries(read)).toEqual({
      m1: [{ topic: 'a', partitions: [0, 1] }],
      m2: [{ topic: 'a', partitions: [2] }],
    });
  });

  it('gives nothing to a member whose bytes make no sense, and plans for the others', () => {
    const members = readMembers(
      [joined('broken', Buffer.from([0, 1, 0, 0, 0, 9])), joined('m2', encodeSubscription({ topics: ['a'] }))],
      silentLogger,
    );
    const plan = planAssignments(assignorByName('range'), members, new Map([['a', 2]]));
    const counts = plan.map(({ memberId, assignment }) => `${memberId}: ${readAssignment(assignment).length}`);
    expect(counts.sort()).toEqual(['broken: 0', 'm2: 2']);
  });
});

describe('an assignment', () => {
  it('of no bytes is empty', () => {
    expect(readAssignment(Buffer.alloc(0))).toEqual([]);
  });

  it('is compared with the last one by topic and number', () => {
    expect(changes([at('a', 0), at('a', 1)], [at('a', 1), at('b', 0)])).toEqual({
      added: [at('b', 0)],
      revoked: [at('a', 0)],
    });
  });
});
