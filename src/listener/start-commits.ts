/**
 * A group that starts at the end of a partition (`auto.offset.reset=latest`) must not begin at the end again after a crash:
 * what came in between would be skipped. So where a freshly assigned partition has no committed offset, its start position is
 * committed before the first record is handed over (Spring's `AssignmentCommitOption`).
 */
import { errorText, KafkaError, type Logger } from '#core';
import {
  type ConsumerRecords,
  OffsetAndMetadata,
  PartitionMap,
  type TopicPartition,
  type TopicPartitionLike,
} from '#serde';
import type { ListenerConsumer } from './consumer-factory.ts';

/** `latest_only`: when `auto.offset.reset` is not `earliest`. */
export type AssignmentCommitOption = 'always' | 'never' | 'latest_only';

export class StartCommits {
  private readonly consumer: ListenerConsumer;
  private readonly timeoutMs: number;
  private readonly logger: Logger;
  private fresh = new PartitionMap<true>();

  constructor(consumer: ListenerConsumer, timeoutMs: number, logger: Logger) {
    this.consumer = consumer;
    this.timeoutMs = timeoutMs;
    this.logger = logger;
  }

  get isPending(): boolean {
    return this.fresh.size > 0;
  }

  assigned(partitions: readonly TopicPartition[]): void {
    for (const of of partitions) this.fresh.set(of, true);
  }

  forget(partitions: readonly TopicPartitionLike[]): void {
    for (const of of partitions) this.fresh.delete(of);
  }

  /**
   * Commits the start of each fresh partition that has none; `polled` has been polled since, and not delivered. Never rejects:
   * without this commit everything goes on, less safely until the first ordinary one.
   */
  async commit(polled: ConsumerRecords): Promise<void> {
    const partitions = this.fresh.keys();
    this.fresh.clear();
    try {
      const offsets = await this.startsOf(partitions, polled);
      if (offsets.size > 0) await this.consumer.commitSync(offsets, this.timeoutMs);
    } catch (error) {
      const isWakeup = error instanceof KafkaError && error.code === 'WAKEUP';
      if (isWakeup && polled.isEmpty()) this.assigned(partitions);
      else this.logger.warn({ err: error }, `the start positions could not be committed: ${errorText(error)}`);
    }
  }

  private async startsOf(
    partitions: TopicPartition[],
    polled: ConsumerRecords,
  ): Promise<PartitionMap<OffsetAndMetadata>> {
    const starts = new PartitionMap<OffsetAndMetadata>();
    const committed = await this.consumer.committed?.(partitions);
    for (const of of partitions) {
      if (committed === undefined || (committed.get(of) ?? null) !== null) continue;
      starts.set(of, new OffsetAndMetadata(polled.records(of)[0]?.offset ?? (await this.consumer.position(of))));
    }
    return starts;
  }
}
