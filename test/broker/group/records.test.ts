import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ZERO_UUID } from '#core';
import {
  groupRecord,
  groupTombstone,
  offsetRecord,
  offsetTombstone,
  readRecord,
} from '../../../src/broker/group/records.ts';

/** Written by golden/Records.java. */
const golden = readFileSync(new URL('./golden/records.txt', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => {
    const [what, version, key, value] = line.split(' ');
    return { what, version: Number(version.slice(1)), key: Buffer.from(key, 'hex'), value: Buffer.from(value, 'hex') };
  });

const committed = {
  offset: 42,
  leaderEpoch: 7,
  metadata: 'm€',
  commitTimestampMs: 1700000000123,
  expireTimestampMs: -1,
  topicId: 'mRyrmX9VTIWsDvx7xZs5Zw',
};

const member = {
  memberId: 'a-1',
  groupInstanceId: null,
  clientId: 'client',
  clientHost: '/127.0.0.1',
  sessionTimeout: 45000,
};
const group = {
  protocolType: 'consumer',
  generation: 5,
  protocol: 'range',
  leader: 'a-1',
  currentStateTimestamp: 1700000000123,
  members: [
    { ...member, rebalanceTimeout: 300000, subscription: Buffer.from('hello'), assignment: Buffer.from('0001', 'hex') },
    {
      ...member,
      memberId: 'b-2',
      groupInstanceId: 'i1',
      rebalanceTimeout: 60000,
      subscription: Buffer.alloc(0),
      assignment: Buffer.alloc(0),
    },
  ],
};

function goldenOf(what: string, version: number) {
  return golden.find((each) => each.what === what && each.version === version)!;
}

describe('records of __consumer_offsets', () => {
  it('are written byte for byte as Kafka writes them', () => {
    const offset = offsetRecord('group', 'topic', 3, committed);
    expect(offset.key).toEqual(goldenOf('offset', 4).key);
    expect(offset.value).toEqual(goldenOf('offset', 4).value);
    const expiring = offsetRecord('group', 'topic', 3, { ...committed, expireTimestampMs: 1700000600123 });
    expect(expiring.value).toEqual(goldenOf('offset', 1).value);
    const stored = groupRecord('group', group);
    expect(stored.key).toEqual(goldenOf('group', 3).key);
    expect(stored.value).toEqual(goldenOf('group', 3).value);
    expect(groupTombstone('group')).toEqual({ key: goldenOf('group', 3).key, value: null });
    expect(offsetTombstone('group', 'topic', 3)).toEqual({ key: goldenOf('offset', 4).key, value: null });
  });

  it.each(golden.filter(({ what }) => what === 'offset'))(
    'an offset of version $version is read with all it holds',
    ({ version, key, value }) => {
      expect(readRecord({ key, value })).toEqual({
        type: 'offset',
        groupId: 'group',
        topic: 'topic',
        partition: 3,
        committed: {
          ...committed,
          leaderEpoch: version >= 3 ? 7 : -1,
          expireTimestampMs: version === 1 ? 1700000600123 : -1,
          topicId: version >= 4 ? committed.topicId : ZERO_UUID,
        },
      });
    },
  );

  it.each(golden.filter(({ what }) => what === 'group'))(
    'a group of version $version is read with all it holds',
    ({ version, key, value }) => {
      const members = group.members.map((each) => ({
        ...each,
        rebalanceTimeout: version >= 1 ? each.rebalanceTimeout : -1,
        groupInstanceId: version >= 3 ? each.groupInstanceId : null,
      }));
      const currentStateTimestamp = version >= 2 ? group.currentStateTimestamp : -1;
      expect(readRecord({ key, value })).toEqual({
        type: 'group',
        groupId: 'group',
        stored: { ...group, currentStateTimestamp, members },
      });
    },
  );
});
