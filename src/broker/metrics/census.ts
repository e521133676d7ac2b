/** How many groups and transactions there are, by state: asked of their coordinators, as ListGroups and ListTransactions do. */
import type { Clock } from '#core';
import { Apis, type Draft, type ListGroupsResponse } from '#protocol';
import type { GroupCoordinators } from '../coordination/group-coordinators.ts';
import type { TransactionCoordinators } from '../coordination/transaction-coordinators.ts';

/** A coordinator that waits for its disk does not keep the others from being told. */
const ANSWER_MS_MAX = 1000;

export interface Count {
  /** Of a group its protocol and state, of a transaction its state. */
  readonly labels: readonly string[];
  readonly count: number;
}

/** Who knows them. */
export interface Coordinators {
  readonly groups: GroupCoordinators;
  readonly transactions: TransactionCoordinators;
}

export interface Census {
  readonly groups: readonly Count[];
  readonly transactions: readonly Count[];
}

type ListedGroups = NonNullable<Draft<typeof ListGroupsResponse>['groups']>;

/** What is not answered in time is left out. */
export async function takeCensus(coordinators: Coordinators, clock: Clock): Promise<Census> {
  const [groups, transactions] = await Promise.all([
    withinTime(listGroups(coordinators), clock),
    withinTime(listTransactions(coordinators), clock),
  ]);
  return { groups: countByLabels(groups), transactions: countByLabels(transactions) };
}

async function listGroups({ groups }: Coordinators): Promise<string[][]> {
  const request = { statesFilter: [], typesFilter: [] };
  const apiVersion = Apis.ListGroups.maxVersion;
  const outcomes = await groups.askAll<{ groups: ListedGroups }>((token) => {
    return { type: 'list-groups', token, apiVersion, request };
  });
  const listed = outcomes.flatMap(({ body }) => body?.groups ?? []);
  return listed.map(({ groupType, groupState }) => [groupType ?? '', groupState ?? '']);
}

async function listTransactions({ transactions }: Coordinators): Promise<string[][]> {
  const outcomes = await transactions.askAll<{ transactions: { state: string }[] }>((token) => {
    return { type: 'list-transactions', token, states: [], producerIds: [], durationMs: -1, matches: () => true };
  });
  return outcomes.flatMap(({ body }) => body?.transactions ?? []).map(({ state }) => [state]);
}

function countByLabels(all: readonly string[][]): Count[] {
  const counts = new Map<string, { labels: string[]; count: number }>();
  for (const labels of all) {
    const key = labels.join(' ');
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { labels, count: 1 });
    else known.count++;
  }
  return [...counts.values()];
}

async function withinTime<T>(asking: Promise<T[]>, clock: Clock): Promise<T[]> {
  const { promise, resolve } = Promise.withResolvers<T[]>();
  const timer = clock.setTimer(ANSWER_MS_MAX, () => resolve([]), { unref: true });
  asking.then(resolve, () => resolve([]));
  const answers = await promise;
  timer.cancel();
  return answers;
}
