import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { type ServerAssignorMember, serverAssignors, type TopicIdPartitions } from '#assign';

interface GoldenCase {
  readonly name: string;
  readonly assignorName: string;
  readonly partitionCounts: Map<string, number>;
  readonly members: Map<string, ServerAssignorMember>;
  readonly expected: Map<string, string>;
}

/** Written by golden/ServerAssignors.java. */
const cases = readCases(new URL('./golden/server-assignments.txt', import.meta.url));

function assignorOf(name: string) {
  return serverAssignors.find((assignor) => assignor.name === name)!;
}

describe('the assignors of the coordinator', () => {
  it('range gives the same members the same partitions as Kafka', () => {
    const own = cases.filter(({ assignorName }) => assignorName === 'range');
    expect(own.length).toBeGreaterThanOrEqual(100);
    for (const golden of own) {
      const assignment = assignorOf('range').assign(golden);
      const actual = [...golden.members.keys()].map((memberId) => [memberId, format(assignment.get(memberId)!)]);
      expect([golden.name, ...actual]).toEqual([golden.name, ...golden.expected]);
    }
  });

  // Which of several free partitions comes first is decided by Java's hash order, which is of no use to anybody.
  it('uniform gives the same members as many partitions as Kafka, and moves as few', () => {
    const own = cases.filter(({ assignorName }) => assignorName === 'uniform');
    expect(own.length).toBeGreaterThanOrEqual(100);
    for (const { name, members, partitionCounts, expected } of own) {
      const assignment = assignorOf('uniform').assign({ members, partitionCounts });
      const figures = (partitionsOf: (memberId: string) => TopicIdPartitions) =>
        [...members].map(([memberId, { partitions }]) => {
          const owned = list(partitionsOf(memberId));
          const kept = list(partitions).filter((partition) => owned.includes(partition));
          return [memberId, owned.length, kept.length];
        });
      const actual = figures((memberId) => assignment.get(memberId)!);
      expect([name, ...actual]).toEqual([name, ...figures((memberId) => parse(expected.get(memberId)!))]);
    }
  });

  it.each(['range', 'uniform'])(
    '%s gives every partition that somebody reads one owner, who reads its topic',
    (name) => {
      for (const { name: caseName, members, partitionCounts } of cases) {
        const assignment = assignorOf(name).assign({ members, partitionCounts });
        const owned: string[] = [];
        for (const [memberId, partitions] of assignment) {
          for (const [topicId, numbers] of partitions) {
            expect([caseName, members.get(memberId)!.topicIds.has(topicId)]).toEqual([caseName, true]);
            for (const number of numbers) owned.push(`${topicId} ${number}`);
          }
        }
        const read = new Set([...members.values()].flatMap(({ topicIds }) => [...topicIds]));
        const all = [...read].flatMap((topicId) =>
          Array.from({ length: partitionCounts.get(topicId)! }, (_, number) => `${topicId} ${number}`),
        );
        expect([caseName, ...owned.sort()]).toEqual([caseName, ...all.sort()]);
      }
    },
  );

  it('uniform moves nothing when nothing has changed', () => {
    for (const { name, members, partitionCounts } of cases) {
      const first = assignorOf('uniform').assign({ members, partitionCounts });
      const settled = new Map([...members].map(([id, member]) => [id, { ...member, partitions: first.get(id)! }]));
      expect([name, assignorOf('uniform').assign({ members: settled, partitionCounts })]).toEqual([name, first]);
    }
  });
});

function readCases(file: URL): GoldenCase[] {
  const found: GoldenCase[] = [];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [kind, first, ...rest] = line.split(' ');
    const current = found.at(-1)!;
    if (kind === 'case') {
      const maps = { partitionCounts: new Map(), members: new Map(), expected: new Map() };
      found.push({ assignorName: first, name: `${first} ${rest[0]}`, ...maps });
    } else if (kind === 'topics') {
      for (const pair of [first, ...rest]) current.partitionCounts.set(pair.split('=')[0], Number(pair.split('=')[1]));
    } else if (kind === 'member') {
      const args = Object.fromEntries(rest.map((word) => [word.split('=')[0], word.slice(word.indexOf('=') + 1)]));
      const topicIds = new Set(args['topics'].split(',').filter((topicId) => topicId !== ''));
      current.members.set(first, {
        groupInstanceId: args['instance'] ?? null,
        topicIds,
        partitions: parse(args['had']),
      });
    } else if (kind === 'gets') {
      current.expected.set(first, rest[0] ?? '');
    }
  }
  return found;
}

function parse(text: string): TopicIdPartitions {
  const topics = text.split(';').filter((topic) => topic !== '');
  return new Map(topics.map((topic) => [topic.split(':')[0], topic.split(':')[1].split(',').map(Number)]));
}

function format(partitions: TopicIdPartitions): string {
  const topics = [...partitions].sort(([left], [right]) => (left < right ? -1 : 1));
  return topics.map(([topicId, numbers]) => `${topicId}:${numbers.join(',')}`).join(';');
}

function list(partitions: TopicIdPartitions): string[] {
  return [...partitions].flatMap(([topicId, numbers]) => numbers.map((number) => `${topicId} ${number}`));
}
