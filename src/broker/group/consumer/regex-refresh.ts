/**
 * Matching the topic patterns of a group against the names of all topics, some of them a turn. All patterns of a group are matched together, so
 * that a change of topics is one rebalance. Ephemeral: when it is lost, the next heartbeat of a member begins it anew.
 */

import type { CoordinatorRecord } from '../../coordination/machine.ts';
import type { Turn } from '../../coordination/turn.ts';
import { limits } from '../config.ts';
import type { Coordinator } from '../coordinator.ts';
import type { ConsumerGroup, ResolvedRegex } from './consumer-group.ts';
import { epochRecord, regexRecord } from './consumer-records.ts';
import { metadataHashOf } from './subscription.ts';
import { compileTopicPattern, type TopicPattern } from './topic-pattern.ts';

export class RegexRefresh {
  readonly #version: number;
  readonly #timestampMs: number;
  readonly #mayKnow: (topic: string) => boolean;
  readonly #names: readonly string[];
  #position = 0;
  readonly #patterns = new Map<string, TopicPattern | undefined>();
  readonly #topics = new Map<string, Set<string>>();

  /** `mayKnow`: whether the member that caused it may know of a topic. */
  constructor(
    coordinator: Coordinator,
    regexes: Iterable<string>,
    mayKnow: (topic: string) => boolean,
    wallMs: number,
  ) {
    this.#version = coordinator.cluster.version;
    this.#timestampMs = wallMs;
    this.#mayKnow = mayKnow;
    this.#names = [...coordinator.cluster.topicNames()];
    for (const regex of regexes) {
      const pattern = compileTopicPattern(regex);
      // It was accepted before; a log may hold one of another engine, which then stands for nothing.
      this.#patterns.set(regex, 'problem' in pattern ? undefined : pattern);
      this.#topics.set(regex, new Set());
    }
  }

  /** @returns what came of it, or undefined when there is more to do in another turn */
  step(): ReadonlyMap<string, ResolvedRegex> | undefined {
    for (let steps = 0; this.#position < this.#names.length; this.#position++) {
      if (steps > limits.regexStepsPerTurn) return undefined;
      steps += this.#match(this.#names[this.#position]);
    }
    const { version, timestampMs } = { version: this.#version, timestampMs: this.#timestampMs };
    return new Map([...this.#topics].map(([regex, topics]) => [regex, { topics, version, timestampMs }]));
  }

  /** @returns how many steps it took, at most */
  #match(name: string): number {
    let steps = 0;
    for (const [regex, pattern] of this.#patterns) {
      if (pattern === undefined) continue;
      steps += pattern.size * (name.length + 1);
      if (pattern.matches(name) && this.#mayKnow(name)) this.#topics.get(regex)!.add(name);
    }
    return steps;
  }
}

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

/** Its work is done in turns of its own. */
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
