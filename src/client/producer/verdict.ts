/**
 * ◇ What a broker's answer about one batch means. The order of the questions is Kafka's: success first, then whether a smaller
 * batch would do, then whether the same one may be sent again.
 */
import { KafkaError } from '#core';
import { Errors, errorByCode, toKafkaError } from '#protocol';
import type { ProducerBatch } from './producer-batch.ts';
import type { PartitionSequences, Sequences } from './sequences.ts';

/** The answer about one partition, or the failure of the whole request brought into that form. */
export interface PartitionAnswer {
  errorCode: number;
  errorMessage: string | null;
  baseOffset: number;
  logAppendTimeMs: number;
  logStartOffset: number;
  recordErrors: readonly { batchIndex: number; batchIndexErrorMessage: string | null }[];
}

export type Verdict =
  | { kind: 'written'; baseOffset: number; logAppendTimeMs: number }
  | { kind: 'split' }
  | { kind: 'retry'; error: KafkaError; isMetadataStale: boolean }
  | { kind: 'failed'; error: KafkaError; recordErrors?: ReadonlyMap<number, KafkaError>; isMetadataStale: boolean };

export interface VerdictRules {
  retryCountMax: number;
  /** Whether the batch is past its delivery timeout. */
  isLate: boolean;
  sequences: Sequences<ProducerBatch> | undefined;
  /** Those of the batch's partition. */
  partition: PartitionSequences<ProducerBatch>;
}

/** Judges the answer about `batch`. Asks `sequences`, which may note that the epoch has to be bumped. */
export function judge(batch: ProducerBatch, answer: PartitionAnswer, rules: VerdictRules): Verdict {
  const { errorCode } = answer;
  if (errorCode === Errors.NONE.code) {
    return { kind: 'written', baseOffset: answer.baseOffset, logAppendTimeMs: answer.logAppendTimeMs };
  }
  // Written by an earlier try whose answer was lost; where, the broker no longer knows.
  if (errorCode === Errors.DUPLICATE_SEQUENCE_NUMBER.code) {
    return { kind: 'written', baseOffset: -1, logAppendTimeMs: -1 };
  }
  if (errorCode === Errors.MESSAGE_TOO_LARGE.code && batch.recordCount > 1 && !rules.isLate) return { kind: 'split' };
  const error = answerError(batch, answer);
  const isMetadataStale = errorByCode(errorCode).invalidMetadata;
  if (mayRetry(batch, answer, rules)) return { kind: 'retry', error, isMetadataStale };
  return { kind: 'failed', error, recordErrors: recordErrors(batch, answer, error), isMetadataStale };
}

/** The answer that a request without answer amounts to for each of its batches. */
export function noAnswer(error: unknown): PartitionAnswer {
  const isKafkas = error instanceof KafkaError;
  const code = isKafkas ? error.errorCode : undefined;
  return {
    errorCode: code ?? (isKafkas && error.retriable ? Errors.NETWORK_EXCEPTION.code : Errors.UNKNOWN_SERVER_ERROR.code),
    errorMessage: Error.isError(error) ? error.message : String(error),
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
    recordErrors: [],
  };
}

function mayRetry(batch: ProducerBatch, answer: PartitionAnswer, rules: VerdictRules): boolean {
  if (rules.isLate || batch.attemptCount > rules.retryCountMax) return false;
  const isRetriable = errorByCode(answer.errorCode).retriable;
  if (rules.sequences === undefined) return isRetriable;
  const { errorCode, logStartOffset } = answer;
  return rules.sequences.mayRetry(rules.partition, batch, { errorCode, logStartOffset, isRetriable });
}

function answerError(batch: ProducerBatch, answer: PartitionAnswer): KafkaError {
  const where = `${batch.topic}-${batch.partition}`;
  if (answer.errorMessage === null || answer.errorMessage === '') return toKafkaError(answer.errorCode, where);
  const { name, retriable } = errorByCode(answer.errorCode);
  return new KafkaError(name, `${where}: ${answer.errorMessage}`, { retriable, errorCode: answer.errorCode });
}

/** Refused records have their own error; the others of the batch failed because of them. @see KIP-467 */
function recordErrors(
  batch: ProducerBatch,
  answer: PartitionAnswer,
  error: KafkaError,
): ReadonlyMap<number, KafkaError> | undefined {
  if (answer.recordErrors.length === 0 || batch.recordCount === 1) return undefined;
  const refused = new Map(answer.recordErrors.map((one) => [one.batchIndex, one.batchIndexErrorMessage]));
  const others = new KafkaError(
    error.code,
    `not written because other records of its batch were refused: ${error.message}`,
    { errorCode: error.errorCode },
  );
  const errors = new Map<number, KafkaError>();
  for (let index = 0; index < batch.recordCount; index++) {
    const message = refused.get(index);
    if (refused.has(index)) errors.set(index, message == null ? error : toKafkaError(answer.errorCode, message));
    else errors.set(index, others);
  }
  return errors;
}
