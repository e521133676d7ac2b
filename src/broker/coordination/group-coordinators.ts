/** The group coordinators of this broker: one machine a partition of `__consumer_offsets` that it leads. */
import type { Clock, Logger } from '#core';
import { Errors, type KafkaErrorRow } from '#protocol';
import type { Verification } from '#storage';
import { GROUP_METADATA_TOPIC, type MetadataRecord } from '../controller/index.ts';
import { type GroupEvent, GroupMachine, type GroupRequestEvent, type GroupSettings } from '../group/index.ts';
import type { HostedPartition } from '../hosting/hosted-partition.ts';
import type { CommittedCluster } from './committed-cluster.ts';
import { Coordinators, coordinatorCodec, type Outcome } from './coordinators.ts';
import type { CoordinatorRecord } from './machine.ts';
import { MachineRuntime, type TransactionEnd } from './runtime.ts';
import type { StallMeter } from './stall-meter.ts';

export interface GroupCoordinatorsOptions {
  readonly settings: GroupSettings;
  readonly cluster: CommittedCluster;
  readonly partitionCount: () => number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stalls: StallMeter;
}

export class GroupCoordinators {
  readonly #options: GroupCoordinatorsOptions;
  readonly #coordinators: Coordinators<GroupEvent, GroupRequestEvent>;
  /** What is led from the start on was led by this node before: it is the only one. */
  #isNodeStarting = true;
  /** Topics that records of this moment have changed. */
  readonly #changedTopics = new Set<string>();

  constructor(options: GroupCoordinatorsOptions) {
    this.#options = options;
    this.#coordinators = new Coordinators({
      partitionCount: options.partitionCount,
      createRuntime: (partition) => this.#createRuntime(partition),
    });
  }

  /** The partition that looks after a group. */
  partitionOf(groupId: string): number {
    return this.#coordinators.partitionOf(groupId);
  }

  /** Everything that this node led when it stopped is led again. */
  nodeStarted(): void {
    this.#isNodeStarting = false;
  }

  /** A partition of `__consumer_offsets` is led here now: its machine is loaded. */
  lead(partition: HostedPartition): void {
    this.#coordinators.lead(partition);
  }

  topicDeleted(topic: string): void {
    this.#options.cluster.forget(topic);
    this.#topicChanged(topic);
    if (topic === GROUP_METADATA_TOPIC) this.#coordinators.stop();
    else this.#coordinators.tell({ type: 'topics-deleted', topics: [topic] });
  }

  /** A record of the cluster's metadata was committed. */
  committed(record: MetadataRecord): void {
    const topic = this.#options.cluster.committed(record);
    if (topic !== undefined) this.#topicChanged(topic);
  }

  /**
   * Asks the coordinator of `groupId`. `settled` is called once, perhaps much later (JoinGroup).
   *
   * @param verification of the transaction that what is asked for is part of
   */
  ask<T>(
    groupId: string,
    makeEvent: (token: number) => GroupRequestEvent,
    settled: (outcome: Outcome<T>) => void,
    verification?: Verification,
  ): void {
    this.#coordinators.ask(groupId, makeEvent, settled, verification);
  }

  /** Asks the coordinators of all partitions that are led here, and collects their answers; refusals are reported by their error. */
  async askAll<T>(makeEvent: (token: number) => GroupRequestEvent): Promise<Outcome<T>[]> {
    return this.#coordinators.askAll(makeEvent);
  }

  /** A transaction with offsets in this partition has ended. `settled` is called once, with NONE when its marker is committed. */
  endTransaction(partition: number, end: TransactionEnd, settled: (error: KafkaErrorRow) => void): void {
    const runtime = this.#coordinators.at(partition);
    if (runtime === undefined) settled(Errors.NOT_COORDINATOR);
    else runtime.endTransaction(end, settled);
  }

  stop(): void {
    this.#coordinators.stop();
  }

  #topicChanged(topic: string): void {
    this.#changedTopics.add(topic);
    if (this.#changedTopics.size > 1) return;
    void Promise.resolve().then(() => {
      const topics = [...this.#changedTopics];
      this.#changedTopics.clear();
      this.#coordinators.tell({ type: 'topics-changed', topics });
    });
  }

  #createRuntime(partition: HostedPartition): MachineRuntime<GroupEvent, CoordinatorRecord> {
    const { settings, cluster, clock, logger, stalls } = this.#options;
    const isNodeStarting = this.#isNodeStarting;
    return new MachineRuntime<GroupEvent, CoordinatorRecord>({
      name: `The coordinator ${GROUP_METADATA_TOPIC}-${partition.partition}`,
      partition,
      createMachine: () => new GroupMachine(settings, cluster),
      codec: coordinatorCodec,
      clock,
      logger,
      stalls: { meter: stalls, event: (stalledMs) => ({ type: 'stall', stalledMs }) },
      loadedEvent: (isFirst) => ({ type: 'loaded', isAfterNodeStart: isFirst && isNodeStarting }),
    });
  }
}
