/**
 * Client quotas at the requests: what a request costs, and how long its client is to be silent, which `context.throttleMs` carries from
 * handlers to the connection. That tells the client with the answer, sends it at once, and is muted for the time. @see KIP-219
 */
import type { Clock } from '#core';
import { Apis } from '#protocol';
import type { ClientQuotas, QuotaUse, RateQuota } from '../quota/index.ts';
import type { RequestContext } from './request-context.ts';

export class RequestQuotas {
  readonly #quotas: ClientQuotas;
  readonly #clock: Clock;

  constructor(quotas: ClientQuotas, clock: Clock) {
    this.#quotas = quotas;
    this.#clock = clock;
  }

  /**
   * What a request that is answered now costs: the bytes of a produce request, and its `busyMs` of processing (but for a request that
   * wants no answer: as in Kafka, that costs bytes alone).
   *
   * @returns `throttleMs` of the context, which is the longest of all
   */
  settle(context: RequestContext, hasAnswer: boolean, busyMs: number): number {
    if (!this.#quotas.isActive) return 0;
    const nowMs = this.#nowMs();
    if (context.api === Apis.Produce)
      context.throttle(this.#quotas.charge('producer_byte_rate', context, context.requestBytes, nowMs));
    if (hasAnswer) context.throttle(this.#quotas.charge('request_percentage', context, percentOf(busyMs), nowMs));
    return context.throttleMs;
  }

  /** More bytes than this in one fetch would be throttled in any case. */
  fetchBytesMax(context: RequestContext): number {
    return this.#quotas.isActive ? this.#quotas.amountMax('consumer_byte_rate', context) : Number.POSITIVE_INFINITY;
  }

  /** Whether a fetch of so many bytes is too much for now: it is answered without records, and costs nothing. */
  refusesFetch(context: RequestContext, bytes: number): boolean {
    if (!this.#quotas.isActive) return false;
    const delayMs = this.#quotas.chargeUnlessThrottled('consumer_byte_rate', context, bytes, this.#nowMs());
    context.throttle(delayMs);
    return delayMs > 0;
  }

  /** The quota on partitions that a request makes or deletes; from `strictVersion` on a client is refused what is too much. @see KIP-599 */
  mutations(context: RequestContext, strictVersion: number): MutationQuota {
    const isStrict = context.version >= strictVersion;
    return {
      admits: (partitionCount) => {
        const delayMs = this.#quotas.chargeMutations(context, partitionCount, isStrict, this.#nowMs());
        context.throttle(delayMs);
        return !isStrict || delayMs === 0;
      },
    };
  }

  /** How long, in milliseconds, a new connection of this address is refused. */
  connectionDelayMs(ip: string): number {
    return this.#quotas.chargeConnection(ip, this.#nowMs());
  }

  /** Those who have a limit, and were heard of lately. */
  uses(quota: RateQuota): Iterable<QuotaUse> {
    return this.#quotas.uses(quota, this.#nowMs());
  }

  #nowMs(): number {
    return this.#clock.monotonicMs();
  }
}

export interface MutationQuota {
  /** Counts what a topic costs. False: it is to be refused with THROTTLING_QUOTA_EXCEEDED, and costs nothing. */
  admits(partitionCount: number): boolean;
}

/** Of one second of the broker's loop. */
function percentOf(busyMs: number): number {
  return busyMs / 10;
}
