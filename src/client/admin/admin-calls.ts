/**
 * How the admin client asks: again, with back-off, as long as an error may pass and the call's time is not over. A call about several
 * things asks again only for those that are not settled.
 */
import { type Clock, KafkaError, type Random } from '#core';
import { Errors, errorByCode, toKafkaError } from '#protocol';
import { backoffMs } from '../backoff.ts';
import type { Cluster } from '../cluster.ts';
import { deadlineIn } from '../deadline.ts';
import type { AdminConfig } from './config.ts';
import { ItemResults } from './item-results.ts';

export interface AdminCallOptions {
  /** Of the whole call, retries included. Default `default.api.timeout.ms`. */
  timeoutMs?: number;
}

/** One thing's outcome of one try. */
export type Outcome<T> = { value: T } | { error: KafkaError };

export interface AdminParts {
  readonly cluster: Cluster;
  readonly config: AdminConfig;
  readonly clock: Clock;
  readonly random: Random;
}

export class AdminCalls {
  readonly cluster: Cluster;
  readonly #parts: AdminParts;

  constructor(parts: AdminParts) {
    this.cluster = parts.cluster;
    this.#parts = parts;
  }

  /** The end of a call that begins now, monotonic ms. */
  deadlineOf(options: AdminCallOptions): number {
    return deadlineIn(this.#parts.clock, options.timeoutMs ?? this.#parts.config['default.api.timeout.ms']);
  }

  /** Waits, `timeoutMs` at most, until the cluster is known: for requests that go to a certain broker. */
  untilFound(timeoutMs: number): Promise<void> {
    return this.cluster.start({ deadlineMs: deadlineIn(this.#parts.clock, timeoutMs) });
  }

  /** Tries until `ask` succeeds. `ask` gets the time it may take, ms. @throws its last error */
  async untilDone<T>(deadlineMs: number, ask: (timeoutMs: number) => Promise<T>): Promise<T> {
    for (let tryCount = 1; ; tryCount++) {
      try {
        return await ask(this.#timeoutMs(deadlineMs));
      } catch (error) {
        if (!isPassing(error) || !(await this.#pause(tryCount, deadlineMs))) throw error;
      }
    }
  }

  /** Tries until every item is settled; `ask` gets those that are not. Items of the same name are one. */
  async settleAll<I, T>(
    items: readonly I[],
    nameOf: (item: I) => string,
    deadlineMs: number,
    ask: (items: I[], timeoutMs: number) => Promise<Map<string, Outcome<T>>>,
  ): Promise<ItemResults<T>> {
    const values = new Map<string, T>();
    const errors = new Map<string, KafkaError>();
    let open = new Map(items.map((item) => [nameOf(item), item]));
    for (let tryCount = 1; open.size > 0; tryCount++) {
      const outcomes = await this.#tryOnce(open, deadlineMs, ask);
      const again = new Map<string, I>();
      for (const [name, item] of open) {
        const outcome = outcomes.get(name) ?? { error: unmentioned(name) };
        if ('value' in outcome) {
          values.set(name, outcome.value);
          errors.delete(name);
        } else {
          errors.set(name, outcome.error);
          if (isPassing(outcome.error)) again.set(name, item);
        }
      }
      open = again;
      if (open.size > 0 && !(await this.#pause(tryCount, deadlineMs))) break;
    }
    return new ItemResults(values, errors);
  }

  async #tryOnce<I, T>(
    open: ReadonlyMap<string, I>,
    deadlineMs: number,
    ask: (items: I[], timeoutMs: number) => Promise<Map<string, Outcome<T>>>,
  ): Promise<Map<string, Outcome<T>>> {
    try {
      return await ask([...open.values()], this.#timeoutMs(deadlineMs));
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return new Map([...open.keys()].map((name) => [name, { error }]));
    }
  }

  #timeoutMs(deadlineMs: number): number {
    const leftMs = deadlineMs - this.#parts.clock.now().monotonicMs;
    return Math.ceil(Math.max(1, Math.min(leftMs, this.#parts.config['request.timeout.ms'])));
  }

  /** Waits before the next try. @returns false when there is no time for one */
  async #pause(tryCount: number, deadlineMs: number): Promise<boolean> {
    const { clock, config, random, cluster } = this.#parts;
    const backoff = { firstMs: config['retry.backoff.ms'], mostMs: config['retry.backoff.max.ms'] };
    const waitMs = backoffMs(backoff, tryCount, random.float());
    if (tryCount > config.retries || cluster.isClosed || clock.now().monotonicMs + waitMs >= deadlineMs) return false;
    cluster.refreshSoon();
    await cluster.pause(waitMs);
    return true;
  }
}

/** An item's outcome by the error code and, where the broker gave one, the text that came with it. */
export function outcomeOf<T>(errorCode: number, detail: Detail, value: () => T): Outcome<T> {
  if (errorCode === Errors.NONE.code) return { value: value() };
  const { name, message } = detail;
  if (message === null || message === '') return { error: toKafkaError(errorCode, `'${name}'`) };
  const row = errorByCode(errorCode);
  return { error: new KafkaError(row.name, `'${name}': ${message}`, { retriable: row.retriable, errorCode }) };
}

/** What an error is about, and what the broker said about it. */
export interface Detail {
  name: string;
  message: string | null;
}

export function detailOf(name: string, message: string | null = null): Detail {
  return { name, message };
}

/** Whether asking again may help. That something does not exist is an answer here, although clients in general retry it. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof KafkaError) || !error.retriable) return false;
  return error.code !== Errors.UNKNOWN_TOPIC_OR_PARTITION.name && error.code !== Errors.UNKNOWN_TOPIC_ID.name;
}

function unmentioned(name: string): KafkaError {
  return toKafkaError(Errors.UNKNOWN_SERVER_ERROR.code, `the reply says nothing about '${name}'`);
}
