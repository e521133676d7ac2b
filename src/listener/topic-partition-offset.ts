/**
 * An explicitly assigned partition and where to start in it: what `@TopicPartition` and `@PartitionOffset` mean, as data.
 * Pure; the container carries the plan out.
 */
import { KafkaError } from '#core';
import { PartitionMap, TopicPartition } from '#serde';
import { parsePartitions } from './partition-text.ts';

export type SeekPosition = 'BEGINNING' | 'END' | 'TIMESTAMP';

/** `@PartitionOffset`: an initial offset for some partitions (text list, range, or `*` for all of `partitions`). */
export interface PartitionOffsetAttributes {
  partition: string | number;
  /** ≥ 0 absolute, < 0 back from the end; epoch milliseconds with `seekPosition: 'TIMESTAMP'`. */
  initialOffset?: string | number;
  /** Counts from the committed position instead. */
  relativeToCurrent?: boolean | string;
  seekPosition?: SeekPosition | Lowercase<SeekPosition> | string;
}

/** `@TopicPartition`: explicitly assigned partitions of one topic. */
export interface TopicPartitionAttributes {
  topic: string;
  partitions?: string | number | readonly (string | number)[];
  partitionOffsets?: readonly PartitionOffsetAttributes[];
}

export type StartPosition =
  /** Where the group left off; without a committed offset, `auto.offset.reset`. */
  | { at: 'committed' }
  | { at: 'beginning' }
  | { at: 'end' }
  | { at: 'offset'; offset: number }
  | { at: 'before-end'; count: number }
  | { at: 'relative'; offset: number }
  | { at: 'timestamp'; timestampMs: number };

export interface TopicPartitionOffset {
  topicPartition: TopicPartition;
  start: StartPosition;
}

/** The partitions of all attributes. @throws KafkaError INVALID_CONFIG naming topic and rule. */
export function plannedPartitions(
  attributes: readonly TopicPartitionAttributes[],
  resolve: (text: string) => string = (text) => text,
): TopicPartitionOffset[] {
  const plan = new PartitionMap<StartPosition>();
  for (const one of attributes) planTopic(one, resolve, plan);
  return Array.from(plan, ([topicPartition, start]) => ({ topicPartition, start }));
}

function planTopic(
  { topic: rawTopic, partitions, partitionOffsets = [] }: TopicPartitionAttributes,
  resolve: (text: string) => string,
  plan: PartitionMap<StartPosition>,
): void {
  const topic = resolve(rawTopic);
  const refuse = (rule: string) => new KafkaError('INVALID_CONFIG', `topicPartitions of topic '${topic}': ${rule}`);
  if (topic === '') throw refuse('the topic has no name');
  const numbers = parsePartitions(listOf(partitions).map((text) => resolve(String(text))));
  if (numbers.length === 0 && partitionOffsets.length === 0) throw refuse('give partitions or partitionOffsets');
  for (const number of numbers) addOnce(plan, new TopicPartition(topic, number), { at: 'committed' }, refuse);
  const withOffset = new Set<number>();
  for (const one of partitionOffsets) {
    const isAll = String(one.partition).trim() === '*';
    if (isAll && partitionOffsets.length > 1) throw refuse("partition '*' must be the only partitionOffset");
    if (isAll && numbers.length === 0) throw refuse("partition '*' applies to `partitions`, and there are none");
    const start = startOf(one, resolve, refuse);
    for (const number of isAll ? numbers : parsePartitions([resolve(String(one.partition))])) {
      if (withOffset.has(number)) throw refuse(`partition ${number} has two initial offsets`);
      if (numbers.includes(number) && !isAll)
        throw refuse(`partition ${number} is in partitions and in partitionOffsets`);
      withOffset.add(number);
      plan.set(new TopicPartition(topic, number), start);
    }
  }
}

function addOnce(
  plan: PartitionMap<StartPosition>,
  key: TopicPartition,
  start: StartPosition,
  refuse: (rule: string) => KafkaError,
): void {
  if (plan.has(key)) throw refuse(`partition ${key.partition} is given twice`);
  plan.set(key, start);
}

function listOf(partitions: TopicPartitionAttributes['partitions']): readonly (string | number)[] {
  if (partitions === undefined) return [];
  return typeof partitions === 'object' ? partitions : [partitions];
}

function startOf(
  attributes: PartitionOffsetAttributes,
  resolve: (text: string) => string,
  refuse: (rule: string) => KafkaError,
): StartPosition {
  const position = resolve(String(attributes.seekPosition ?? '')).toUpperCase();
  if (position === 'BEGINNING') return { at: 'beginning' };
  if (position === 'END') return { at: 'end' };
  if (position !== '' && position !== 'TIMESTAMP') {
    throw refuse(`seekPosition '${attributes.seekPosition}' is none of BEGINNING, END, TIMESTAMP`);
  }
  const text = resolve(String(attributes.initialOffset ?? '')).trim();
  const offset = Number(text);
  if (text === '' || !Number.isSafeInteger(offset)) {
    throw refuse(`initialOffset of partition ${attributes.partition} must be an integer, not '${text}'`);
  }
  if (position === 'TIMESTAMP') return { at: 'timestamp', timestampMs: offset };
  if (resolve(String(attributes.relativeToCurrent ?? 'false')).toLowerCase() === 'true')
    return { at: 'relative', offset };
  return offset >= 0 ? { at: 'offset', offset } : { at: 'before-end', count: -offset };
}

/**
 * The explicit partitions of `count` children as Spring deals them: contiguous slices of floor(n / count), the last child
 * takes the remainder.
 */
export function slicePartitions<T>(partitions: readonly T[], count: number): T[][] {
  const perChild = Math.floor(partitions.length / count);
  return Array.from({ length: count }, (_, index) =>
    partitions.slice(index * perChild, index === count - 1 ? undefined : (index + 1) * perChild),
  );
}
