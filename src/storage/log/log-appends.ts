/**
 * What comes of an append: it is refused, or known already (a producer sent it twice), or its batches are put at the end of the log,
 * all or none. Nothing is thrown; what Kafka's error codes say is in the result.
 *
 * Expected cost: the checksum (5.7 GB/s), the walk over a client's records (`record-validator.ts`), about 2 µs of bookkeeping, and its
 * share of a writev.
 */
import { Errors } from '#protocol';
import type { TopicConfig } from '../config.ts';
import type { ProducerState } from '../producers/producer-state.ts';
import { type AppendOptions, type AppendResult, accepted, refused } from './append-result.ts';
import type { Refusal } from './batch-validator.ts';
import { type ParsedBatch, parseIncoming } from './incoming-batches.ts';
import type { LogDurability } from './log-durability.ts';
import type { LogHome } from './log-home.ts';
import type { LogWriter } from './log-writer.ts';

/** The log that is appended to. */
export interface AppendedLog {
  readonly config: TopicConfig;
  readonly logStartOffset: number;
  /** Takes no more records, soon nothing. */
  readonly isClosing: boolean;
  /** Why it takes none though it is open; undefined when it does. */
  readonly readOnlyReason: string | undefined;
}

export class LogAppends {
  readonly #home: LogHome;
  readonly #log: AppendedLog;
  readonly #producers: ProducerState;
  readonly #durability: LogDurability;
  readonly #writer: LogWriter;

  constructor(
    home: LogHome,
    log: AppendedLog,
    parts: { readonly producers: ProducerState; readonly durability: LogDurability; readonly writer: LogWriter },
  ) {
    this.#home = home;
    this.#log = log;
    this.#producers = parts.producers;
    this.#durability = parts.durability;
    this.#writer = parts.writer;
  }

  /** @see PartitionLog.append */
  append(records: Buffer, options: AppendOptions): AppendResult {
    const reason = this.#refusalReason();
    if (reason !== undefined) return this.#refused(storageError(reason));
    if (options.requiresSync === true) this.#durability.requireSync();
    const { wallMs } = this.#home.clock.now();
    const { logEndOffset } = this.#writer;
    const parsed = parseIncoming(records, options.origin, this.#log.config, logEndOffset, wallMs);
    if (!Array.isArray(parsed)) return this.#refused(parsed);
    const [first] = parsed;
    if (first.header.producerId >= 0 && options.origin !== 'log') {
      const verdict = this.#judge(first, options.origin, options);
      if (verdict !== undefined) return verdict;
    }
    const baseOffset = options.origin === 'log' ? first.header.baseOffset : logEndOffset;
    const failure = this.#writer.append(parsed, options, wallMs);
    if (failure !== undefined) return this.#refused(storageError(failure.message));
    return this.#accepted(baseOffset, this.#writer.logEndOffset - 1, wallMs, false);
  }

  #refusalReason(): string | undefined {
    const { isClosing, readOnlyReason } = this.#log;
    if (this.#home.failure !== undefined || isClosing) return this.#durability.goneError().message;
    return readOnlyReason ?? this.#home.shortage.refusal?.message;
  }

  /** The answer to a batch of a producer that is not appended; undefined when it may be. */
  #judge(
    { header, marker }: ParsedBatch,
    origin: 'client' | 'coordinator',
    { transactionVersion = 0, verification }: AppendOptions,
  ): AppendResult | undefined {
    const repeated = origin === 'client' ? this.#producers.repeated(header) : undefined;
    if (repeated !== undefined)
      return this.#accepted(repeated.baseOffset, repeated.lastOffset, repeated.timestamp, true);
    const refusal = this.#producers.refuse({ header, marker, origin, transactionVersion, verification });
    return refusal === undefined ? undefined : this.#refused(refusal);
  }

  #accepted(baseOffset: number, lastOffset: number, timestamp: number, isDuplicate: boolean): AppendResult {
    const { config, logStartOffset } = this.#log;
    const isTold = isDuplicate || config['message.timestamp.type'] === 'LogAppendTime';
    const logAppendTime = isTold ? timestamp : -1;
    return accepted({ baseOffset, lastOffset, logAppendTime, logStartOffset, isDuplicate });
  }

  #refused(refusal: Refusal): AppendResult {
    return refused(refusal, this.#log.logStartOffset);
  }
}

function storageError(message: string): Refusal {
  return { error: Errors.KAFKA_STORAGE_ERROR, message };
}
