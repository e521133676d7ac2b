/**
 * What to do when a partition has no position: `auto.offset.reset` read into a policy, and a policy turned into the
 * timestamp that ListOffsets wants. ◇
 *
 * @see KIP-1106 (by_duration)
 */
import { KafkaError } from '#core';

/** Timestamps with a meaning of their own in a ListOffsets request. */
export const LATEST_TIMESTAMP = -1;
export const EARLIEST_TIMESTAMP = -2;

/** Where a reset goes. `by_duration` means: to the first record that is not older than `durationMs`. */
export type ResetStrategy =
  | { readonly type: 'earliest' }
  | { readonly type: 'latest' }
  | { readonly type: 'by_duration'; readonly durationMs: number };

/** `auto.offset.reset`: a strategy, or `none`, which makes a missing position an error for the application. */
export type ResetPolicy = ResetStrategy | { readonly type: 'none' };

export const EARLIEST: ResetStrategy = { type: 'earliest' };
export const LATEST: ResetStrategy = { type: 'latest' };

/**
 * Reads the value of `auto.offset.reset`.
 *
 * @throws KafkaError INVALID_CONFIG for anything but `latest`, `earliest`, `none` and `by_duration:<ISO-8601 duration>`.
 */
export function parseResetPolicy(text: string): ResetPolicy {
  const word = text.trim().toLowerCase();
  if (word === 'earliest' || word === 'latest' || word === 'none') return { type: word };
  if (word.startsWith('by_duration:')) {
    const durationMs = parseIsoDuration(text.trim().slice('by_duration:'.length));
    if (durationMs !== undefined) return { type: 'by_duration', durationMs };
  }
  throw new KafkaError(
    'INVALID_CONFIG',
    `auto.offset.reset: '${text}' is none of latest, earliest, none and by_duration:<duration>. ` +
      'A duration is written in ISO-8601 and is not negative, for example by_duration:P7D or by_duration:PT1H30M.',
  );
}

/** The `Timestamp` of a ListOffsets request that answers where `strategy` leads, seen at `wallMs`. */
export function resetTimestamp(strategy: ResetStrategy, wallMs: number): number {
  if (strategy.type === 'earliest') return EARLIEST_TIMESTAMP;
  if (strategy.type === 'latest') return LATEST_TIMESTAMP;
  return Math.max(0, Math.trunc(wallMs) - strategy.durationMs);
}

const ISO_DURATION = /^\+?P(?:\+?(\d+)D)?(T(?:\+?(\d+)H)?(?:\+?(\d+)M)?(?:\+?(\d+)(?:[.,](\d{0,9}))?S)?)?$/i;

/** Milliseconds of a duration as java.time.Duration writes it (`P1DT2H3M4.5S`), or undefined when it is none. */
export function parseIsoDuration(text: string): number | undefined {
  const match = ISO_DURATION.exec(text.trim());
  if (match === null) return undefined;
  const [, days, time, hours, minutes, seconds, fraction] = match;
  if (days === undefined && time === undefined) return undefined;
  if (time !== undefined && time.length === 1) return undefined;
  const wholeSeconds = ((Number(days ?? 0) * 24 + Number(hours ?? 0)) * 60 + Number(minutes ?? 0)) * 60;
  const milliseconds = (wholeSeconds + Number(seconds ?? 0)) * 1000 + Math.trunc(Number(`0.${fraction || '0'}`) * 1000);
  return Number.isSafeInteger(milliseconds) ? milliseconds : undefined;
}
