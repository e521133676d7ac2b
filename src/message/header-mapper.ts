/**
 * Message headers ↔ record headers, byte for byte as Spring's `DefaultKafkaHeaderMapper`: bytes as they are, text as UTF-8,
 * everything else as JSON, and `spring_json_header_types` says which Java type each one has, so that a Java peer reads
 * numbers as numbers. Reading trusts the Java types below and no other; an unknown one arrives as `NonTrustedHeaderType`.
 */
import { Headers } from '#serde';
import { KafkaHeaders } from './kafka-headers.ts';
import { MessageHeaders } from './message.ts';

export const JSON_TYPES_HEADER = 'spring_json_header_types';

export interface KafkaHeaderMapper {
  /** Adds the mappable ones of `headers` to `target`. */
  fromHeaders(headers: MessageHeaders, target: Headers): void;
  /** Adds the values of `source` to `target`. */
  toHeaders(source: Headers, target: MessageHeaders): void;
}

export interface HeaderMapperOptions {
  /** Which headers go out, first match wins; `!` negates, `*` is a wildcard, case does not matter. Default `!id !timestamp *`. */
  patterns?: string[];
  /** Write text as JSON (quoted), as very old Java peers expect. Default false. */
  encodeStrings?: boolean;
  /** Names (patterns) whose repeated record headers arrive as a list; for others the last one wins. */
  multiValueHeaderPatterns?: string[];
  /** Names whose untyped bytes arrive as text, and which go out without a type. */
  rawMappedHeaders?: string[];
}

/** A header of a Java type that is not believed; its bytes are kept. */
export class NonTrustedHeaderType {
  readonly headerValue: Buffer;
  readonly untrustedType: string;

  constructor(headerValue: Buffer, untrustedType: string) {
    this.headerValue = headerValue;
    this.untrustedType = untrustedType;
  }
}

/** Names that describe one hop and never go out. */
const NEVER_OUT = new Set<string>([
  KafkaHeaders.ACKNOWLEDGMENT,
  KafkaHeaders.CONSUMER,
  KafkaHeaders.KEY,
  KafkaHeaders.OFFSET,
  KafkaHeaders.PARTITION,
  KafkaHeaders.RAW_DATA,
  KafkaHeaders.RECEIVED_KEY,
  KafkaHeaders.RECEIVED_PARTITION,
  KafkaHeaders.RECEIVED_TIMESTAMP,
  KafkaHeaders.RECEIVED_TOPIC,
  KafkaHeaders.TIMESTAMP,
  KafkaHeaders.TIMESTAMP_TYPE,
  KafkaHeaders.BATCH_CONVERTED_HEADERS,
  KafkaHeaders.CONVERSION_FAILURES,
  KafkaHeaders.NATIVE_HEADERS,
  KafkaHeaders.TOPIC,
  KafkaHeaders.DELIVERY_ATTEMPT,
  KafkaHeaders.LISTENER_INFO,
  KafkaHeaders.GROUP_ID,
  KafkaHeaders.RECORD_METADATA,
]);

export class DefaultKafkaHeaderMapper implements KafkaHeaderMapper {
  private readonly patterns: HeaderPattern[];
  private readonly multiValue: HeaderPattern[];
  private readonly encodeStrings: boolean;
  private readonly raw: Set<string>;

  constructor(options: HeaderMapperOptions = {}) {
    this.patterns = (options.patterns ?? ['!id', '!timestamp', '*']).map(headerPattern);
    this.multiValue = (options.multiValueHeaderPatterns ?? []).map(headerPattern);
    this.encodeStrings = options.encodeStrings ?? false;
    this.raw = new Set([
      KafkaHeaders.LISTENER_INFO,
      'b3',
      'traceparent',
      'tracestate',
      ...(options.rawMappedHeaders ?? []),
    ]);
  }

  fromHeaders(headers: MessageHeaders, target: Headers): void {
    const types: Record<string, string> = {};
    for (const [name, value] of headers) {
      if (value === null || value === undefined || NEVER_OUT.has(name) || !matches(this.patterns, name)) continue;
      const values = Array.isArray(value) && matches(this.multiValue, name) ? value : [value];
      for (const one of values) this.addOut(name, one, target, types);
    }
    if (Object.keys(types).length > 0) target.add(JSON_TYPES_HEADER, JSON.stringify(types));
  }

  toHeaders(source: Headers, target: MessageHeaders): void {
    if (source.length === 0) return;
    const types = typesOf(source);
    for (const { key, value } of source) {
      if (key === JSON_TYPES_HEADER || value === null) continue;
      const decoded = this.decode(key, value, types[key]);
      if (!matches(this.multiValue, key)) target.set(key, decoded);
      else target.set(key, [...((target.get(key) as unknown[] | undefined) ?? []), decoded]);
    }
  }

