/**
 * What a listener reads, in one line per rebalance however many consumers it has: each consumer's news is kept until all have
 * theirs. Pure.
 */
import type { TopicPartition } from '#serde';

const NAMES_MAX = 8;

export class AssignmentLine {
  private readonly listenerId: string;
  private readonly groupId: string | undefined;
  private readonly news = new Map<string, readonly TopicPartition[]>();
  private lastLine: string | undefined;

  constructor(listenerId: string, groupId: string | undefined) {
    this.listenerId = listenerId;
    this.groupId = groupId;
  }

  /** A consumer has its partitions. Returns the line when it was the last of `consumerCount`, and says something new. */
  assigned(consumer: string, partitions: readonly TopicPartition[], consumerCount: number): string | undefined {
    this.news.set(consumer, partitions);
    if (this.news.size < consumerCount) return undefined;
    const line = this.line([...this.news.values()]);
    this.news.clear();
    if (line === this.lastLine) return undefined;
    this.lastLine = line;
    return line;
  }

  /** The container starts anew. */
  forget(): void {
    this.news.clear();
    this.lastLine = undefined;
  }

  private line(assignments: readonly (readonly TopicPartition[])[]): string {
    const all = assignments.flat();
    const readerCount = assignments.filter((partitions) => partitions.length > 0).length;
    const idleCount = assignments.length - readerCount;
    const group = this.groupId === undefined ? '' : ` (group ${this.groupId})`;
    if (readerCount === 0) {
      return `${this.listenerId}: no partition is left for ${countOf(idleCount)}${group}: others have them all, or the topics do not exist yet`;
    }
    const who = assignments.length === 1 ? 'reads' : `${countOf(readerCount)} ${readerCount === 1 ? 'reads' : 'read'}`;
    const idle = idleCount === 0 ? '' : `; ${idleCount} more idle, as the group has more consumers than partitions`;
    return `${this.listenerId}: ${who} ${listed(all)}${group}${idle}`;
  }
}

function countOf(consumerCount: number): string {
  return consumerCount === 1 ? '1 consumer' : `${consumerCount} consumers`;
}

function listed(partitions: readonly TopicPartition[]): string {
  const names = partitions.toSorted(byTopicAndNumber).map(String);
  if (names.length <= NAMES_MAX) return names.join(', ');
  return `${names.slice(0, NAMES_MAX).join(', ')}, … (${names.length} partitions)`;
}

function byTopicAndNumber(a: TopicPartition, b: TopicPartition): number {
  return a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1;
}
