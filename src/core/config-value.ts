/** One value of a configuration: from what people wrote to its type and back, with the rules of its key. */
import { type ConfigKey, Password } from './config-key.ts';
import { errorText, KafkaError } from './kafka-error.ts';

const INT_MAX = 2 ** 31 - 1;
const DURATION_MS: Record<string, number> = { ns: 1e-6, us: 1e-3, ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5 };
/** Powers of 1024 under both spellings, as Spring's DataSize reads them. */
const SIZE_BYTES: Record<string, number> = {
  b: 1,
  k: 1024,
  kb: 1024,
  kib: 1024,
  m: 1024 ** 2,
  mb: 1024 ** 2,
  mib: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1024 ** 3,
  gib: 1024 ** 3,
  t: 1024 ** 4,
  tb: 1024 ** 4,
  tib: 1024 ** 4,
};

/** Largest absolute value of the types that have a width; `long` saturates at the safe integers. */
/** 2^63: the largest long is one less, which no number tells from it. */
const LONG_MAX = 2 ** 63;
const RANGE: Partial<Record<string, readonly [number, number]>> = {
  short: [-32768, 32767],
  int: [-INT_MAX - 1, INT_MAX],
};

/** The value of key `name`, or INVALID_CONFIG that says what was wrong and what would be right. */
export function parseConfigValue(name: string, key: ConfigKey, raw: unknown): unknown {
  try {
    if (raw === null || raw === undefined) return nullValue(key);
    const value = convert(key, raw);
    checkRules(key, value);
    return value;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const shown = key.type === 'password' ? '[hidden]' : JSON.stringify(raw);
    throw new KafkaError('INVALID_CONFIG', `${name}: ${shown} is not allowed: ${errorText(error)}`);
  }
}

/** The text that DescribeConfigs, `server.properties` and people see; parses back to the same value. */
export function formatConfigValue(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (value === Number.MAX_SAFE_INTEGER) return '9223372036854775807';
  if (value === Number.MIN_SAFE_INTEGER) return '-9223372036854775808';
  if (value === Number.MAX_VALUE) return '1.7976931348623157E308';
  if (typeof value === 'function') return value.name;
  return Array.isArray(value) ? value.join(',') : String(value);
}

/** A rule that a value breaks; becomes INVALID_CONFIG with key and value. */
class Refusal extends Error {}

function nullValue(key: ConfigKey): null {
  if (key.default === null || key.nullable === true) return null;
  throw new Refusal('a value is required');
}

function convert(key: ConfigKey, raw: unknown): unknown {
  switch (key.type) {
    case 'boolean':
      return toBoolean(raw);
    case 'list':
      return toList(raw);
    case 'class':
      return typeof raw === 'string' ? raw.trim() : toObject(raw);
    case 'password':
      return raw instanceof Password ? raw : new Password(toText(raw));
    case 'string':
      return canonical(key, toText(raw));
    case 'duration-ms':
      return toNumber(raw, parseDuration, 'a duration: milliseconds, or a number with ms, s, m, h or d, like 30s');
    case 'bytes':
      return toNumber(raw, parseSize, 'a size: bytes, or a number with KB, MB, GB or TB, like 5MB');
    default:
      return key.type === 'double' ? toDouble(raw) : toNumber(raw, Number, 'a whole number');
  }
}

function toBoolean(raw: unknown): boolean {
  const text = String(raw).trim().toLowerCase();
  if (text === 'true' || text === 'false') return text === 'true';
  throw new Refusal('must be true or false');
}

function toText(raw: unknown): string {
  if (typeof raw === 'string') return raw.trim();
  if (typeof raw === 'number' || typeof raw === 'boolean' || typeof raw === 'bigint') return String(raw);
  throw new Refusal('must be text');
}

function toObject(raw: unknown): object {
  if (typeof raw === 'function' || (typeof raw === 'object' && raw !== null)) return raw;
  throw new Refusal('must be a class name, a class or an object');
}

function toList(raw: unknown): string[] {
  if (Array.isArray(raw)) return raw.map((element) => toText(element));
  const text = toText(raw);
  return text === '' ? [] : text.split(',').map((element) => element.trim());
}

function toNumber(raw: unknown, parse: (text: string) => number, rule: string): number {
  const text = toText(raw);
  const value = typeof raw === 'number' ? raw : text === '' ? Number.NaN : parse(text);
  if (Number.isNaN(value)) throw new Refusal(`must be ${rule}`);
  if (typeof raw !== 'number' && Math.abs(value) > LONG_MAX) throw new Refusal('must fit into 64 bits');
  // Java's largest long means "no limit"; like everywhere it is our largest safe integer.
  return Math.min(Math.max(value, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
}

function toDouble(raw: unknown): number {
  const text = toText(raw);
  const value = text === '' ? Number.NaN : Number(text);
  if (Number.isNaN(value)) throw new Refusal('must be a number');
  return value;
}

/** Milliseconds of `1500`, `30s`, `5 m`, `1h30m`, `PT30S`; NaN for anything else. */
export function parseDuration(text: string): number {
  const bare = text.trim().toLowerCase();
  if (/^[+-]?\d+(\.\d+)?$/.test(bare)) return Number(bare);
  const parts = bare.replace(/^p(\d+d)?t?/, '$1').replace(/\s+/g, '');
  const matches = [...parts.matchAll(/(\d+(?:\.\d+)?)(ns|us|ms|s|m|h|d)/g)];
  if (matches.length === 0 || matches.map((match) => match[0]).join('') !== parts) return Number.NaN;
  return matches.reduce((sum, [, count, unit]) => sum + Number(count) * DURATION_MS[unit], 0);
}

/** Bytes of `1024`, `5MB`, `64 KiB`; NaN for anything else. */
export function parseSize(text: string): number {
  const match = /^([+-]?\d+(?:\.\d+)?)\s*([a-z]*)$/.exec(text.trim().toLowerCase());
  if (match === null) return Number.NaN;
  return Number(match[1]) * (match[2] === '' ? 1 : (SIZE_BYTES[match[2]] ?? Number.NaN));
}

/** The table's own spelling of an allowed value. */
function canonical(key: ConfigKey, text: string): string {
  return key.oneOf?.find((allowed) => allowed.toLowerCase() === text.toLowerCase()) ?? text;
}

function checkRules(key: ConfigKey, value: unknown): void {
  if (typeof value === 'number') checkNumber(key, value);
  if (key.oneOf === undefined) return;
  for (const element of Array.isArray(value) ? value : [value]) {
    if (!key.oneOf.some((allowed) => allowed.toLowerCase() === String(element).toLowerCase())) {
      throw new Refusal(`must be one of ${key.oneOf.join(', ')}`);
    }
  }
}

function checkNumber(key: ConfigKey, value: number): void {
  if (key.type !== 'double' && !Number.isInteger(value)) throw new Refusal('must be a whole number');
  const [low, high] = RANGE[key.kafkaType ?? key.type] ?? RANGE[key.type] ?? [-Infinity, Infinity];
  const min = Math.max(low, key.min ?? -Infinity);
  const max = Math.min(high, key.max ?? Infinity);
  if (value < min || value > max) throw new Refusal(rangeText(min, max));
}

function rangeText(min: number, max: number): string {
  if (max === Infinity) return `must be at least ${min}`;
  return min === -Infinity ? `must be at most ${max}` : `must be between ${min} and ${max}`;
}
