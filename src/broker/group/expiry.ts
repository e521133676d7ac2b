/**
 * Offset expiry, looked for by an alarm. An offset is measured from
 *
 *     group                          base                                        which topics
 *     Empty (had members once)       when it lost the last member; commit time   all
 *                                    where that is unknown
 *     Stable, consumers              commit                                      those no member reads
 *     simple (never had members)     commit                                      all
 *     of the consumer protocol       commit                                      those no member reads
 *     any                            the record's own expiry time, if it has one
 *
 * An offset stays while a transaction that commits another one is undecided. An Empty group without offsets, committed or pending, goes
 * altogether. Offsets of deleted topics go when the topic does.
 */

import type { Turn } from '../coordination/turn.ts';
import { groupTombstones } from './consumer/consumer-records.ts';
import type { Coordinator, Group } from './coordinator.ts';
import type { CommittedOffset } from './offset-table.ts';
import { groupTombstone, offsetTombstone } from './records.ts';

/** Writes tombstones for what has expired; false when the batch was full before everything was looked at. */
export function expire(coordinator: Coordinator, turn: Turn): boolean {
  for (const group of coordinator.groups.values()) if (!expireGroup(coordinator, group, turn)) return false;
  return true;
}

/** Writes tombstones for all offsets of these topics, pending ones too; false when the batch was full before. */
export function forgetTopics(
  { offsets, pendingOffsets }: Coordinator,
  topics: ReadonlySet<string>,
  turn: Turn,
): boolean {
  for (const groupId of offsets.groupIds()) {
    const offsetsByTopic = offsets.topics(groupId);
    for (const topic of topics) {
      for (const partition of offsetsByTopic.get(topic)?.keys() ?? []) {
        if (!turn.propose([offsetTombstone(groupId, topic, partition)])) return false;
      }
    }
  }
  for (const groupId of pendingOffsets.groupIds()) {
    for (const { topic, partition } of pendingOffsets.partitions(groupId)) {
      if (!topics.has(topic) || offsets.get(groupId, topic, partition) !== undefined) continue;
      if (!turn.propose([offsetTombstone(groupId, topic, partition)])) return false;
    }
  }
  return true;
}

function expireGroup(coordinator: Coordinator, group: Group, turn: Turn): boolean {
  const { pendingOffsets } = coordinator;
  let isBare = !pendingOffsets.hasGroup(group.groupId);
  for (const [topic, offsets] of coordinator.offsets.topics(group.groupId)) {
    for (const [partition, committed] of offsets) {
      const isPending = pendingOffsets.has(group.groupId, topic, partition);
      if (isPending || !isExpired(coordinator, group, topic, committed, turn.now.wallMs)) isBare = false;
      else if (!turn.propose([offsetTombstone(group.groupId, topic, partition)])) return false;
    }
  }
  if (!isBare || group.state !== 'Empty') return true;
  if (group.type === 'consumer') return turn.propose(groupTombstones(group, []));
  return group.pendingMembers.size > 0 || turn.propose([groupTombstone(group.groupId)]);
}

function isExpired(
  coordinator: Coordinator,
  group: Group,
  topic: string,
  committed: CommittedOffset,
  wallMs: number,
): boolean {
  const baseMs = baseTimestamp(group, topic, committed);
  if (baseMs === undefined) return false;
  if (committed.expireTimestampMs >= 0) return wallMs >= committed.expireTimestampMs;
  return wallMs - baseMs >= coordinator.settings.offsetsRetentionMs;
}

/** Undefined = this offset is in use. */
function baseTimestamp(group: Group, topic: string, committed: CommittedOffset): number | undefined {
  if (group.type === 'consumer') return group.isSubscribedTo(topic) ? undefined : committed.commitTimestampMs;
  if (group.protocolType === null) return committed.commitTimestampMs;
  if (group.state === 'Empty')
    return group.stateTimestampMs >= 0 ? group.stateTimestampMs : committed.commitTimestampMs;
  const isUnread = group.state === 'Stable' && group.hasReadableSubscriptions && !group.isSubscribedTo(topic);
  return isUnread ? committed.commitTimestampMs : undefined;
}
