/**
 * Figures for people: counters, gauges and histograms under dotted names, read by `snapshot()`. Updating one is an
 * addition, so hot paths may.
 */
import { assert } from './assert.ts';

export class Counter {
  value = 0;

  add(amount = 1): void {
    this.value += amount;
  }
}

export class Gauge {
  #read: () => number;

  constructor(initial: number | (() => number) = 0) {
    this.#read = typeof initial === 'function' ? initial : () => initial;
  }

  get value(): number {
    return this.#read();
  }

  set(value: number): void {
    this.#read = () => value;
  }
}

/** Eight buckets per power of two: a percentile is at most 9 % off. */
const BUCKETS_PER_DOUBLING = 8;
const BUCKET_COUNT = 64 * BUCKETS_PER_DOUBLING;

/** Distribution of non-negative values, in fixed memory (4 KiB). */
export class Histogram {
  #buckets = new Float64Array(BUCKET_COUNT);
  count = 0;
  sum = 0;
  max = 0;

  record(value: number): void {
    const bucket = value <= 1 ? 0 : Math.ceil(Math.log2(value) * BUCKETS_PER_DOUBLING);
    this.#buckets[Math.min(bucket, BUCKET_COUNT - 1)]++;
    this.count++;
    this.sum += value;
    if (value > this.max) this.max = value;
  }

  /** The value that the share `fraction` (0 … 1) of all recorded ones does not exceed; 0 when there are none. */
  percentile(fraction: number): number {
    let left = Math.ceil(this.count * fraction);
    for (let bucket = 0; bucket < BUCKET_COUNT && left > 0; bucket++) {
      left -= this.#buckets[bucket];
      if (left <= 0) return Math.min(2 ** (bucket / BUCKETS_PER_DOUBLING), this.max);
    }
    return this.max;
  }
}

type Metric = Counter | Gauge | Histogram;

export class MetricsRegistry {
  #metrics = new Map<string, Metric>();

  /** The counter of that name, made on first use. */
  counter(name: string): Counter {
    return this.#get(name, Counter);
  }

  histogram(name: string): Histogram {
    return this.#get(name, Histogram);
  }

  /** `read`, when given, is asked at every snapshot. */
  gauge(name: string, read?: () => number): Gauge {
    if (read !== undefined) this.#metrics.set(name, new Gauge(read));
    return this.#get(name, Gauge);
  }

  /** Forgets what starts with `prefix`: a closed connection or partition. */
  remove(prefix: string): void {
    for (const name of this.#metrics.keys()) if (name.startsWith(prefix)) this.#metrics.delete(name);
  }

  /** All values now. A histogram gives `.count`, `.mean`, `.p50`, `.p99` and `.max`. */
  snapshot(): Record<string, number> {
    const values: Record<string, number> = {};
    for (const [name, metric] of this.#metrics) {
      if (!(metric instanceof Histogram)) {
        values[name] = metric.value;
        continue;
      }
      values[`${name}.count`] = metric.count;
      values[`${name}.mean`] = metric.count === 0 ? 0 : metric.sum / metric.count;
      values[`${name}.p50`] = metric.percentile(0.5);
      values[`${name}.p99`] = metric.percentile(0.99);
      values[`${name}.max`] = metric.max;
    }
    return values;
  }

  #get<T extends Metric>(name: string, kind: new () => T): T {
    let metric = this.#metrics.get(name);
    if (metric === undefined) {
      metric = new kind();
      this.#metrics.set(name, metric);
    }
    assert(metric instanceof kind, `metric ${name} is not a ${kind.name}`);
    return metric;
  }
}
