/**
 * Values as text in the way Java prints them, for output that is compared line by line with that of Apache Kafka's tools. ◇
 */
import { javaStringHash } from '#core';

/** As Jackson prints a string: the control characters without a short form get upper-case digits. */
export function jsonText(text: string): string {
  return JSON.stringify(text).replace(ESCAPES, (found) =>
    found[1] === 'u' ? `\\u${found.slice(2).toUpperCase()}` : found,
  );
}

const ESCAPES = /\\(?:u00[01][0-9a-f]|.)/g;

/** `Double.toString`: always a fraction, and an exponent from 10⁷ on and below 10⁻³. */
export function javaDouble(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : `${value > 0 ? '' : '-'}Infinity`;
  if (size !== 0 && (size >= 1e7 || size < 1e-3)) {
    const [digits, exponent] = value.toExponential().split('e');
    return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`;
  }
  if (Object.is(value, -0)) return '-0.0';
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** An `OptionalLong`; negative numbers mean absent. */
export function optionalLong(value: number | bigint): string {
  return value < 0 ? 'OptionalLong.empty' : `OptionalLong[${value}]`;
}

/** UTF-8 as Java reads it. It differs from ours in one thing: an encoded surrogate is one malformed character, not three. */
export function javaUtf8(bytes: Buffer): string {
  if (bytes.indexOf(0xed) < 0) return bytes.toString('utf8');
  const fixed = Buffer.from(bytes);
  for (let at = fixed.indexOf(0xed); at >= 0 && at + 2 < fixed.length; at = fixed.indexOf(0xed, at + 1)) {
    const isSurrogate = fixed[at + 1] >= 0xa0 && fixed[at + 1] <= 0xbf && (fixed[at + 2] & 0xc0) === 0x80;
    if (isSurrogate) REPLACEMENT.copy(fixed, at);
  }
  return fixed.toString('utf8');
}

const REPLACEMENT = Buffer.from('\ufffd');

/**
 * The keys in the order in which a `java.util.HashMap` of Strings walks them, into which `computeIfAbsent` put them one by one: of
 * those in one bucket the last one comes first.
 */
export function hashMapOrder(keys: readonly string[]): string[] {
  let capacity = 16;
  while (keys.length > capacity * 0.75) capacity *= 2;
  const bucketOf = (key: string): number => {
    const hash = javaStringHash(key);
    return (hash ^ (hash >>> 16)) & (capacity - 1);
  };
  return keys.toReversed().toSorted((a, b) => bucketOf(a) - bucketOf(b));
}

/** `new File(path).toString()`: without repeated and trailing slashes. */
export function javaPath(path: string): string {
  const single = path.replace(/\/{2,}/g, '/');
  return single.length > 1 && single.endsWith('/') ? single.slice(0, -1) : single;
}
