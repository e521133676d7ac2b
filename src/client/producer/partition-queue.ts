/**
 * ◇ The batches of one partition that wait to be sent, oldest first, and whether the first of them may leave. The last one may still
 * be filling. Batches that come back to be sent again stand in front, in the order of their sequences.
 */
import type { ProducerBatch } from './producer-batch.ts';
import { PartitionSequences, type Sequences } from './sequences.ts';

/** When the first batch of a queue may leave. */
export type Readiness =
  | { state: 'empty' }
  /** May leave at `atMs` (monotonic): it lingers, or backs off. */
  | { state: 'later'; atMs: number }
  /** Waits for an answer to what left before. */
  | { state: 'blocked' }
  | { state: 'ready' };

export interface ReadinessRules {
  nowMs: number;
  lingerMs: number;
  /** Somebody flushes, or waits for memory: nothing lingers. */
  isHurried: boolean;
  /** Batches of a partition that may be under way at once. */
  inFlightMax: number;
  /** Undefined without idempotence. */
  sequences: Sequences<ProducerBatch> | undefined;
}

export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  readonly batches: ProducerBatch[] = [];
  readonly sequences = new PartitionSequences<ProducerBatch>();
  /** Batches under way to a broker. */
  inFlightCount = 0;
  /** Size of the last batch that was filled, bytes: room the next one begins with. */
  usualBatchBytes = 1024;
  /** Whether a sink has it in its list; guarded by: the sender. */
  isListed = false;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  /** Batches that wait, as the partitioner counts them. */
  get length(): number {
    return this.batches.length;
  }

  /** Whether the next record begins a new batch. */
  get isLastBatchFull(): boolean {
    return this.batches.at(-1)?.isFull !== false;
  }

  readiness(rules: ReadinessRules): Readiness {
    const first = this.batches[0];
    if (first === undefined) return { state: 'empty' };
    if (first.retryAtMs > rules.nowMs) return { state: 'later', atMs: first.retryAtMs };
    if (this.inFlightCount >= rules.inFlightMax) return { state: 'blocked' };
    if (rules.sequences?.mayLeave(this.sequences, first) === false) return { state: 'blocked' };
    const isWhole = first.isFull || this.batches.length > 1 || first.attemptCount > 0;
    const lingersUntilMs = first.createdMs + rules.lingerMs;
    if (isWhole || rules.isHurried || lingersUntilMs <= rules.nowMs) return { state: 'ready' };
    return { state: 'later', atMs: lingersUntilMs };
  }

  /** Puts a batch back that is to be sent again. */
  putBack(batch: ProducerBatch, sequences: Sequences<ProducerBatch> | undefined): void {
    batch.isQueued = true;
    let index = 0;
    if (sequences !== undefined) {
      while (index < this.batches.length && !sequences.isBefore(this.sequences, batch, this.batches[index])) index++;
    }
    this.batches.splice(index, 0, batch);
  }

  remove(batch: ProducerBatch): void {
    const index = this.batches.indexOf(batch);
    if (index >= 0) this.batches.splice(index, 1);
    batch.isQueued = false;
  }
}
