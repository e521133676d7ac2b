/**
 * Text → value by Spring Boot's rules: durations (`30s`, `PT5M`, a bare number in the key's unit, else ms), sizes (`5MB`, 1 KB = 1024),
 * booleans, numbers, lists. A text that breaks its rule gives a `ConversionProblem` that states the rule. Pure.
 */
import type { ValueType } from './metadata.ts';

export class ConversionProblem {
  /** Why the text is refused, and what would be accepted. */
  readonly reason: string;
  readonly remedy: string;

  constructor(reason: string, remedy: string) {
    this.reason = reason;
    this.remedy = remedy;
  }
}

const DURATION_MS: Record<string, number> = { ns: 1e-6, us: 1e-3, ms: 1, s: 1e3, m: 6e4, h: 3.6e6, d: 8.64e7 };
const SIZE_BYTES: Record<string, number> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3, tb: 1024 ** 4 };

export function convertValue(value: string | readonly string[], type: ValueType): unknown {
  if (type === 'list') return toList(value);
  const text = typeof value === 'string' ? value : value.join(',');
  if (typeof type === 'function') return type(text);
  return converters[type](text.trim());
}

const converters: Record<Exclude<ValueType, 'list' | ((text: string) => unknown)>, (text: string) => unknown> = {
  string: (text) => text,
  number: toNumber,
  boolean: toBoolean,
  'duration-ms': (text) => toDurationMs(text),
  bytes: toBytes,
};

export function toNumber(text: string): number | ConversionProblem {
  const value = Number(text);
  if (text !== '' && Number.isFinite(value)) return value;
  return new ConversionProblem(`'${text}' is not a number`, 'Write a number, for example 10.');
}

export function toBoolean(text: string): boolean | ConversionProblem {
  if (/^(true|on|yes|1)$/i.test(text)) return true;
  if (/^(false|off|no|0)$/i.test(text)) return false;
  return new ConversionProblem(`'${text}' is neither true nor false`, 'Write true or false.');
}

/** @param unitMs what a bare number counts, in milliseconds. */
export function toDurationMs(text: string, unitMs = 1): number | ConversionProblem {
  const simple = /^([+-]?\d+)(ns|us|ms|s|m|h|d)?$/i.exec(text);
  if (simple !== null) {
    const factor = simple[2] === undefined ? unitMs : DURATION_MS[simple[2].toLowerCase()];
    return Math.round(Number(simple[1]) * factor);
  }
  const iso = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/i.exec(text);
  if (iso !== null && /\d/.test(text)) {
    const [days, hours, minutes, seconds] = iso.slice(1).map((part) => Number(part ?? 0));
    return Math.round(days * DURATION_MS.d + hours * DURATION_MS.h + minutes * DURATION_MS.m + seconds * DURATION_MS.s);
  }
  return new ConversionProblem(
    `'${text}' is no duration`,
    'Give a whole number and its unit (ns, us, ms, s, m, h, d), as in 5m, or the ISO form, as in PT5M.',
  );
}

export function toBytes(text: string): number | ConversionProblem {
  const match = /^(\d+)(B|KB|MB|GB|TB)?$/i.exec(text);
  if (match !== null) return Number(match[1]) * SIZE_BYTES[(match[2] ?? 'b').toLowerCase()];
  return new ConversionProblem(
    `'${text}' is no size`,
    'Give a whole number and its unit (B, KB, MB, GB, TB), as in 5MB; 1KB counts 1024 bytes.',
  );
}

/** A yaml list as it is, or comma text with blanks trimmed; an empty text is an empty list. */
export function toList(value: string | readonly string[]): string[] {
  if (typeof value !== 'string') return [...value];
  return value.trim() === '' ? [] : value.split(',').map((item) => item.trim());
}
