/**
 * A consumer group whose last member of the consumer protocol has gone becomes a classic one: its members keep what they were to have, and are
 * told to rejoin where that is not what they have.
 */

import type { TopicIdPartitions } from '#assign';
import { encodeAssignment } from '#protocol';
import type { Turn } from '../../coordination/turn.ts';
import { ClassicGroup } from '../classic-group.ts';
import type { Coordinator } from '../coordinator.ts';
import { prepareRebalance, touch } from '../rebalance.ts';
import { groupRecord, type StoredGroup } from '../records.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import type { ConsumerMember } from './consumer-member.ts';
import { groupTombstones } from './consumer-records.ts';
import { clearMemberAlarms } from './member-alarms.ts';

/** Whether a group with just these members is to be a classic one. */
export function mayBecomeClassic({ settings }: Coordinator, members: ReadonlyMap<string, ConsumerMember>): boolean {
  const { consumerMigrationPolicy, groupMemberCountMax } = settings;
  const isAllowed = consumerMigrationPolicy === 'downgrade' || consumerMigrationPolicy === 'bidirectional';
  if (!isAllowed || members.size === 0 || members.size > groupMemberCountMax) return false;
  return [...members.values()].every(({ classic }) => classic !== null);
}

export interface Downgrade {
  /** Those who stay; all of them speak the classic protocol. */
  readonly members: ReadonlyMap<string, ConsumerMember>;
  /** They must join anew to get to what they are to have. */
  readonly rebalances: boolean;
}

/**
 * Proposes what ends the consumer group and begins the classic one, which is alive at once: only so it keeps all protocols of its members, which its
 * record has no room for. The replay of these records then finds it as they tell it.
 */
export function becomeClassic(
  coordinator: Coordinator,
  group: ConsumerGroup,
  { members, rebalances }: Downgrade,
  turn: Turn,
): boolean {
  const classic = classicOf(coordinator, group, members, turn.now.wallMs);
  const assignments = new Map([...classic.members.values()].map(({ memberId, assignment }) => [memberId, assignment]));
  const stored = classic.toStored(assignments, turn.now.wallMs);
  const records = [...groupTombstones(group, group.members.keys()), groupRecord(group.groupId, stored)];
  if (!turn.propose(records)) return false;
  for (const memberId of group.members.keys()) clearMemberAlarms(coordinator, group.groupId, memberId, turn);
  coordinator.groups.set(group.groupId, classic);
  for (const member of classic.members.values()) touch(coordinator, member, turn);
  if (rebalances) prepareRebalance(coordinator, classic, turn);
  return true;
}

function classicOf(
  coordinator: Coordinator,
  group: ConsumerGroup,
  members: ReadonlyMap<string, ConsumerMember>,
  wallMs: number,
): ClassicGroup {
  const classic = new ClassicGroup(group.groupId);
  classic.restore(storedGroup(coordinator, group, members, wallMs));
  for (const member of classic.members.values()) {
    member.protocols = members.get(member.memberId)!.classic!.supportedProtocols;
  }
  classic.chooseProtocol();
  return classic;
}

/** In the first protocol of each, until one is chosen. */
function storedGroup(
  { cluster }: Coordinator,
  group: ConsumerGroup,
  members: ReadonlyMap<string, ConsumerMember>,
  wallMs: number,
): StoredGroup {
  const assignmentOf = (target: TopicIdPartitions, version: number) => {
    const assignedPartitions = [...target].flatMap(([topicId, partitions]) => {
      const topic = cluster.topicById(topicId);
      return topic === undefined ? [] : [{ topic: topic.name, partitions }];
    });
    return encodeAssignment({ assignedPartitions, userData: null }, version);
  };
  return {
    protocolType: 'consumer',
    generation: group.groupEpoch,
    protocol: null,
    leader: null,
    currentStateTimestamp: wallMs,
    members: [...members.values()].map((member) => {
      const { sessionTimeoutMs, supportedProtocols } = member.classic!;
      const { metadata } = supportedProtocols[0];
      return {
        memberId: member.memberId,
        groupInstanceId: member.instanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: sessionTimeoutMs,
        subscription: metadata,
        assignment: assignmentOf(group.targetOf(member), Math.min(metadata.readInt16BE(0), 3)),
      };
    }),
  };
}
