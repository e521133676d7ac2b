/**
 * Sees to it that the markers a transaction coordinator has ordered are written: partition by partition, again and again where one cannot be
 * written now (its log directory is full or away, its group coordinator is loading), until all are, or the coordinator is another one.
 * What is under way lives in memory only: a coordinator that is loaded orders anew, and markers that come twice do no harm.
 */
import type { Clock, Logger, Timer } from '#core';
import { Errors, type KafkaErrorRow } from '#protocol';
import type { MarkerOrder, TopicPartition } from '../transaction/index.ts';
import type { PartitionMarkers } from './partition-markers.ts';

/** Between two tries of the markers that could not be written. */
const RETRY_MS = 500;

interface Waiting {
  readonly order: MarkerOrder;
  readonly where: TopicPartition;
}

export interface MarkerSenderOptions {
  readonly markers: PartitionMarkers;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The leader epoch of the transaction log's partition; a partition takes no marker of an older coordinator. */
  readonly coordinatorEpoch: number;
  /** Markers are committed, or nobody waits for them. */
  written(order: MarkerOrder, partitions: readonly TopicPartition[]): void;
}

export class MarkerSender {
  readonly #options: MarkerSenderOptions;
  #waiting: Waiting[] = [];
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(options: MarkerSenderOptions) {
    this.#options = options;
  }

  send(order: MarkerOrder): void {
    for (const where of order.partitions) this.#write({ order, where });
  }

  /** Tells nobody of anything any more. Idempotent. */
  stop(): void {
    this.#isStopped = true;
    this.#waiting = [];
    this.#timer?.cancel();
  }

  #write(waiting: Waiting): void {
    const { markers, coordinatorEpoch } = this.#options;
    const { order, where } = waiting;
    if (markers.exists(where))
      markers.write(where, { ...order, coordinatorEpoch }, (error) => this.#settled(waiting, error));
    else this.#settled(waiting, Errors.NONE);
  }

  #settled(waiting: Waiting, error: KafkaErrorRow): void {
    if (this.#isStopped) return;
    const { order, where } = waiting;
    if (isFinal(error)) {
      if (error !== Errors.NONE) this.#tellOverruled(waiting, error);
      this.#options.written(order, [where]);
      return;
    }
    this.#waiting.push(waiting);
    this.#timer ??= this.#options.clock.setTimer(RETRY_MS, () => this.#retry(), { unref: true });
  }

  #retry(): void {
    this.#timer = undefined;
    for (const waiting of this.#waiting.splice(0)) this.#write(waiting);
  }

  #tellOverruled({ order, where }: Waiting, error: KafkaErrorRow): void {
    const { transactionalId, producerId, producerEpoch } = order;
    const { topic, partition } = where;
    this.#options.logger.warn(
      { transactionalId, producerId, producerEpoch, topic, partition },
      `${topic}-${partition} takes no marker for transactional id '${transactionalId}' (${error.name}): it has a newer one.`,
    );
  }
}

/** A partition that has a newer epoch of the producer, or of its coordinator, has no open transaction of this one. */
function isFinal(error: KafkaErrorRow): boolean {
  return (
    error === Errors.NONE || error === Errors.INVALID_PRODUCER_EPOCH || error === Errors.TRANSACTION_COORDINATOR_FENCED
  );
}
