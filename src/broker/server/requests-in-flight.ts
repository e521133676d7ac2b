/**
 * The requests of one connection that were begun, oldest first, until their answers leave. Answers leave in the order of the requests,
 * so one that is answered early stays until those before it are.
 */
import { Apis } from '#protocol';
import type { RequestContext } from './request-context.ts';
import { isProduce } from './request-frame.ts';

/** Kafka's producer has at most five requests in flight when it wants order. */
const PRODUCE_IN_FLIGHT_MAX = 5;
/** Requests up to this do not count against the budget of all connections: each may always have one such. */
export const SMALL_BYTES = 64 * 1024;

export class RequestsInFlight {
  #requests: RequestContext[] = [];
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#requests.length === 0;
  }

  /** What they use of the budget of all connections. */
  get bytes(): number {
    return this.#bytes;
  }

  /** May `frame` be begun now? Alone it may, and produce requests may wait for durability together. */
  admits(frame: Buffer): boolean {
    const requests = this.#requests;
    if (requests.length === 0) return true;
    if (requests.length >= PRODUCE_IN_FLIGHT_MAX || !isProduce(frame)) return false;
    for (const { api, isHoldingBack } of requests) if (api !== Apis.Produce || isHoldingBack) return false;
    return true;
  }

  add(context: RequestContext): void {
    this.#requests.push(context);
    this.#bytes += countedBytes(context.requestBytes);
  }

  /** Takes out those whose answers may leave now. */
  takeAnswered(): RequestContext[] {
    const requests = this.#requests;
    let count = 0;
    while (count < requests.length && requests[count].chunks !== undefined) count++;
    return count === 0 ? NONE : this.#take(0, count);
  }

  /** Takes out `context` and all behind it. Those that wait are told that nobody will read their answers. */
  abandonFrom(context: RequestContext): void {
    const index = this.#requests.indexOf(context);
    if (index < 0) return;
    for (const { onAbandoned } of this.#take(index, this.#requests.length)) onAbandoned?.();
  }

  /** As `abandonFrom`, all of them. */
  abandon(): void {
    for (const { onAbandoned } of this.#take(0, this.#requests.length)) onAbandoned?.();
  }

  #take(from: number, to: number): RequestContext[] {
    const isAll = from === 0 && to === this.#requests.length;
    const taken = isAll ? this.#requests : this.#requests.splice(from, to - from);
    if (isAll) this.#requests = [];
    for (const { requestBytes } of taken) this.#bytes -= countedBytes(requestBytes);
    return taken;
  }
}

/** What a request of so many bytes uses of the budget of all connections. */
export function countedBytes(bytes: number): number {
  return bytes > SMALL_BYTES ? bytes : 0;
}

const NONE: RequestContext[] = [];
