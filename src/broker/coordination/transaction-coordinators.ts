/**
 * The transaction coordinators of this broker: one machine a partition of `__transaction_state` that it leads. Gives machines what they
 * cannot have by themselves: producer ids, and markers in other partitions.
 */
import type { Clock, Logger } from '#core';
import { Errors } from '#protocol';
import { TRANSACTION_STATE_TOPIC } from '../controller/index.ts';
import type { HostedPartition } from '../hosting/hosted-partition.ts';
import type { ProducerIds } from '../metadata/producer-ids.ts';
import {
  type MarkerOrder,
  type ProducerReply,
  type TransactionEvent,
  TransactionMachine,
  type TransactionRequestEvent,
  type TransactionSettings,
} from '../transaction/index.ts';
import { Coordinators, coordinatorCodec, type Outcome } from './coordinators.ts';
import type { CoordinatorRecord } from './machine.ts';
import { MarkerSender } from './marker-sender.ts';
import type { PartitionMarkers } from './partition-markers.ts';
import { MachineRuntime } from './runtime.ts';

export interface TransactionCoordinatorsOptions {
  readonly settings: TransactionSettings;
  readonly partitionCount: () => number;
  /** Level of the feature, as it is now. */
  readonly transactionVersion: () => number;
  readonly producerIds: ProducerIds;
  readonly markers: PartitionMarkers;
  readonly clock: Clock;
  readonly logger: Logger;
}

type TransactionRuntime = MachineRuntime<TransactionEvent, CoordinatorRecord, MarkerOrder>;

export class TransactionCoordinators {
  readonly #options: TransactionCoordinatorsOptions;
  readonly #coordinators: Coordinators<TransactionEvent, TransactionRequestEvent, MarkerOrder>;
  readonly #senders = new Map<number, MarkerSender>();

  constructor(options: TransactionCoordinatorsOptions) {
    this.#options = options;
    this.#coordinators = new Coordinators({
      partitionCount: options.partitionCount,
      createRuntime: (partition) => this.#createRuntime(partition),
    });
  }

  /** The partition that looks after a transactional id. */
  partitionOf(transactionalId: string): number {
    return this.#coordinators.partitionOf(transactionalId);
  }

  /** A partition of `__transaction_state` is led here now: its machine is loaded. */
  lead(partition: HostedPartition): void {
    this.#coordinators.lead(partition);
  }

  topicDeleted(topic: string): void {
    if (topic === TRANSACTION_STATE_TOPIC) this.stop();
  }

  /** The level of the feature has changed. */
  versionChanged(transactionVersion: number): void {
    this.#coordinators.tell({ type: 'transaction-version', transactionVersion });
  }

  /** Asks the coordinator of `transactionalId`. `settled` is called once. */
  ask<T>(
    transactionalId: string,
    makeEvent: (token: number) => TransactionRequestEvent,
    settled: (outcome: Outcome<T>) => void,
  ): void {
    this.#coordinators.ask(transactionalId, makeEvent, settled);
  }

  /** As `ask`, for what may take a producer id that nobody has had. */
  async askForProducer(
    transactionalId: string,
    makeEvent: (token: number, newProducerId?: number) => TransactionRequestEvent,
  ): Promise<Outcome<ProducerReply>> {
    let newProducerId: number | undefined;
    while (true) {
      const outcome = await new Promise<Outcome<ProducerReply>>((resolve) =>
        this.ask(transactionalId, (token) => makeEvent(token, newProducerId), resolve),
      );
      if (outcome.error !== undefined || !outcome.body.needsProducerId) return outcome;
      const { error, producerId } = await this.#options.producerIds.take();
      if (error !== Errors.NONE) return { error: Errors.COORDINATOR_LOAD_IN_PROGRESS, body: undefined };
      newProducerId = producerId;
    }
  }

  /** Asks the coordinators of all partitions that are led here, and collects their answers. */
  askAll<T>(makeEvent: (token: number) => TransactionRequestEvent): Promise<Outcome<T>[]> {
    return this.#coordinators.askAll(makeEvent);
  }

  stop(): void {
    for (const sender of this.#senders.values()) sender.stop();
    this.#senders.clear();
    this.#coordinators.stop();
  }

  #createRuntime(partition: HostedPartition): TransactionRuntime {
    const { settings, markers, clock, logger, transactionVersion } = this.#options;
    this.#senders.get(partition.partition)?.stop();
    const sender = new MarkerSender({
      markers,
      clock,
      logger,
      coordinatorEpoch: partition.state.leaderEpoch,
      written: ({ transactionalId, producerId, producerEpoch }, partitions) =>
        runtime.tell({ type: 'markers-written', transactionalId, producerId, producerEpoch, partitions }),
    });
    this.#senders.set(partition.partition, sender);
    const runtime: TransactionRuntime = new MachineRuntime<TransactionEvent, CoordinatorRecord, MarkerOrder>({
      name: `The coordinator ${TRANSACTION_STATE_TOPIC}-${partition.partition}`,
      partition,
      createMachine: () => new TransactionMachine(settings),
      codec: coordinatorCodec,
      clock,
      logger,
      observer: { ordered: (order) => sender.send(order) },
      loadedEvent: () => ({ type: 'loaded', transactionVersion: transactionVersion() }),
    });
    return runtime;
  }
}
