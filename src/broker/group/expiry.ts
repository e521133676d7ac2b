/**
 * Offset expiry, looked for by an alarm. An offset is measured from
 *
 *     group                          base                                        which topics
 *     Empty (had members once)       when it lost the last member; commit time   all
 *                                    where that is unknown
 *     Stable, consumers              commit                                      those no member reads
 *     simple (never had members)     commit                                      all
 *     any                            the record's own expiry time, if it has one
 *
 * An Empty group without offsets goes altogether. Offsets of deleted topics go when the topic does.
 */
import type { ClassicGroup } from './classic-group.ts';
import { limits } from './config.ts';
import type { CommittedOffset } from './offset-table.ts';
import type { Coordinator } from './rebalance.ts';
import { groupTombstone, offsetTombstone } from './records.ts';
import type { Turn } from './turn.ts';

/** Writes tombstones for what has expired; true when there may be more (the bound of one turn was reached). */
export function expire(coordinator: Coordinator, turn: Turn): boolean {
  for (const group of coordinator.groups.values()) {
    const isBare = expireGroup(coordinator, group, turn);
    if (turn.records.length >= limits.expiredRecordCountMax) return true;
    const isGone = isBare && group.state === 'Empty' && group.pendingMembers.size === 0;
    if (isGone) turn.records.push(groupTombstone(group.groupId));
  }
  return false;
}

/** Writes tombstones for all offsets of these topics. */
export function forgetTopics(coordinator: Coordinator, topics: readonly string[], turn: Turn): void {
  for (const groupId of coordinator.offsets.groupIds()) {
    for (const topic of topics) {
      for (const partition of coordinator.offsets.topics(groupId).get(topic)?.keys() ?? []) {
        turn.records.push(offsetTombstone(groupId, topic, partition));
      }
    }
  }
}

/** True when no offset is left. */
function expireGroup(coordinator: Coordinator, group: ClassicGroup, turn: Turn): boolean {
  let isBare = true;
  for (const [topic, offsets] of coordinator.offsets.topics(group.groupId)) {
    for (const [partition, committed] of offsets) {
      if (turn.records.length >= limits.expiredRecordCountMax) return false;
      if (isExpired(coordinator, group, topic, committed, turn.now.wallMs)) {
        turn.records.push(offsetTombstone(group.groupId, topic, partition));
      } else {
        isBare = false;
      }
    }
  }
  return isBare;
}

function isExpired(
  coordinator: Coordinator,
  group: ClassicGroup,
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
function baseTimestamp(group: ClassicGroup, topic: string, committed: CommittedOffset): number | undefined {
  if (group.protocolType === null) return committed.commitTimestampMs;
  if (group.state === 'Empty')
    return group.stateTimestampMs >= 0 ? group.stateTimestampMs : committed.commitTimestampMs;
  const isUnread = group.state === 'Stable' && group.hasReadableSubscriptions && !group.isSubscribedTo(topic);
  return isUnread ? committed.commitTimestampMs : undefined;
}
