/** Carries out where explicitly assigned partitions start: beginnings, ends, times, then offsets in declared order. */
import type { Logger } from '#core';
import { PartitionMap, type TopicPartition } from '#serde';
import type { ListenerConsumer } from './consumer-factory.ts';
import type { StartPosition, TopicPartitionOffset } from './topic-partition-offset.ts';

/** Throws when the cluster cannot be asked; calling it again is right then. */
export async function seekToStart(
  consumer: ListenerConsumer,
  plan: readonly TopicPartitionOffset[],
  logger: Logger,
): Promise<void> {
  const at = (kind: StartPosition['at']): TopicPartition[] =>
    plan.filter(({ start }) => start.at === kind).map(({ topicPartition }) => topicPartition);
  const beginning = at('beginning');
  if (beginning.length > 0) await consumer.seekToBeginning(beginning);
  const end = [...at('end'), ...at('before-end')];
  if (end.length > 0) await consumer.seekToEnd(end);
  await seekToTimes(consumer, plan, logger);
  for (const { topicPartition, start } of plan) await seekToOffset(consumer, topicPartition, start);
}

async function seekToTimes(
  consumer: ListenerConsumer,
  plan: readonly TopicPartitionOffset[],
  logger: Logger,
): Promise<void> {
  const times = new PartitionMap<number>();
  for (const { topicPartition, start } of plan)
    if (start.at === 'timestamp') times.set(topicPartition, start.timestampMs);
  if (times.size === 0) return;
  const found = await consumer.offsetsForTimes(times);
  for (const [of] of times) {
    const offset = found.get(of)?.offset;
    if (offset !== undefined) consumer.seek(of, offset);
    else {
      logger.info(`${of} has no record at or after the start time: starting at its end`);
      await consumer.seekToEnd([of]);
    }
  }
}

/** Never below the first record that still exists: below it, `auto.offset.reset` would jump somewhere else. */
async function seekToOffset(consumer: ListenerConsumer, of: TopicPartition, start: StartPosition): Promise<void> {
  const target = await targetOf(consumer, of, start);
  if (target === undefined) return;
  const first = (await consumer.beginningOffsets([of])).get(of) ?? 0;
  consumer.seek(of, Math.max(first, target));
}

async function targetOf(
  consumer: ListenerConsumer,
  of: TopicPartition,
  start: StartPosition,
): Promise<number | undefined> {
  if (start.at === 'offset') return start.offset;
  if (start.at === 'relative') return (await consumer.position(of)) + start.offset;
  if (start.at === 'before-end') return (await consumer.position(of)) - start.count;
  return undefined;
}

/** For logs. */
export function describePlan(plan: readonly TopicPartitionOffset[]): string {
  return plan
    .map(({ topicPartition, start }) => `${topicPartition}@${'offset' in start ? start.offset : start.at}`)
    .join(', ');
}
