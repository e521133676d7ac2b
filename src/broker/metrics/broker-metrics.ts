/** The figures of one broker: where they are counted, and the way to read them. */
import { assert } from '#core';
import { families, type MetricFamily } from './families.ts';
import { countGroups } from './group-census.ts';
import type { MetricSources } from './metric.ts';
import { RequestMeter } from './request-meter.ts';
import { Traffic } from './topic-traffic.ts';

type Parts = Pick<MetricSources, 'broker' | 'directories' | 'server'>;

export class BrokerMetrics {
  readonly meter = new RequestMeter();
  readonly traffic = new Traffic();
  #parts: Parts | undefined;

  /** The parts that gauges are read from. Nothing can be read before. */
  serve(parts: Parts): void {
    this.#parts = parts;
  }

  /** Values are read as families are taken, so a reader who is slow sees later ones. */
  async families(): Promise<Iterable<MetricFamily>> {
    assert(this.#parts !== undefined, 'metrics are read before the broker serves');
    const { broker } = this.#parts;
    const groups = await countGroups(broker);
    this.meter.rotate(broker.clock.now().monotonicMs);
    return families({ ...this.#parts, groups });
  }
}
