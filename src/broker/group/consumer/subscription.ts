/** What the members of a group read together, as it is once a member has changed. */
import type { Uuid } from '#core';
import type { ClusterView } from '../cluster-view.ts';
import type { Coordinator } from '../coordinator.ts';
import type { ConsumerGroup, ResolvedRegex } from './consumer-group.ts';
import { type ConsumerMember, regexOf } from './consumer-member.ts';
import { groupHash } from './topic-hash.ts';

/** The members of the group with `member` among them, in the place of the one with its id or its instance id; in order of their ids. */
export function membersWith(group: ConsumerGroup, member: ConsumerMember): ReadonlyMap<string, ConsumerMember> {
  const members = new Map(group.members);
  const replaced = group.staticMember(member.instanceId);
  if (replaced !== undefined) members.delete(replaced.memberId);
  return inOrder(members.set(member.memberId, member));
}

export function membersWithout(
  group: ConsumerGroup,
  leaving: ReadonlySet<ConsumerMember>,
): ReadonlyMap<string, ConsumerMember> {
  return inOrder(new Map([...group.members].filter(([, member]) => !leaving.has(member))));
}

/** The hash of the topics that these members read. Patterns that nobody reads any more count for nothing. */
export function metadataHashOf(
  cluster: ClusterView,
  members: ReadonlyMap<string, ConsumerMember>,
  regexes: ReadonlyMap<string, ResolvedRegex>,
): string {
  const names = new Set<string>();
  for (const member of members.values()) for (const name of topicNamesOf(member, regexes)) names.add(name);
  return groupHash(names, (name) => cluster.topicHash(name));
}

/** Ids of the topics that a member reads, those that exist. */
export function topicIdsOf(
  cluster: ClusterView,
  member: ConsumerMember,
  regexes: ReadonlyMap<string, ResolvedRegex>,
): ReadonlySet<Uuid> {
  const topicIds = new Set<Uuid>();
  for (const name of topicNamesOf(member, regexes)) {
    const topic = cluster.topic(name);
    if (topic !== undefined) topicIds.add(topic.topicId);
  }
  return topicIds;
}

/** The assignor that most members ask for; among equals the one that is configured first. */
export function preferredAssignor({ settings }: Coordinator, members: Iterable<ConsumerMember>): string {
  const counts = new Map<string, number>();
  for (const { serverAssignor } of members)
    if (serverAssignor !== null) counts.set(serverAssignor, (counts.get(serverAssignor) ?? 0) + 1);
  const names = settings.consumerAssignors.map(({ name }) => name);
  return names.reduce<string>(
    (best, name) => ((counts.get(name) ?? 0) > (counts.get(best) ?? 0) ? name : best),
    names[0],
  );
}

/** A pattern that was not matched yet stands for no topic. */
function* topicNamesOf(member: ConsumerMember, regexes: ReadonlyMap<string, ResolvedRegex>): Iterable<string> {
  yield* member.subscribedTopicNames;
  const regex = regexOf(member);
  if (regex !== undefined) yield* regexes.get(regex)?.topics ?? [];
}

/** Whoever replays the log must come to the same order. */
function inOrder(members: ReadonlyMap<string, ConsumerMember>): ReadonlyMap<string, ConsumerMember> {
  return new Map([...members].sort(([left], [right]) => (left < right ? -1 : 1)));
}
