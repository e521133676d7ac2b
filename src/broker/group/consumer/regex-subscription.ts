/**
 * What a change of a member's topic pattern means, and when the patterns of a group are matched again: when one of them never was, when topics
 * were made since, or after ten minutes; not while it is being done, and not within ten seconds of the last time.
 */
import { Errors } from '#protocol';
import type { CoordinatorRecord } from '../../coordination/machine.ts';
import type { Turn } from '../../coordination/turn.ts';
import { limits } from '../config.ts';
import type { Coordinator } from '../coordinator.ts';
import { type Refusal, refuse } from '../refusal.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import { type ConsumerMember, regexOf } from './consumer-member.ts';
import { regexTombstone } from './consumer-records.ts';
import { armRefresh } from './regex-alarm.ts';
import { RegexRefresh } from './regex-refresh.ts';
import { compileTopicPattern } from './topic-pattern.ts';

/** `resolved`: it changed, and what it stands for now is known. */
export type RegexChange = 'none' | 'changed' | 'resolved';

/** What changes with a member's pattern. */
export function changeOfRegex(group: ConsumerGroup, old: ConsumerMember, updated: ConsumerMember): RegexChange {
  if (old.subscribedTopicRegex === updated.subscribedTopicRegex) return 'none';
  const regex = regexOf(updated);
  if (regex === undefined) return regexOf(old) === undefined ? 'changed' : 'resolved';
  return group.regexReaders.has(regex) && group.regexes.has(regex) ? 'resolved' : 'changed';
}

/** Why nobody may read this pattern, or undefined. One that is read already was looked at before. */
export function refuseRegex(group: ConsumerGroup, updated: ConsumerMember): Refusal | undefined {
  const regex = regexOf(updated);
  if (regex === undefined || group.regexReaders.has(regex)) return undefined;
  const pattern = compileTopicPattern(regex);
  if (!('problem' in pattern)) return undefined;
  const message = `The topic pattern '${regex}' cannot be used: ${pattern.problem}.`;
  return refuse(Errors.INVALID_REGULAR_EXPRESSION, message);
}

/** A pattern that loses its last reader is forgotten. */
export function forgetRegex(
  group: ConsumerGroup,
  old: ConsumerMember,
  updated: ConsumerMember,
  records: CoordinatorRecord[],
): void {
  const regex = regexOf(old);
  if (regex === undefined || regex === regexOf(updated)) return;
  if (group.regexReaders.get(regex) === 1) records.push(regexTombstone(group.groupId, regex));
}

/** Begins to match the group's patterns where that is due. */
export function refreshRegexes(
  coordinator: Coordinator,
  group: ConsumerGroup,
  old: ConsumerMember,
  updated: ConsumerMember,
  mayKnow: (topic: string) => boolean,
  turn: Turn,
): void {
  if (!group.hasRegexes && regexOf(updated) === undefined) return;
  const regexes = readRegexes(group, old, updated);
  if (regexes.size === 0 || coordinator.refreshes.has(group.groupId)) return;
  const { wallMs } = turn.now;
  const [last] = group.regexes.values();
  if (last !== undefined && wallMs <= last.timestampMs + limits.regexRefreshMsMin) return;
  const isDue =
    last === undefined ||
    [...regexes].some((regex) => !group.regexes.has(regex)) ||
    last.version < coordinator.cluster.newTopicsVersion ||
    wallMs > last.timestampMs + limits.regexRefreshMsMax;
  if (!isDue) return;
  coordinator.refreshes.set(group.groupId, new RegexRefresh(coordinator.cluster, regexes, mayKnow, wallMs));
  armRefresh(coordinator, group.groupId, turn);
}

/** The patterns of the group, once the member has changed its. */
function readRegexes(group: ConsumerGroup, old: ConsumerMember, updated: ConsumerMember): ReadonlySet<string> {
  const before = regexOf(old);
  const after = regexOf(updated);
  if (before === after) return new Set(group.regexReaders.keys());
  const regexes = new Set(group.regexReaders.keys());
  if (before !== undefined && group.regexReaders.get(before) === 1) regexes.delete(before);
  if (after !== undefined) regexes.add(after);
  return regexes;
}
