/**
 * When offsets are committed: the seven ack modes as one pure rule. What *may* be committed is the ledger's business; this is
 * only about the moment.
 *
 * | mode | moment |
 * |---|---|
 * | record | after each record; a commit that failed is repeated after the poll |
 * | batch | when all records of a poll are handled |
 * | count | when `ackCount` records are handled since the last commit; an empty poll flushes the rest |
 * | time | when `ackTimeMs` have passed since the last commit |
 * | count_time | either; a commit by one resets the other |
 * | manual | as batch, for what was acknowledged |
 * | manual_immediate | at each acknowledgment |
 */
import { KafkaError, suggest } from '#core';

export const ackModes = ['record', 'batch', 'time', 'count', 'count_time', 'manual', 'manual_immediate'] as const;
export type AckMode = (typeof ackModes)[number];

/** Spring's constants; the text in any case, with `-` or `_`, is accepted wherever a mode is. */
export const AckModes = {
  RECORD: 'record',
  BATCH: 'batch',
  TIME: 'time',
  COUNT: 'count',
  COUNT_TIME: 'count_time',
  MANUAL: 'manual',
  MANUAL_IMMEDIATE: 'manual_immediate',
} as const satisfies Record<string, AckMode>;

/** @throws KafkaError INVALID_CONFIG with the nearest mode. */
export function parseAckMode(text: string): AckMode {
  const mode = text.trim().toLowerCase().replaceAll('-', '_');
  if ((ackModes as readonly string[]).includes(mode)) return mode as AckMode;
  const near = suggest(mode, [...ackModes]);
  const hint = near === undefined ? '' : ` Did you mean '${near}'?`;
  throw new KafkaError('INVALID_CONFIG', `ack mode '${text}' is none of ${ackModes.join(', ')}.${hint}`);
}

export function isManual(mode: AckMode): boolean {
  return mode === 'manual' || mode === 'manual_immediate';
}

export type AckMoment = 'after-record' | 'after-poll' | 'empty-poll';

export interface AckSettings {
  ackMode: AckMode;
  ackCount: number;
  ackTimeMs: number;
}

/** Whether to commit at `moment`, given what was handled and how long ago the last commit was. */
export function isCommitDue(
  settings: AckSettings,
  moment: AckMoment,
  handledCount: number,
  sinceCommitMs: number,
): boolean {
  const isCountReached = handledCount >= settings.ackCount;
  const isTimePassed = sinceCommitMs > settings.ackTimeMs;
  switch (settings.ackMode) {
    case 'record':
      return moment === 'after-record' || handledCount > 0;
    case 'batch':
    case 'manual':
    case 'manual_immediate':
      return moment !== 'after-record';
    case 'count':
      return moment === 'empty-poll' ? handledCount > 0 : isCountReached;
    case 'time':
      return isTimePassed;
    case 'count_time':
      return isTimePassed || (moment === 'empty-poll' ? handledCount > 0 : isCountReached);
  }
}
