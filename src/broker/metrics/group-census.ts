/** How many groups there are, by protocol and state: asked of the coordinators, as ListGroups does. */
import { type Clock } from '#core';
import { Apis, type Draft, type ListGroupsResponse } from '#protocol';
import type { BrokerParts } from '../broker-parts.ts';

/** A coordinator that waits for its disk does not keep the others from being told. */
const ANSWER_MS_MAX = 1000;

export interface GroupCount {
  /** `classic` or `consumer`, as ListGroups tells. */
  readonly protocol: string;
  readonly state: string;
  readonly count: number;
}

type Listed = NonNullable<Draft<typeof ListGroupsResponse>['groups']>;

/** Empty when the coordinators do not answer in time. */
export async function countGroups({ groups, clock }: BrokerParts): Promise<GroupCount[]> {
  const request = { statesFilter: [], typesFilter: [] };
  const apiVersion = Apis.ListGroups.maxVersion;
  const asking = groups.askAll<{ groups: Listed }>((token) => ({ type: 'list-groups', token, apiVersion, request }));
  const outcomes = await withinTime(asking, clock);
  const counts = new Map<string, GroupCount>();
  for (const { groupType, groupState } of outcomes.flatMap(({ body }) => body?.groups ?? [])) {
    const [protocol, state] = [groupType ?? '', groupState ?? ''];
    const count = (counts.get(`${protocol} ${state}`)?.count ?? 0) + 1;
    counts.set(`${protocol} ${state}`, { protocol, state, count });
  }
  return [...counts.values()];
}

async function withinTime<T>(asking: Promise<T[]>, clock: Clock): Promise<T[]> {
  const { promise, resolve } = Promise.withResolvers<T[]>();
  const timer = clock.setTimer(ANSWER_MS_MAX, () => resolve([]), { unref: true });
  asking.then(resolve, () => resolve([]));
  const outcomes = await promise;
  timer.cancel();
  return outcomes;
}
