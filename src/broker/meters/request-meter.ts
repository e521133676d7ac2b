/**
 * How many requests came and how long each part of them took, by API:
 *
 *     queue      read, and waiting for those before it or for back-pressure to end
 *     local      in its handler
 *     remote     waiting: for the disk, for other members, for records
 *     response   answered and encoded, and waiting for the answers before it
 *     send       being handed to the socket; of the answer that it waited for, encoding included
 *
 * Hot path: some additions a request, nothing is allocated once an API was used.
 */
import { Histogram } from '#core';
import type { Api } from '#protocol';
import { CODE_COUNT, CODE_MIN, type ErrorCounter, errorCounter } from './error-codes.ts';

/** A request, as far as it is measured: when its parts came to their end, monotonic milliseconds. */
export interface MeteredRequest {
  readonly api: Api;
  readonly version: number;
  readonly requestBytes: number;
  readonly arrivedMs: number;
  readonly begunMs: number;
  readonly handledMs: number;
  readonly answeredMs: number;
  readonly throttleMs: number;
}

export class ApiMeter {
  readonly api: Api;
  /** Requests by version. */
  readonly versions: number[] = [];
  readonly errors = new Float64Array(CODE_COUNT);
  readonly totalMs = new Histogram();
  readonly queueMs = new Histogram();
  readonly localMs = new Histogram();
  readonly remoteMs = new Histogram();
  readonly responseMs = new Histogram();
  readonly sendMs = new Histogram();
  readonly throttleMs = new Histogram();
  readonly bytes = new Histogram();
  readonly countErrors: ErrorCounter;

  constructor(api: Api) {
    this.api = api;
    this.countErrors = errorCounter(api.response);
    for (let version = 0; version <= api.maxVersion; version++) this.versions.push(0);
  }

  /** Answers by error code. */
  *errorCounts(): Iterable<readonly [code: number, count: number]> {
    for (let at = 0; at < CODE_COUNT; at++) if (this.errors[at] > 0) yield [at + CODE_MIN, this.errors[at]];
  }

  rotate(): void {
    const { totalMs, queueMs, localMs, remoteMs, responseMs, sendMs, throttleMs, bytes } = this;
    for (const histogram of [totalMs, queueMs, localMs, remoteMs, responseMs, sendMs, throttleMs, bytes])
      histogram.rotate();
  }
}

export class RequestMeter {
  readonly #meters: (ApiMeter | undefined)[] = [];

  /** Those of APIs that were asked for. */
  all(): ApiMeter[] {
    return this.#meters.filter((meter) => meter !== undefined);
  }

  of(api: Api): ApiMeter {
    return (this.#meters[api.key] ??= new ApiMeter(api));
  }

  /** `body` is what the request is answered with; undefined when it wants no answer. */
  answered({ api }: MeteredRequest, body: object | undefined): void {
    const meter = this.of(api);
    if (body !== undefined) meter.countErrors(body, meter.errors);
  }

  /** The answer was handed to the socket between `leftMs` and `sentMs`. */
  sent(request: MeteredRequest, leftMs: number, sentMs: number): void {
    const { arrivedMs, begunMs, handledMs, answeredMs } = request;
    const meter = this.of(request.api);
    meter.versions[request.version]++;
    meter.bytes.record(request.requestBytes);
    meter.queueMs.record(begunMs - arrivedMs);
    meter.localMs.record(handledMs - begunMs);
    meter.remoteMs.record(answeredMs - handledMs);
    meter.responseMs.record(leftMs - answeredMs);
    meter.sendMs.record(sentMs - leftMs);
    meter.totalMs.record(sentMs - arrivedMs);
    meter.throttleMs.record(request.throttleMs);
  }

  rotate(): void {
    for (const meter of this.all()) meter.rotate();
  }
}
