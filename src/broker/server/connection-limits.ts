/**
 * How many connections there may be: in all, of each address, through each listener, and how fast new ones may come. ◇
 *
 * Kafka holds a connection up that exceeds `max.connections` or a creation rate, and closes one that exceeds `max.connections.per.ip`;
 * so it is here.
 */
import { type ConfigOf, KafkaError, parseConfigValue } from '#core';
import { networkConfigTable } from './config.ts';

/** Keys that a listener may have of its own, behind `listener.name.<its name>.` */
export const listenerKeys = ['max.connections', 'max.connection.creation.rate'] as const;

/** What holds for the broker, or for one of its listeners. */
export interface RoomLimits {
  readonly countMax: number;
  /** Connections a second. */
  readonly creationRateMax: number;
}

export interface ConnectionLimits extends RoomLimits {
  readonly perIpMax: number;
  readonly perIpOverrides: ReadonlyMap<string, number>;
  /** Of the listeners that have limits of their own. */
  readonly listeners: ReadonlyMap<string, RoomLimits>;
}

/** `waitMs`: how long it takes at least; Infinity: until a connection is closed. `key`: what stands in the way, with its value. */
export type Admission =
  | { readonly type: 'open' }
  | { readonly type: 'wait'; readonly waitMs: number; readonly key: string }
  | { readonly type: 'refused'; readonly key: string };

const OPEN: Admission = { type: 'open' };

/**
 * @param given the broker's keys as they were written: limits of listeners stand there
 * @throws KafkaError INVALID_CONFIG
 */
export function connectionLimits(
  config: ConfigOf<typeof networkConfigTable>,
  given: Readonly<Record<string, unknown>>,
  listenerNames: readonly string[],
): ConnectionLimits {
  const listeners = new Map<string, RoomLimits>();
  for (const name of listenerNames) {
    const prefix = `listener.name.${name.toLowerCase()}.`;
    const countMax = ownValue(prefix, 'max.connections', given);
    const creationRateMax = ownValue(prefix, 'max.connection.creation.rate', given);
    if (countMax < Infinity || creationRateMax < Infinity) listeners.set(name, { countMax, creationRateMax });
  }
  return {
    countMax: config['max.connections'],
    creationRateMax: config['max.connection.creation.rate'],
    perIpMax: config['max.connections.per.ip'],
    perIpOverrides: new Map(config['max.connections.per.ip.overrides'].map(parseOverride)),
    listeners,
  };
}

function ownValue(
  prefix: string,
  key: (typeof listenerKeys)[number],
  given: Readonly<Record<string, unknown>>,
): number {
  const value = given[prefix + key];
  if (value === undefined) return Infinity;
  return parseConfigValue(prefix + key, networkConfigTable[key], value) as number;
}

function parseOverride(text: string): [string, number] {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)|([0-9a-fA-F:.]+)):(\d+)$/.exec(text);
  if (match === null) {
    throw new KafkaError(
      'INVALID_CONFIG',
      `max.connections.per.ip.overrides: ${JSON.stringify(text)} is not allowed: must read address:count, for example 10.0.0.7:100; write the address of a host instead of its name.`,
    );
  }
  return [match[1] ?? match[2] ?? match[3], Number(match[4])];
}

export class ConnectionGate {
  limits: ConnectionLimits;
  #count = 0;
  readonly #byIp = new Map<string, number>();
  readonly #byListener = new Map<string, number>();
  /** Of the broker ('') and of listeners with a rate of their own. */
  readonly #rates = new Map<string, RateBucket>();

  constructor(limits: ConnectionLimits) {
    this.limits = limits;
  }

  /** May this address have one more connection? Those that wait count as well, so ask before one waits. */
  admitsAddress(ip: string): Admission {
    const max = this.limits.perIpOverrides.get(ip) ?? this.limits.perIpMax;
    if ((this.#byIp.get(ip) ?? 0) < max) return OPEN;
    const key = this.limits.perIpOverrides.has(ip) ? 'max.connections.per.ip.overrides' : 'max.connections.per.ip';
    return { type: 'refused', key: `${key}=${max}` };
  }

  /** Is there room, and is it time, for one more connection through this listener? Takes nothing. */
  admits(listener: string, nowMs: number): Admission {
    for (const [name, { countMax, creationRateMax }, count] of this.#rooms(listener)) {
      const prefix = name === '' ? '' : `listener.name.${name.toLowerCase()}.`;
      if (count >= countMax) return { type: 'wait', waitMs: Infinity, key: `${prefix}max.connections=${countMax}` };
      const waitMs = this.#rate(name, creationRateMax, nowMs).waitMs(nowMs);
      if (waitMs > 0) return { type: 'wait', waitMs, key: `${prefix}max.connection.creation.rate=${creationRateMax}` };
    }
    return OPEN;
  }

  /** A connection of this address came, be it that it has to wait. */
  came(ip: string): void {
    this.#byIp.set(ip, (this.#byIp.get(ip) ?? 0) + 1);
  }

  /** It is opened. */
  opened(listener: string, nowMs: number): void {
    for (const [name, { creationRateMax }] of this.#rooms(listener))
      this.#rate(name, creationRateMax, nowMs).take(nowMs);
    this.#count++;
    this.#byListener.set(listener, (this.#byListener.get(listener) ?? 0) + 1);
  }

  closed(listener: string): void {
    this.#count--;
    this.#byListener.set(listener, this.#byListener.get(listener)! - 1);
  }

  /** A connection of this address is no more, be it that it never was opened. */
  left(ip: string): void {
    const count = this.#byIp.get(ip)! - 1;
    if (count === 0) this.#byIp.delete(ip);
    else this.#byIp.set(ip, count);
  }

  #rooms(listener: string): [name: string, limits: RoomLimits, count: number][] {
    const rooms: [string, RoomLimits, number][] = [['', this.limits, this.#count]];
    const own = this.limits.listeners.get(listener);
    if (own !== undefined) rooms.push([listener, own, this.#byListener.get(listener) ?? 0]);
    return rooms;
  }

  #rate(name: string, rateMax: number, nowMs: number): RateBucket {
    let bucket = this.#rates.get(name);
    if (bucket?.rateMax !== rateMax) {
      bucket = new RateBucket(rateMax, nowMs);
      this.#rates.set(name, bucket);
    }
    return bucket;
  }
}

/** Gives `rateMax` a second, and what was not taken in the last second at once. */
class RateBucket {
  readonly rateMax: number;
  #tokens: number;
  #filledMs: number;

  constructor(rateMax: number, nowMs: number) {
    this.rateMax = rateMax;
    this.#tokens = rateMax;
    this.#filledMs = nowMs;
  }

  waitMs(nowMs: number): number {
    this.#fill(nowMs);
    return this.#tokens >= 1 ? 0 : Math.ceil(((1 - this.#tokens) * 1000) / this.rateMax);
  }

  take(nowMs: number): void {
    this.#fill(nowMs);
    this.#tokens -= 1;
  }

  #fill(nowMs: number): void {
    if (this.rateMax === Infinity) return;
    this.#tokens = Math.min(this.rateMax, this.#tokens + ((nowMs - this.#filledMs) * this.rateMax) / 1000);
    this.#filledMs = nowMs;
  }
}
