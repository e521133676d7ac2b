/**
 * One topic as the producer sees it: its partitions, their queues, the sticky choice, and the records that wait until it is known.
 */
import type { Random } from '#core';
import type { PartitionMetadata, TopicMetadata } from '../metadata.ts';
import type { PartitionQueue } from './partition-queue.ts';
import { drawPartition, partitionForKey, StickyPartition } from './partitioner.ts';
import type { RecordAccumulator } from './record-accumulator.ts';
import type { Waiting } from './waiting-sends.ts';

export interface LaneRules {
  batchBytes: number;
  isAdaptive: boolean;
  /** Whether the node that leads a partition takes batches at present. */
  isAvailable(leaderId: number): boolean;
}

export class TopicLane {
  readonly name: string;
  readonly sticky: StickyPartition;
  readonly #rules: LaneRules;
  readonly #random: Random;
  readonly #accumulator: RecordAccumulator;
  /** Empty until the topic is known. */
  partitions: readonly PartitionMetadata[] = [];
  #queues: readonly PartitionQueue[] = [];
  /** Records that wait for the topic, in the order of their sends. */
  waiting: Waiting[] = [];
  isLookingUp = false;

  constructor(name: string, accumulator: RecordAccumulator, rules: LaneRules, random: Random) {
    this.name = name;
    this.sticky = new StickyPartition(rules.batchBytes);
    this.#accumulator = accumulator;
    this.#rules = rules;
    this.#random = random;
  }

  get isKnown(): boolean {
    return this.partitions.length > 0;
  }

  /** Takes new metadata over. A topic that vanished keeps its partitions: its records fail when their time is over. */
  update(topic: TopicMetadata | undefined): void {
    if (topic === undefined || topic.partitions.length === 0) return;
    this.partitions = topic.partitions;
    this.#queues = this.#accumulator.queuesOf(this.name, topic.partitions.length);
    // Created again with fewer partitions.
    this.sticky.keepBelow(topic.partitions.length);
  }

  queue(partition: number): PartitionQueue {
    return this.#queues[partition];
  }

  partitionForKey(key: Buffer): number {
    return partitionForKey(key, this.partitions.length);
  }

  /** The partition that records without key go to at present. */
  stickyPartition(): number {
    return this.sticky.current(() => this.#draw());
  }

  #draw(): number {
    const { isAdaptive, isAvailable } = this.#rules;
    const led = this.partitions.filter((one) => one.leaderId >= 0);
    const available = led.filter((one) => isAvailable(one.leaderId));
    const loads = (available.length > 0 ? available : led).map(({ partition }) => ({
      partition,
      queueLength: this.#queues[partition].length,
    }));
    return drawPartition({
      partitionCount: this.partitions.length,
      loads,
      isAdaptive,
      chance: this.#random.float(),
    });
  }
}
