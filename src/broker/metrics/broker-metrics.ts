/** The figures of one broker: where they are counted, and the way to read them. */
import { assert, type ConfigOf } from '#core';
import { takeCensus } from './census.ts';
import type { metricsConfigTable } from './config.ts';
import { families, type MetricFamily } from './families.ts';
import { LoopLag } from './loop-lag.ts';
import type { MetricSources } from './metric.ts';
import { PrometheusEndpoint } from './prometheus-endpoint.ts';
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
  #endpoint: PrometheusEndpoint | undefined;

  /** The parts that gauges are read from. Nothing can be read before. */
  serve(parts: Parts): void {
    this.#parts = parts;
  }

  /**
   * Opens the port that `config` names; undefined when it names none.
   *
   * @returns the port that was bound
   * @throws KafkaError NETWORK_EXCEPTION when it cannot be
   */
  async openPort(config: ConfigOf<typeof metricsConfigTable>): Promise<number | undefined> {
    const { 'springtide.broker.metrics.port': port, 'springtide.broker.metrics.host': host } = config;
    if (port === null) return undefined;
    const { clock, logger } = this.#served.broker;
    this.#endpoint = await PrometheusEndpoint.open({ host, port, clock, logger, families: () => this.families() });
    // Somebody reads regularly from now on.
    this.#loopLag = new LoopLag(clock);
    return this.#endpoint.port;
  }

  async close(): Promise<void> {
    this.#loopLag?.stop();
    await this.#endpoint?.close();
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
