/**
 * The group coordinators of this broker: one machine a partition of `__consumer_offsets` that it leads. Makes the topic when the first
 * group asks for it. A group belongs to the partition that Kafka's function names, so clients find the same coordinator everywhere.
 */
import type { Clock, Logger } from '#core';
import { buildBatch, Errors, type KafkaErrorRow, readRecords } from '#protocol';
import { GROUP_METADATA_TOPIC } from '../controller/index.ts';
import {
  coordinatorPartition,
  type GroupEvent,
  GroupMachine,
  type GroupRequestEvent,
  type GroupSettings,
} from '../group/index.ts';
import type { HostedPartition } from '../hosting/hosted-partition.ts';
import type { CoordinatorRecord } from './machine.ts';
import { MachineRuntime, type RecordCodec } from './runtime.ts';
import type { StallMeter } from './stall-meter.ts';

const DECOMPRESSED_BYTES_MAX = 64 * 1024 * 1024;

/** An answer of a machine, or why there is none. */
export type GroupOutcome<T> =
  | { readonly error: KafkaErrorRow; readonly body: undefined }
  | { readonly error: undefined; readonly body: T };

export interface GroupCoordinatorsOptions {
  readonly settings: GroupSettings;
  readonly partitionCount: () => number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stalls: StallMeter;
}

type GroupRuntime = MachineRuntime<GroupEvent, CoordinatorRecord>;

export class GroupCoordinators {
  readonly #options: GroupCoordinatorsOptions;
  readonly #runtimes = new Map<number, GroupRuntime>();
  /** What is led from the start on was led by this node before: it is the only one. */
  #isNodeStarting = true;

  constructor(options: GroupCoordinatorsOptions) {
    this.#options = options;
  }

  /** The partition that looks after a group. */
  partitionOf(groupId: string): number {
    return coordinatorPartition(groupId, this.#options.partitionCount());
  }

  /** Everything that this node led when it stopped is led again. */
  nodeStarted(): void {
    this.#isNodeStarting = false;
  }

  /** A partition of `__consumer_offsets` is led here now: its machine is loaded. */
  lead(partition: HostedPartition): void {
    this.resign(partition.partition);
    const { settings, clock, logger, stalls } = this.#options;
    const isNodeStarting = this.#isNodeStarting;
    const runtime: GroupRuntime = new MachineRuntime({
      name: `The coordinator ${GROUP_METADATA_TOPIC}-${partition.partition}`,
      partition,
      createMachine: () => new GroupMachine(settings),
      codec: groupCodec,
      clock,
      logger,
      stalls: { meter: stalls, event: (stalledMs) => ({ type: 'stall', stalledMs }) },
      loadedEvent: (isFirst) => ({ type: 'loaded', isAfterNodeStart: isFirst && isNodeStarting }),
    });
    this.#runtimes.set(partition.partition, runtime);
    void runtime.load();
  }

  resign(partition: number): void {
    this.#runtimes.get(partition)?.stop();
    this.#runtimes.delete(partition);
  }

  topicDeleted(topic: string): void {
    if (topic === GROUP_METADATA_TOPIC) {
      for (const partition of [...this.#runtimes.keys()]) this.resign(partition);
      return;
    }
    for (const runtime of this.#runtimes.values()) runtime.tell({ type: 'topics-deleted', topics: [topic] });
  }

  /** Asks the coordinator of `groupId`. `settled` is called once, perhaps much later (JoinGroup). */
  ask<T>(
    groupId: string,
    makeEvent: (token: number) => GroupRequestEvent,
    settled: (outcome: GroupOutcome<T>) => void,
  ): void {
    this.#askPartition(this.partitionOf(groupId), makeEvent, settled);
  }

  /** Asks the coordinators of all partitions that are led here, and collects their answers; refusals are reported by their error. */
  async askAll<T>(makeEvent: (token: number) => GroupRequestEvent): Promise<GroupOutcome<T>[]> {
    return Promise.all(
      [...this.#runtimes.keys()].map(
        (partition) => new Promise<GroupOutcome<T>>((resolve) => this.#askPartition(partition, makeEvent, resolve)),
      ),
    );
  }

  stop(): void {
    for (const partition of [...this.#runtimes.keys()]) this.resign(partition);
  }

  #askPartition<T>(
    partition: number,
    makeEvent: (token: number) => GroupRequestEvent,
    settled: (outcome: GroupOutcome<T>) => void,
  ): void {
    const runtime = this.#runtimes.get(partition);
    if (runtime === undefined) {
      settled({ error: Errors.NOT_COORDINATOR, body: undefined });
      return;
    }
    runtime.ask(makeEvent, {
      answer: (body) => settled({ error: undefined, body: body as T }),
      refuse: (error) => settled({ error, body: undefined }),
    });
  }
}

const groupCodec: RecordCodec<CoordinatorRecord> = {
  encode(records, now) {
    return buildBatch(records.map(({ key, value }) => ({ key, value, timestamp: now.wallMs })));
  },
  decode(buffer, position, each) {
    const cursor = readRecords(buffer, position, { decompressedBytesMax: DECOMPRESSED_BYTES_MAX });
    for (let record = cursor.next(); record !== undefined; record = cursor.next()) each(record, record.offset);
  },
};
