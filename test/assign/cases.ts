/** Reads the golden cases that golden/Assignors.java wrote; the form of a line is described there. */
import { readFileSync } from 'node:fs';
import type { AssignorMember, TopicPartitionId } from '#assign';

export interface GoldenCase {
  readonly name: string;
  readonly assignorName: string;
  readonly partitionCounts: Map<string, number>;
  readonly members: Map<string, AssignorMember>;
  /** Member id → its partitions, as text (see `formatPartitions`). */
  readonly expected: Map<string, string>;
}

export function readGoldenCases(file: URL): GoldenCase[] {
  const cases: GoldenCase[] = [];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [kind, first, ...rest] = line.split(' ');
    const current = cases.at(-1);
    if (kind === 'case') cases.push(newCase(first, rest[0]));
    else if (kind === 'topics') for (const pair of [first, ...rest]) setCount(current!, pair);
    else if (kind === 'member') current!.members.set(first, readMember(rest));
    else if (kind === 'gets') current!.expected.set(first, rest[0] ?? '');
  }
  return cases;
}

/** `a:0,1;b:2`, topics and partitions ascending. */
export function formatPartitions(partitions: readonly TopicPartitionId[]): string {
  const byTopic = Map.groupBy(partitions, ({ topic }) => topic);
  const topics = [...byTopic].sort(([left], [right]) => (left < right ? -1 : 1));
  const numbers = (ids: readonly TopicPartitionId[]) => ids.map(({ partition }) => partition).sort((a, b) => a - b);
  return topics.map(([topic, ids]) => `${topic}:${numbers(ids).join(',')}`).join(';');
}

function newCase(assignorName: string, name: string): GoldenCase {
  return {
    assignorName,
    name: `${assignorName} ${name}`,
    partitionCounts: new Map(),
    members: new Map(),
    expected: new Map(),
  };
}

function setCount(current: GoldenCase, pair: string): void {
  const [topic, count] = pair.split('=');
  current.partitionCounts.set(topic, Number(count));
}

function readMember(words: readonly string[]): AssignorMember {
  const args = Object.fromEntries(words.map((word) => word.split('=')));
  return {
    topics: args['topics'].split(','),
    ownedPartitions: parsePartitions(args['owned']),
    generationId: Number(args['gen']),
    userData: args['data'] === undefined ? null : Buffer.from(args['data'], 'hex'),
    groupInstanceId: args['instance'] ?? null,
  };
}

function parsePartitions(text: string | undefined): TopicPartitionId[] {
  if (text === undefined) return [];
  return text.split(';').flatMap((part) => {
    const [topic, numbers] = part.split(':');
    return numbers.split(',').map((number) => ({ topic, partition: Number(number) }));
  });
}
