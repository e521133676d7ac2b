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

/** Eight buckets per power of two: a percentile is at most 6 % off. */
const BUCKET_BITS = 3;
/** Values below 2^-10 count as one. */
const EXPONENT_MIN = -10;
const EXPONENT_COUNT = 52;
const BUCKET_COUNT = EXPONENT_COUNT << BUCKET_BITS;

/** A double's exponent and the top bits of its fraction are the number of its bucket, so nothing is computed to find it. */
const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);
const HIGH_WORD = new Uint8Array(Uint16Array.of(1).buffer)[0];
const HIGH_SHIFT = 20 - BUCKET_BITS;
const FIRST_BUCKET = (1023 + EXPONENT_MIN) << BUCKET_BITS;

/**
 * Distribution of non-negative values in fixed memory (1.7 KiB, twice that once rotated): `count`, `sum` and `max` of all of them, and
 * percentiles of those since the rotation before the last, so that whoever rotates regularly sees the present and not all of the past.
 */
export class Histogram {
  #buckets = new Uint32Array(BUCKET_COUNT);
  /** Those before the last rotation. */
  #olderBuckets: Uint32Array<ArrayBuffer> | undefined;
  count = 0;
  sum = 0;
  max = 0;

  record(value: number): void {
    float[0] = value;
    const bucket = (words[HIGH_WORD] >>> HIGH_SHIFT) - FIRST_BUCKET;
    this.#buckets[bucket < 0 ? 0 : bucket < BUCKET_COUNT ? bucket : BUCKET_COUNT - 1]++;
    this.count++;
    this.sum += value;
    if (value > this.max) this.max = value;
  }

  /** The value that the share `fraction` (0 … 1) of the recorded ones does not exceed; 0 when there are none. */
  percentile(fraction: number): number {
    const older = this.#olderBuckets;
    let count = 0;
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) count += this.#buckets[bucket] + (older?.[bucket] ?? 0);
    let left = Math.ceil(count * fraction);
    for (let bucket = 0; bucket < BUCKET_COUNT && left > 0; bucket++) {
      left -= this.#buckets[bucket] + (older?.[bucket] ?? 0);
      if (left <= 0) return Math.min(middleOf(bucket), this.max);
    }
    return 0;
  }

  /** Forgets, for percentiles, what was recorded before the last rotation. */
  rotate(): void {
    const older = this.#olderBuckets ?? new Uint32Array(BUCKET_COUNT);
    this.#olderBuckets = this.#buckets;
    this.#buckets = older.fill(0);
  }
}

function middleOf(bucket: number): number {
  const exponent = (bucket >> BUCKET_BITS) + EXPONENT_MIN;
  const part = bucket & ((1 << BUCKET_BITS) - 1);
  return 2 ** exponent * (1 + (part + 0.5) / (1 << BUCKET_BITS));
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
