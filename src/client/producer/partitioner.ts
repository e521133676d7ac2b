/**
 * ◇ Which partition a record goes to when its sender does not say. With a key: by hash, over all partitions, so that equal keys
 * share one. Without: sticky (KIP-794): stay with one partition until a batch's worth of bytes went there, then draw the next,
 * partitions with shorter queues more often when that is wanted. Chance comes in as an argument.
 */
import { KafkaError, murmur2, suggest } from '#core';
import type { PartitionMetadata } from '../metadata.ts';

/** A partitioner of one's own, given as `partitioner.class`. Called once per record without a partition. */
export interface Partitioner {
  /** @returns a partition of `partitions`; throwing fails that record */
  partition(
    topic: string,
    key: unknown,
    keyBytes: Buffer | null,
    value: unknown,
    valueBytes: Buffer | null,
    partitions: readonly PartitionMetadata[],
  ): number;
  close?(): void;
}

/** The partition of a key, the same as Java's clients choose. */
export function partitionForKey(keyBytes: Uint8Array, partitionCount: number): number {
  return (murmur2(keyBytes) & 0x7fffffff) % partitionCount;
}

/** What may be drawn: a partition that has a leader and is not left out, and how many batches wait for it. */
export interface PartitionLoad {
  partition: number;
  queueLength: number;
}

export interface Draw {
  partitionCount: number;
  /** Empty: nobody leads anything, so any partition is as good. */
  loads: readonly PartitionLoad[];
  /** Whether shorter queues are drawn more often. */
  isAdaptive: boolean;
  /** 0 ≤ x < 1 */
  chance: number;
}

/** Draws the next sticky partition: weight = longest queue + 1 − own queue. */
export function drawPartition({ partitionCount, loads, isAdaptive, chance }: Draw): number {
  if (loads.length === 0) return Math.floor(chance * partitionCount);
  const longest = isAdaptive ? loads.reduce((most, load) => Math.max(most, load.queueLength), 0) : 0;
  const weightOf = (load: PartitionLoad) => (isAdaptive ? longest + 1 - load.queueLength : 1);
  const total = loads.reduce((sum, load) => sum + weightOf(load), 0);
  let left = Math.floor(chance * total);
  for (const load of loads) {
    left -= weightOf(load);
    if (left < 0) return load.partition;
  }
  return loads[loads.length - 1].partition;
}

/** The sticky choice of one topic. */
export class StickyPartition {
  readonly #batchBytes: number;
  #partition = -1;
  #producedBytes = 0;

  /** @param batchBytes bytes to put on one partition before the next is drawn (`batch.size`) */
  constructor(batchBytes: number) {
    this.#batchBytes = Math.max(1, batchBytes);
  }

  /** The partition for the next record; `draw` is asked when there is none. */
  current(draw: () => number): number {
    if (this.#partition < 0) this.#partition = draw();
    return this.#partition;
  }

  /** Lets go of a partition that is not there any more. */
  keepBelow(partitionCount: number): void {
    if (this.#partition < partitionCount) return;
    this.#partition = -1;
    this.#producedBytes = 0;
  }

  /**
   * Notes that `bytes` went to `partition`. The next partition is drawn once a batch's worth went to this one and its last batch is
   * done with; when that does not come to pass, at twice that size.
   */
  produced(partition: number, bytes: number, isBatchDone: boolean): void {
    if (partition !== this.#partition) return;
    this.#producedBytes += bytes;
    if (this.#producedBytes < this.#batchBytes) return;
    if (!isBatchDone && this.#producedBytes < 2 * this.#batchBytes) return;
    this.#partition = -1;
    this.#producedBytes = 0;
  }
}

/** One partition with a leader after the other, per topic. */
export class RoundRobinPartitioner implements Partitioner {
  readonly #counts = new Map<string, number>();

  partition(
    topic: string,
    _key: unknown,
    _keyBytes: Buffer | null,
    _value: unknown,
    _valueBytes: Buffer | null,
    partitions: readonly PartitionMetadata[],
  ): number {
    const count = this.#counts.get(topic) ?? 0;
    this.#counts.set(topic, count + 1);
    const led = partitions.filter((one) => one.leaderId >= 0);
    const choice = led.length > 0 ? led : partitions;
    return choice[count % choice.length].partition;
  }
}

/** What `partitioner.class` says: an object, or a name; undefined for the built-in choice. @throws KafkaError INVALID_CONFIG */
export function partitionerOf(value: unknown): Partitioner | undefined {
  if (value === null || value === undefined || value === '') return undefined;
  if (typeof value === 'object' && 'partition' in value) return value as Partitioner;
  if (typeof value === 'function') return new (value as new () => Partitioner)();
  const name = String(value).split('.').at(-1) ?? '';
  if (name === 'RoundRobinPartitioner') return new RoundRobinPartitioner();
  const nearest = suggest(name, ['RoundRobinPartitioner']);
  throw new KafkaError(
    'INVALID_CONFIG',
    `partitioner.class=${String(value)} is not known${nearest === undefined ? '' : `; did you mean ${nearest}?`} ` +
      'Give an object with a partition() method, or leave the key out',
  );
}
