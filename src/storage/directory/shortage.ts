/**
 * Errors that pass: the disk has no room, or the process no free file handle. Nothing on the disk is in doubt then, so the log
 * directory stays online: what was about to be written is undone, and whoever sent it may send it again. (A failed fdatasync is
 * another matter whatever its code: what it should have written is lost.)
 */
import { type Clock, KafkaError, type Logger } from '#core';
import { Errors } from '#protocol';
import { isOutOfHandles, isOutOfRoom } from './disk-errors.ts';

/** So long appends are refused before the next one tries the disk again. */
const REFUSAL_MS = 1000;
const HANDLE_RETRY_MS = 100;

export function isShortage(error: unknown): error is KafkaError {
  return isOutOfRoom(error) || isOutOfHandles(error);
}

/** Runs what opens a file until there is a handle for it. Only for calls that fail so before they have done anything. */
export async function withHandle<T>(clock: Clock, run: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!isOutOfHandles(error)) throw error;
      await clock.sleep(HANDLE_RETRY_MS);
    }
  }
}

/** Whether a log directory is short of something right now. */
export class Shortage {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #error: KafkaError | undefined;
  #refusedUntilMs = 0;

  constructor(path: string, clock: Clock, logger: Logger) {
    this.#path = path;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Why nothing is taken for the moment; undefined when the disk may be tried. */
  get refusal(): KafkaError | undefined {
    if (this.#error === undefined) return undefined;
    return this.#clock.monotonicMs() < this.#refusedUntilMs ? this.#error : undefined;
  }

  /** The disk refused something for want of room or handles. Returns what to tell those who asked. */
  began(cause: KafkaError): KafkaError {
    if (this.#error === undefined) {
      this.#logger.error(
        { path: this.#path },
        `The log directory ${this.#path} takes no records for the moment: ${cause.message}. It goes on by itself.`,
      );
    }
    this.#refusedUntilMs = this.#clock.monotonicMs() + REFUSAL_MS;
    this.#error = new KafkaError('KAFKA_STORAGE_ERROR', `${cause.message}; nothing was written, send it again`, {
      cause,
      retriable: true,
      errorCode: Errors.KAFKA_STORAGE_ERROR.code,
    });
    return this.#error;
  }

  /** Something was written. */
  wrote(): void {
    if (this.#error === undefined) return;
    this.#error = undefined;
    this.#logger.info({ path: this.#path }, `The log directory ${this.#path} takes records again`);
  }
}
