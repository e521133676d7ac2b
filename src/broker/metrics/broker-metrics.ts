/** The figures of one broker, and the way to read them. */
import type { Clock, ConfigOf, Logger } from '#core';
import { type Coordinators, takeCensus } from './census.ts';
import type { metricsConfigTable } from './config.ts';
import { families, type LiveFamily } from './families.ts';
import { LoopLag } from './loop-lag.ts';
import type { MeasuredParts } from './metric.ts';
import { PrometheusEndpoint } from './prometheus-endpoint.ts';

/** Percentiles are of the last one to two of these, as far as somebody looks that often. */
const WINDOW_MS = 300_000;

export class BrokerMetrics {
  readonly #parts: MeasuredParts & Coordinators;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #rotatedMs = 0;
  #loopLag: LoopLag | undefined;
  #endpoint: PrometheusEndpoint | undefined;

  constructor(parts: MeasuredParts & Coordinators, clock: Clock, logger: Logger) {
    this.#parts = parts;
    this.#clock = clock;
    this.#logger = logger;
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
    const clock = this.#clock;
    this.#endpoint = await PrometheusEndpoint.open({
      host,
      port,
      clock,
      logger: this.#logger,
      families: () => this.families(),
    });
    // Somebody reads regularly from now on.
    this.#loopLag = new LoopLag(clock);
    return this.#endpoint.port;
  }

  async close(): Promise<void> {
    this.#loopLag?.stop();
    await this.#endpoint?.close();
  }

  /** Values are read as families are taken, so a reader who is slow sees later ones. */
  async families(): Promise<Iterable<LiveFamily>> {
    const census = await takeCensus(this.#parts, this.#clock);
    this.#rotate(this.#clock.monotonicMs());
    return families({ ...this.#parts, census, loopLag: this.#loopLag });
  }

  #rotate(nowMs: number): void {
    if (nowMs - this.#rotatedMs < WINDOW_MS) return;
    this.#rotatedMs = nowMs;
    this.#parts.meter.rotate();
    this.#loopLag?.lateMs.rotate();
  }
}