  private addOut(name: string, value: unknown, target: Headers, types: Record<string, string>): void {
    if (value instanceof Uint8Array) {
      target.add(name, Buffer.from(value));
    } else if (this.raw.has(name)) {
      target.add(name, String(value));
    } else {
      target.add(name, typeof value === 'string' && !this.encodeStrings ? value : jsonOf(value));
      types[name] = javaTypeOf(value);
    }
  }

  private decode(name: string, bytes: Buffer, type: string | undefined): unknown {
    if (name === KafkaHeaders.DELIVERY_ATTEMPT && bytes.length === 4) return bytes.readInt32BE();
    if (type === undefined) return this.raw.has(name) ? bytes.toString('utf8') : bytes;
    const read = readers[type];
    if (read === undefined) return new NonTrustedHeaderType(bytes, type);
    try {
      return read(bytes.toString('utf8'));
    } catch {
      // A header that does not hold what its type says must not cost the record: its bytes are handed on.
      return bytes;
    }
  }
}

/** Bytes only, both ways; nothing is typed. */
export class SimpleKafkaHeaderMapper implements KafkaHeaderMapper {
  fromHeaders(headers: MessageHeaders, target: Headers): void {
    for (const [name, value] of headers) {
      if (value instanceof Uint8Array && !NEVER_OUT.has(name)) target.add(name, Buffer.from(value));
    }
  }

  toHeaders(source: Headers, target: MessageHeaders): void {
    for (const { key, value } of source) if (value !== null) target.set(key, value);
  }
}

interface HeaderPattern {
  test: RegExp;
  isNegated: boolean;
}

function headerPattern(text: string): HeaderPattern {
  const isNegated = text.startsWith('!');
  const body = isNegated ? text.slice(1) : text;
  const source = body
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  return { test: new RegExp(`^${source}$`, 'i'), isNegated };
}

function matches(patterns: readonly HeaderPattern[], name: string): boolean {
  for (const pattern of patterns) if (pattern.test.test(name)) return !pattern.isNegated;
  return false;
}

function typesOf(source: Headers): Record<string, string> {
  const text = source.text(JSON_TYPES_HEADER);
  if (text === undefined) return {};
  try {
    const types: unknown = JSON.parse(text);
    return typeof types === 'object' && types !== null ? (types as Record<string, string>) : {};
  } catch {
    // An unreadable type table leaves every header as bytes, as if there were none.
    return {};
  }
}

function javaTypeOf(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return 'java.lang.String';
    case 'boolean':
      return 'java.lang.Boolean';
    case 'bigint':
      return 'java.lang.Long';
    case 'number':
      if (!Number.isInteger(value)) return 'java.lang.Double';
      return value >= -(2 ** 31) && value < 2 ** 31 ? 'java.lang.Integer' : 'java.lang.Long';
    default:
      if (value instanceof Date) return 'java.util.Date';
      return Array.isArray(value) ? 'java.util.ArrayList' : 'java.util.LinkedHashMap';
  }
}

function jsonOf(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Date) return String(value.getTime());
  return JSON.stringify(value instanceof Map ? Object.fromEntries(value) : value) ?? 'null';
}

const json = (text: string): unknown => JSON.parse(text);
const date = (text: string): Date => new Date(JSON.parse(text) as number | string);
/** Text is raw unless the writer encoded it, which shows in its quotes. */
const stringOf = (text: string): string =>
  text.length > 1 && text.startsWith('"') && text.endsWith('"') ? JSON.parse(text) : text;

const readers: Record<string, ((text: string) => unknown) | undefined> = Object.assign(Object.create(null), {
  'java.lang.String': stringOf,
  'java.lang.Integer': json,
  'java.lang.Long': json,
  'java.lang.Short': json,
  'java.lang.Byte': json,
  'java.lang.Double': json,
  'java.lang.Float': json,
  'java.lang.Boolean': json,
  'java.lang.Character': stringOf,
  'java.math.BigDecimal': json,
  'java.math.BigInteger': json,
  'java.util.Date': date,
  'java.util.UUID': stringOf,
  'java.net.URI': stringOf,
  'java.net.URL': stringOf,
  'java.util.ArrayList': json,
  'java.util.LinkedList': json,
  'java.util.Arrays$ArrayList': json,
  'java.util.ImmutableCollections$ListN': json,
  'java.util.ImmutableCollections$List12': json,
  'java.util.HashSet': json,
  'java.util.LinkedHashSet': json,
  'java.util.HashMap': json,
  'java.util.LinkedHashMap': json,
  'java.util.TreeMap': json,
  'java.util.Collections$EmptyMap': json,
  'java.util.Collections$SingletonMap': json,
  'java.util.ImmutableCollections$MapN': json,
  'java.util.ImmutableCollections$Map1': json,
  'org.springframework.util.MimeType': stringOf,
  'org.springframework.http.MediaType': stringOf,
});
