/**
 * Client quotas: who may send, take, ask and change how much. A quota is counted only where a limit is set for whoever asks, so without
 * limits nothing is. The answer is always a time: so long the client is to be silent, and a connection muted. Times are monotonic
 * milliseconds. @see KIP-13, KIP-124, KIP-219, KIP-599, KIP-612
 */
import { ipAddressOf } from '#core';
import { EntityTable } from './entity-table.ts';
import { QuotaLimits, type Sharing } from './quota-limits.ts';
import { SampledRate, throttleMs } from './sampled-rate.ts';
import { TokenBucket } from './token-bucket.ts';

/** Quotas that are rates of something sent, taken or used. */
export type RateQuota = 'producer_byte_rate' | 'consumer_byte_rate' | 'request_percentage';

/** A record of the metadata log: of a user, a client id, both, or an address. */
export interface QuotaChange {
  readonly entity: readonly { readonly entityType: string; readonly entityName: string | null }[];
  readonly key: string;
  readonly value: number;
  readonly remove: boolean;
}

export interface QuotaWindows {
  readonly windowCount: number;
  readonly windowMs: number;
  readonly controllerWindowCount: number;
  readonly controllerWindowMs: number;
}

/** A client as quotas know it. */
export interface QuotaClient {
  readonly user: string;
  /** Null when it gave none. */
  readonly clientId: string | null;
}

/** How much a client with a limit has used lately, for those who watch. */
export interface QuotaUse {
  readonly user: string;
  readonly clientId: string;
  /** A second; of changes to the cluster the tokens that are left. */
  readonly value: number;
}

interface RateQuotaState {
  readonly limits: QuotaLimits;
  readonly entities: EntityTable<SampledRate>;
}

export class ClientQuotas {
  readonly #windows: QuotaWindows;
  readonly #rates: Readonly<Record<RateQuota, RateQuotaState>>;
  readonly #mutationLimits = new QuotaLimits();
  readonly #mutations: EntityTable<TokenBucket>;
  readonly #connectionLimits = new QuotaLimits();
  readonly #connections: EntityTable<SampledRate>;
  /** Any limit on requests is set. */
  isActive = false;

  constructor(windows: QuotaWindows) {
    this.#windows = windows;
    const newRate = () => new SampledRate(windows.windowCount, windows.windowMs);
    const rateQuota = (): RateQuotaState => ({ limits: new QuotaLimits(), entities: new EntityTable(newRate) });
    this.#rates = {
      producer_byte_rate: rateQuota(),
      consumer_byte_rate: rateQuota(),
      request_percentage: rateQuota(),
    };
    const burstSeconds = (windows.controllerWindowCount * windows.controllerWindowMs) / 1000;
    this.#mutations = new EntityTable(() => new TokenBucket(burstSeconds));
    this.#connections = new EntityTable(newRate);
  }

  /** Sets a limit or removes it. What there is no such quota for is ignored, as are further kinds of entities. */
  apply({ entity, key, value, remove }: QuotaChange): void {
    const limit = remove ? undefined : value;
    const nameOf = (type: string) => entity.find(({ entityType }) => entityType === type)?.entityName;
    if (key === 'connection_creation_rate') this.#connectionLimits.set(undefined, addressOf(nameOf('ip')), limit);
    else this.#limitsOf(key)?.set(nameOf('user'), nameOf('client-id'), limit);
    const { producer_byte_rate: produce, consumer_byte_rate: consume, request_percentage: request } = this.#rates;
    this.isActive = [produce, consume, request].some(({ limits }) => !limits.isEmpty) || !this.#mutationLimits.isEmpty;
  }

  /** Counts `amount`, and says how long to be silent for it. The share of processing time costs one window at most, the others what they cost. */
  charge(quota: RateQuota, client: QuotaClient, amount: number, nowMs: number): number {
    const { limits } = this.#rates[quota];
    const limit = limits.find(client.user, client.clientId ?? '');
    if (limit === undefined) return 0;
    const rate = this.#rateOf(quota, limits.sharing, client, nowMs);
    rate.record(amount, nowMs);
    const delayMs = throttleMs(rate.rate(nowMs), limit, rate.spanMs(nowMs));
    return quota === 'request_percentage' ? Math.min(delayMs, this.#windows.windowMs) : delayMs;
  }

  /** As `charge`, but what is too much is not counted: it will not be sent. */
  chargeUnlessThrottled(quota: RateQuota, client: QuotaClient, amount: number, nowMs: number): number {
    const delayMs = this.charge(quota, client, amount, nowMs);
    if (delayMs > 0) this.#rateOf(quota, this.#rates[quota].limits.sharing, client, nowMs).record(-amount, nowMs);
    return delayMs;
  }

  /** More than this at once would be throttled in any case. */
  amountMax(quota: RateQuota, { user, clientId }: QuotaClient): number {
    const limit = this.#rates[quota].limits.find(user, clientId ?? '');
    if (limit === undefined) return Number.POSITIVE_INFINITY;
    return (limit * (this.#windows.windowCount - 1) * this.#windows.windowMs) / 1000;
  }

  /**
   * Counts `count` partitions that are made or deleted, and says how long to be silent. When `isStrict`, a client that has to be silent
   * counts nothing and is to be refused.
   */
  chargeMutations(client: QuotaClient, count: number, isStrict: boolean, nowMs: number): number {
    const limit = this.#mutationLimits.find(client.user, client.clientId ?? '');
    if (limit === undefined) return 0;
    const bucket = rowOf(this.#mutations, this.#mutationLimits.sharing, client, nowMs);
    const delayMs = bucket.throttleMs(limit, nowMs);
    if (isStrict && delayMs > 0) return delayMs;
    bucket.take(count, limit, nowMs);
    return isStrict ? 0 : bucket.throttleMs(limit, nowMs);
  }

  /** Counts a new connection of the address `ip`, and says how long it is to be refused; one that is refused does not count. */
  chargeConnection(ip: string, nowMs: number): number {
    const limit = this.#connectionLimits.isEmpty ? undefined : this.#connectionLimits.find('', ip);
    if (limit === undefined) return 0;
    const rate = this.#connections.of('', ip, nowMs).state;
    rate.record(1, nowMs);
    const delayMs = throttleMs(rate.rate(nowMs), limit, rate.spanMs(nowMs));
    if (delayMs > 0) rate.record(-1, nowMs);
    return Math.min(delayMs, this.#windows.windowMs);
  }

  /** Those who were counted lately. */
  *uses(quota: RateQuota, nowMs: number): Iterable<QuotaUse> {
    for (const { user, clientId, state } of this.#rates[quota].entities.all()) {
      yield { user, clientId, value: state.rate(nowMs) };
    }
  }

  #limitsOf(key: string): QuotaLimits | undefined {
    if (key === 'controller_mutation_rate') return this.#mutationLimits;
    return Object.hasOwn(this.#rates, key) ? this.#rates[key as RateQuota].limits : undefined;
  }

  #rateOf(quota: RateQuota, sharing: Sharing, client: QuotaClient, nowMs: number): SampledRate {
    return rowOf(this.#rates[quota].entities, sharing, client, nowMs);
  }
}

function addressOf(name: string | null | undefined): string | null {
  return name === null || name === undefined ? null : (ipAddressOf(name) ?? name);
}

function rowOf<T>(table: EntityTable<T>, sharing: Sharing, { user, clientId }: QuotaClient, nowMs: number): T {
  return table.of(sharing === 'client-id' ? '' : user, sharing === 'user' ? '' : (clientId ?? ''), nowMs).state;
}
