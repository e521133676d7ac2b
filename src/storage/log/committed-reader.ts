/**
 * Reads of committed records: whole batches below the last stable offset, and with them the transactions among them that were aborted,
 * which the reader passes over. Segments that go or are replaced in between make the read begin again, so that batches and
 * transactions are of one log.
 */
import type { AbortedTxn } from '#protocol';
import type { LogRead } from './log-read.ts';
import type { ReadRequest } from './read-window.ts';

export interface CommittedRead extends LogRead {
  /** In the order of their markers; all that have records in what was read. */
  readonly abortedTransactions: readonly AbortedTxn[];
}

/** The log that is read. */
export interface CommittedSource {
  readonly lastStableOffset: number;
  read(offset: number, request: ReadRequest): LogRead | Promise<LogRead>;
  /** What to answer when the disk has failed. */
  readFailed(offset: number, error: unknown): LogRead;
}

/** Its segments. */
export interface AbortedSource {
  /** Grows when segments are taken out or replaced. */
  readonly changeCount: number;
  abortedIn(offset: number, endOffset: number): AbortedTxn[] | Promise<AbortedTxn[]>;
}

const NONE: readonly AbortedTxn[] = [];

/** Synchronous when memory holds all of it. Never rejects. */
export function readCommitted(
  log: CommittedSource,
  segments: AbortedSource,
  offset: number,
  request: ReadRequest,
): CommittedRead | Promise<CommittedRead> {
  const { changeCount } = segments;
  const bounded = { ...request, endOffsetMax: Math.min(request.endOffsetMax, log.lastStableOffset) };
  const read = log.read(offset, bounded);
  if (read instanceof Promise) return finish(log, segments, offset, bounded, { changeCount, read });
  const aborted = abortedOf(read, segments, offset);
  if (aborted instanceof Promise) return finish(log, segments, offset, bounded, { changeCount, read, aborted });
  return { ...read, abortedTransactions: aborted };
}

/** What is under way, and since which change of the segments. */
interface Reading {
  readonly changeCount: number;
  readonly read: LogRead | Promise<LogRead>;
  readonly aborted?: Promise<readonly AbortedTxn[]>;
}

async function finish(
  log: CommittedSource,
  segments: AbortedSource,
  offset: number,
  request: ReadRequest,
  reading: Reading,
): Promise<CommittedRead> {
  try {
    const read = await reading.read;
    const abortedTransactions = await (reading.aborted ?? abortedOf(read, segments, offset));
    if (segments.changeCount === reading.changeCount) return { ...read, abortedTransactions };
  } catch (error) {
    if (segments.changeCount === reading.changeCount) {
      return { ...log.readFailed(offset, error), abortedTransactions: NONE };
    }
  }
  return readCommitted(log, segments, offset, request);
}

function abortedOf(
  read: LogRead,
  segments: AbortedSource,
  offset: number,
): readonly AbortedTxn[] | Promise<readonly AbortedTxn[]> {
  return read.sizeInBytes === 0 ? NONE : segments.abortedIn(offset, read.endOffset);
}
