/**
 * How often the current record of each partition has failed, and what its back-off says next. Pure. One failing record per
 * partition at a time is enough: records of a partition are delivered in order.
 */
import { PartitionMap, type TopicPartitionLike } from '#serde';
import type { BackOff, BackOffExecution } from './back-off.ts';

interface FailedDelivery {
  offset: number;
  errorType: unknown;
  attemptCount: number;
  execution: BackOffExecution;
}

export class FailedDeliveries {
  private readonly failing = new PartitionMap<FailedDelivery>();

  /** One more failure of this record. `resetOnChange`: another class of error starts the back-off anew. */
  failed(
    at: TopicPartitionLike & { offset: number },
    error: unknown,
    backOff: BackOff,
    resetOnChange: boolean,
  ): { attemptCount: number; nextMs: number } {
    const errorType = Error.isError(error) ? error.constructor : typeof error;
    let delivery = this.failing.get(at);
    if (
      delivery === undefined ||
      delivery.offset !== at.offset ||
      (resetOnChange && delivery.errorType !== errorType)
    ) {
      delivery = { offset: at.offset, errorType, attemptCount: 0, execution: backOff.start() };
      this.failing.set(at, delivery);
    }
    delivery.attemptCount++;
    return { attemptCount: delivery.attemptCount, nextMs: delivery.execution.nextBackOffMs() };
  }

  forget(at: TopicPartitionLike): void {
    this.failing.delete(at);
  }
}
