/** A refresh of topic patterns goes on in turns of its own, each begun by an alarm, and ends with what the group takes over of it. */
import type { CoordinatorRecord } from '../../coordination/machine.ts';
import type { Turn } from '../../coordination/turn.ts';
import type { Coordinator } from '../coordinator.ts';
import type { ConsumerGroup, ResolvedRegex } from './consumer-group.ts';
import { epochRecord, regexRecord } from './consumer-records.ts';
import { metadataHashOf } from './subscription.ts';

/** The alarm of a refresh rang: it goes on, and when it is through the group takes over what came of it. */
export function onRegexAlarm(coordinator: Coordinator, group: ConsumerGroup, turn: Turn): void {
  const refresh = coordinator.refreshes.get(group.groupId);
  if (refresh === undefined) return;
  const resolved = refresh.step();
  if (resolved === undefined) {
    armRefresh(coordinator, group.groupId, turn);
    return;
  }
  coordinator.refreshes.delete(group.groupId);
  turn.propose(takeOver(coordinator, group, resolved));
}

/** Its next turn is due. */
export function armRefresh({ alarms }: Coordinator, groupId: string, turn: Turn): void {
  alarms.set(alarms.of({ kind: 'regex', groupId }), 0, turn);
}

function takeOver(
  { cluster }: Coordinator,
  group: ConsumerGroup,
  resolved: ReadonlyMap<string, ResolvedRegex>,
): CoordinatorRecord[] {
  const records: CoordinatorRecord[] = [];
  const regexes = new Map(group.regexes);
  let hasChanged = false;
  for (const [regex, now] of resolved) {
    if (!group.regexReaders.has(regex)) continue;
    hasChanged ||= !isSameSet(group.regexes.get(regex)?.topics, now.topics);
    regexes.set(regex, now);
    records.push(regexRecord(group.groupId, regex, now));
  }
  const hash = metadataHashOf(cluster, group.members, regexes);
  if (hasChanged || hash !== group.metadataHash) {
    records.push(epochRecord(group.groupId, group.groupEpoch + 1, hash));
    group.isTopicMetadataKnown = true;
  }
  return records;
}

/** What was never matched stood for no topic. */
function isSameSet(left: ReadonlySet<string> | undefined, right: ReadonlySet<string>): boolean {
  return (left?.size ?? 0) === right.size && [...right].every((topic) => left!.has(topic));
}
