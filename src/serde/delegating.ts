/**
 * Serializers that choose another one per record: by the value's class, by the topic, or by a selector header, as Spring's
 * `DelegatingByTypeSerializer`, `DelegatingByTopicSerializer/Deserializer` and `DelegatingSerializer/Deserializer`.
 */
import { DeserializationException, SerializationException } from './errors.ts';
import type { Headers } from './headers.ts';
import type { Deserializer, Serializer } from './serializer.ts';
import type { Class } from './type-registry.ts';

/** A class, or the name that `typeof` gives (`string`, `number`, `boolean`, `object`, …). */
export type TypeKey = Class | 'string' | 'number' | 'bigint' | 'boolean' | 'object';

/** Chooses by the value's class: the first entry that fits, in the map's order. Null goes to null bytes. */
export class DelegatingByTypeSerializer implements Serializer {
  private readonly delegates: [TypeKey, Serializer][];

  constructor(delegates: Iterable<readonly [TypeKey, Serializer]>) {
    this.delegates = Array.from(delegates, ([key, serializer]) => [key, serializer]);
  }

  configure(configs: Record<string, unknown>, isKey: boolean): void {
    for (const [, delegate] of this.delegates) delegate.configure?.(configs, isKey);
  }

  serialize(topic: string, value: unknown, headers: Headers): Buffer | null {
    if (value === null || value === undefined) return null;
    const found = this.delegates.find(([key]) =>
      typeof key === 'string' ? typeof value === key : value instanceof key,
    );
    if (found !== undefined) return found[1].serialize(topic, value, headers);
    const type = typeof value === 'object' ? value.constructor?.name : typeof value;
    throw new SerializationException(
      `no delegate serializes a ${type} for ${topic}; add one to the DelegatingByTypeSerializer`,
    );
  }

  close(): void {
    for (const [, delegate] of this.delegates) delegate.close?.();
  }
}

/** Rules by topic: the first pattern that matches the whole topic name, else the default. */
export interface TopicRules<D> {
  patterns: Iterable<readonly [RegExp | string, D]>;
  default?: D;
}

class ByTopic<D> {
  readonly all: D[];
  private readonly rules: [RegExp, D][];
  private readonly otherwise: D | undefined;
  private readonly chosen = new Map<string, D>();

  constructor(rules: TopicRules<D>) {
    this.rules = Array.from(rules.patterns, ([pattern, delegate]) => [whole(pattern), delegate]);
    this.otherwise = rules.default;
    this.all = this.rules.map(([, delegate]) => delegate);
    if (rules.default !== undefined) this.all.push(rules.default);
  }

  find(topic: string): D | undefined {
    let delegate = this.chosen.get(topic);
    if (delegate === undefined) {
      delegate = this.rules.find(([pattern]) => pattern.test(topic))?.[1] ?? this.otherwise;
      if (delegate !== undefined) this.chosen.set(topic, delegate);
    }
    return delegate;
  }
}

function whole(pattern: RegExp | string): RegExp {
  const source = typeof pattern === 'string' ? pattern : pattern.source;
  const flags = typeof pattern === 'string' ? '' : pattern.flags.replace(/[gy]/g, '');
  return new RegExp(`^(?:${source})$`, flags);
}

export class DelegatingByTopicSerializer implements Serializer {
  private readonly delegates: ByTopic<Serializer>;

  constructor(rules: TopicRules<Serializer>) {
    this.delegates = new ByTopic(rules);
  }

  configure(configs: Record<string, unknown>, isKey: boolean): void {
    for (const delegate of this.delegates.all) delegate.configure?.(configs, isKey);
  }

  serialize(topic: string, value: unknown, headers: Headers): Buffer | null {
    const delegate = this.delegates.find(topic);
    if (delegate !== undefined) return delegate.serialize(topic, value, headers);
    throw new SerializationException(`no serializer is set for topic ${topic} and there is no default`);
  }
}

export class DelegatingByTopicDeserializer implements Deserializer {
  private readonly delegates: ByTopic<Deserializer>;

  constructor(rules: TopicRules<Deserializer>) {
    this.delegates = new ByTopic(rules);
  }

  configure(configs: Record<string, unknown>, isKey: boolean): void {
    for (const delegate of this.delegates.all) delegate.configure?.(configs, isKey);
  }

  deserialize(topic: string, bytes: Buffer | null, headers: Headers): unknown {
    const delegate = this.delegates.find(topic);
    if (delegate !== undefined) return delegate.deserialize(topic, bytes, headers);
    const reason = new Error(`no deserializer is set for topic ${topic} and there is no default`);
    throw new DeserializationException(topic, false, bytes, reason);
  }
}

export const VALUE_SELECTOR_HEADER = 'spring.kafka.serialization.selector';
export const KEY_SELECTOR_HEADER = 'spring.kafka.key.serialization.selector';

/** Chooses by the selector header of each record. */
export class DelegatingSerializer implements Serializer {
  private readonly delegates: ReadonlyMap<string, Serializer>;
  private header = VALUE_SELECTOR_HEADER;

  constructor(delegates: ReadonlyMap<string, Serializer>) {
    this.delegates = delegates;
  }

  configure(configs: Record<string, unknown>, isKey: boolean): void {
    this.header = isKey ? KEY_SELECTOR_HEADER : VALUE_SELECTOR_HEADER;
    for (const delegate of this.delegates.values()) delegate.configure?.(configs, isKey);
  }

  serialize(topic: string, value: unknown, headers: Headers): Buffer | null {
    if (value === null || value === undefined) return null;
    const delegate = this.delegates.get(headers.text(this.header) ?? '');
    if (delegate !== undefined) return delegate.serialize(topic, value, headers);
    throw new SerializationException(
      `header ${this.header} of a record for ${topic} names none of: ${names(this.delegates)}`,
    );
  }
}

export class DelegatingDeserializer implements Deserializer {
  private readonly delegates: ReadonlyMap<string, Deserializer>;
  private header = VALUE_SELECTOR_HEADER;
  private isKey = false;

  constructor(delegates: ReadonlyMap<string, Deserializer>) {
    this.delegates = delegates;
  }

  configure(configs: Record<string, unknown>, isKey: boolean): void {
    this.isKey = isKey;
    this.header = isKey ? KEY_SELECTOR_HEADER : VALUE_SELECTOR_HEADER;
    for (const delegate of this.delegates.values()) delegate.configure?.(configs, isKey);
  }

  deserialize(topic: string, bytes: Buffer | null, headers: Headers): unknown {
    const delegate = this.delegates.get(headers.text(this.header) ?? '');
    if (delegate !== undefined) return delegate.deserialize(topic, bytes, headers);
    const reason = new Error(`header ${this.header} names none of: ${names(this.delegates)}`);
    throw new DeserializationException(topic, this.isKey, bytes, reason);
  }
}

function names(delegates: ReadonlyMap<string, unknown>): string {
  return [...delegates.keys()].join(', ');
}
