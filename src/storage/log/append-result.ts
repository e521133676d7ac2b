/** What is asked of an append, and what came of it. */
import type { KafkaErrorRow } from '#protocol';
import type { Verification } from '../producers/verifications.ts';
import type { AppendOrigin, Refusal } from './batch-validator.ts';

export interface AppendOptions {
  /** Written into the batches; batches of origin `log` keep theirs. */
  readonly leaderEpoch: number;
  readonly origin: AppendOrigin;
  /** This log is synced before anything in it counts as durable, whatever the directory's mode is; from now on. */
  readonly requiresSync?: boolean;
  /** The `transaction.version` by which the coordinator has made the marker that is appended. Default: 0. */
  readonly transactionVersion?: number;
  /** A batch that begins a transaction is taken only when this is the producer's present one. Default: it is taken. */
  readonly verification?: Verification;
}

export interface AppendResult {
  /** Undefined when the batches are in the log (or were before: `isDuplicate`). Else nothing was appended. */
  readonly error: KafkaErrorRow | undefined;
  /** What exactly was wrong. */
  readonly errorMessage: string | undefined;
  /** Of the first record; -1 with an error. A duplicate has the offsets of the first time, which need not be durable yet. */
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** The time that the records were stamped with; -1 when the topic keeps the producer's. Of a duplicate Kafka tells either. */
  readonly logAppendTime: number;
  readonly logStartOffset: number;
  readonly isDuplicate: boolean;
  readonly recordErrors: readonly { readonly batchIndex: number; readonly message: string }[];
}

/** What every result tells, whatever came of the append. */
type Always = 'error' | 'errorMessage' | 'recordErrors';

const NO_RECORD_ERRORS: AppendResult['recordErrors'] = [];

export function accepted(result: Omit<AppendResult, Always>): AppendResult {
  const { baseOffset, lastOffset, logAppendTime, logStartOffset, isDuplicate } = result;
  return {
    error: undefined,
    errorMessage: undefined,
    baseOffset,
    lastOffset,
    logAppendTime,
    logStartOffset,
    isDuplicate,
    recordErrors: NO_RECORD_ERRORS,
  };
}

export function refused({ error, message, recordErrors }: Refusal, logStartOffset: number): AppendResult {
  return {
    error,
    errorMessage: message,
    baseOffset: -1,
    lastOffset: -1,
    logAppendTime: -1,
    logStartOffset,
    isDuplicate: false,
    recordErrors: recordErrors ?? NO_RECORD_ERRORS,
  };
}
