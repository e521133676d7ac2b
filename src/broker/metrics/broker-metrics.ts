/** The figures of one broker: where they are counted, and the way to read them. */
import { assert } from '#core';
import { takeCensus } from './census.ts';
import { families, type MetricFamily } from './families.ts';
import { LoopLag } from './loop-lag.ts';
import type { MetricSources } from './metric.ts';
import { RequestMeter } from './request-meter.ts';
import { Traffic } from './topic-traffic.ts';

/** Percentiles are of the last one to two of these, as far as somebody looks that often. */
const WINDOW_MS = 300_000;

type Parts = Pick<MetricSources, 'broker' | 'directories' | 'server'>;

export class BrokerMetrics {
  readonly meter = new RequestMeter();
  readonly traffic = new Traffic();
  #rotatedMs = 0;
  #parts: Parts | undefined;
  #loopLag: LoopLag | undefined;

  /** The parts that gauges are read from. Nothing can be read before. */
  serve(parts: Parts): void {
    this.#parts = parts;
  }

  /** Somebody reads regularly from now on: what is measured only for such a one is. */
  observe(): void {
    this.#loopLag ??= new LoopLag(this.#served.broker.clock);
  }

  stop(): void {
    this.#loopLag?.stop();
  }

  /** Values are read as families are taken, so a reader who is slow sees later ones. */
  async families(): Promise<Iterable<MetricFamily>> {
    const { broker } = this.#served;
    const census = await takeCensus(broker);
    this.#rotate(broker.clock.monotonicMs());
    return families({ ...this.#served, census, loopLag: this.#loopLag });
  }

  get #served(): Parts {
    assert(this.#parts !== undefined, 'metrics are read before the broker serves');
    return this.#parts;
  }

  #rotate(nowMs: number): void {
    if (nowMs - this.#rotatedMs < WINDOW_MS) return;
    this.#rotatedMs = nowMs;
    this.meter.rotate();
    this.#loopLag?.lateMs.rotate();
  }
}
