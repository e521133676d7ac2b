/**
 * The coordinators of one internal topic: a machine a partition that this broker leads. What is asked about a group or a transactional id
 * goes to the partition that Kafka's function names, so clients find the same coordinator everywhere. The owner says which machine.
 */
import { buildBatch, Errors, type KafkaErrorRow, readRecords } from '#protocol';
import type { Verification } from '#storage';
import type { HostedPartition } from '../hosting/hosted-partition.ts';
import type { RecordCodec } from './log-replay.ts';
import type { CoordinatorRecord } from './machine.ts';
import { coordinatorPartition } from './placement.ts';
import type { MachineRuntime } from './runtime.ts';

const DECOMPRESSED_BYTES_MAX = 64 * 1024 * 1024;

/** An answer of a machine, or why there is none. */
export type Outcome<T> =
  | { readonly error: KafkaErrorRow; readonly body: undefined }
  | { readonly error: undefined; readonly body: T };

export interface CoordinatorsOptions<E, O> {
  /** Of the topic: as it is, or as it will be made. */
  readonly partitionCount: () => number;
  createRuntime(partition: HostedPartition): MachineRuntime<E, CoordinatorRecord, O>;
}

/** @typeParam E what machines are told @typeParam Q what they are asked @typeParam O what they order */
export class Coordinators<E, Q extends E, O = never> {
  readonly #options: CoordinatorsOptions<E, O>;
  readonly #runtimes = new Map<number, MachineRuntime<E, CoordinatorRecord, O>>();

  constructor(options: CoordinatorsOptions<E, O>) {
    this.#options = options;
  }

  partitionOf(key: string): number {
    return coordinatorPartition(key, this.#options.partitionCount());
  }

  /** Undefined where the partition is not led here. */
  at(partition: number): MachineRuntime<E, CoordinatorRecord, O> | undefined {
    return this.#runtimes.get(partition);
  }

  /** A partition of the topic is led here now: its machine is loaded. */
  lead(partition: HostedPartition): void {
    this.resign(partition.partition);
    const runtime = this.#options.createRuntime(partition);
    this.#runtimes.set(partition.partition, runtime);
    void runtime.load();
  }

  resign(partition: number): void {
    this.#runtimes.get(partition)?.stop();
    this.#runtimes.delete(partition);
  }

  stop(): void {
    for (const partition of [...this.#runtimes.keys()]) this.resign(partition);
  }

  /** Tells the machines of all partitions that are led here. */
  tell(event: E): void {
    for (const runtime of this.#runtimes.values()) runtime.tell(event);
  }

  /** Asks the coordinator of `key`. `settled` is called once, perhaps much later. `verification`: see `MachineRuntime.ask`. */
  ask<T>(
    key: string,
    makeEvent: (token: number) => Q,
    settled: (outcome: Outcome<T>) => void,
    verification?: Verification,
  ): void {
    this.#askPartition(this.partitionOf(key), makeEvent, settled, verification);
  }

  /** Asks the coordinators of all partitions that are led here, and collects their answers; refusals are reported by their error. */
  async askAll<T>(makeEvent: (token: number) => Q): Promise<Outcome<T>[]> {
    return Promise.all(
      [...this.#runtimes.keys()].map(
        (partition) => new Promise<Outcome<T>>((resolve) => this.#askPartition(partition, makeEvent, resolve)),
      ),
    );
  }

  #askPartition<T>(
    partition: number,
    makeEvent: (token: number) => Q,
    settled: (outcome: Outcome<T>) => void,
    verification?: Verification,
  ): void {
    const runtime = this.#runtimes.get(partition);
    if (runtime === undefined) {
      settled({ error: Errors.NOT_COORDINATOR, body: undefined });
      return;
    }
    const asker = {
      answer: (body: unknown) => settled({ error: undefined, body: body as T }),
      refuse: (error: KafkaErrorRow) => settled({ error, body: undefined }),
    };
    runtime.ask(makeEvent, asker, verification);
  }
}

/** Records with key and value, uncompressed; those of a transaction have sequence 0 in each batch, as Kafka's. */
export const coordinatorCodec: RecordCodec<CoordinatorRecord> = {
  encode(records, now, producer) {
    const transaction = producer === undefined ? {} : { ...producer, baseSequence: 0, isTransactional: true };
    return buildBatch(
      records.map(({ key, value }) => ({ key, value, timestamp: now.wallMs })),
      transaction,
    );
  },
  decode(buffer, position, each) {
    const cursor = readRecords(buffer, position, { decompressedBytesMax: DECOMPRESSED_BYTES_MAX });
    for (let record = cursor.next(); record !== undefined; record = cursor.next()) each(record, record.offset);
  },
};
