/**
 * Gets the producer id that idempotence needs, when it is needed: before the first batch leaves, and again when all epochs of an id
 * are used up. Tries again, with back-off, as long as somebody may still be waiting.
 */
import { type Clock, errorText, KafkaError, type Logger, type Random } from '#core';
import { Apis, Errors, toKafkaError } from '#protocol';
import { backoffMs } from '../backoff.ts';
import type { Cluster } from '../cluster.ts';
import type { ProducerConfig } from './config.ts';
import type { ProducerBatch } from './producer-batch.ts';
import type { Sequences } from './sequences.ts';

/** Without a transactional id the timeout means nothing; Java sends this. */
const NO_TRANSACTION_TIMEOUT = 0x7fffffff;

export interface ProducerIdEvents {
  /** There is one now. */
  ready(): void;
  /** There will be none. */
  failed(error: KafkaError): void;
}

export interface ProducerIdOptions {
  cluster: Cluster;
  config: ProducerConfig;
  clock: Clock;
  random: Random;
  logger: Logger;
}

export class ProducerIds {
  readonly #options: ProducerIdOptions;
  readonly #sequences: Sequences<ProducerBatch> | undefined;
  readonly #events: ProducerIdEvents;
  #isAsking = false;

  constructor(options: ProducerIdOptions, sequences: Sequences<ProducerBatch> | undefined, events: ProducerIdEvents) {
    this.#options = options;
    this.#sequences = sequences;
    this.#events = events;
  }

  /** Whether batches may leave; asks for an id when they may not. */
  ensure(): boolean {
    if (this.#sequences === undefined || this.#sequences.hasProducerId) return true;
    if (!this.#isAsking) {
      this.#isAsking = true;
      void this.#askUntilThere(this.#sequences);
    }
    return false;
  }

  async #askUntilThere(sequences: Sequences<ProducerBatch>): Promise<void> {
    const { cluster, config, random, logger } = this.#options;
    const backoff = { firstMs: config['retry.backoff.ms'], mostMs: config['retry.backoff.max.ms'] };
    for (let failureCount = 1; !cluster.isClosed; failureCount++) {
      try {
        await this.#ask(sequences);
        this.#isAsking = false;
        this.#events.ready();
        return;
      } catch (error) {
        if (!(error instanceof KafkaError) || !error.retriable) {
          this.#isAsking = false;
          this.#events.failed(noProducerId(error));
          return;
        }
        logger.debug(`no producer id yet: ${errorText(error)}`);
        await cluster.pause(backoffMs(backoff, failureCount, random.float()));
      }
    }
  }

  async #ask(sequences: Sequences<ProducerBatch>): Promise<void> {
    const body = { transactionalId: null, transactionTimeoutMs: NO_TRANSACTION_TIMEOUT };
    const response = await this.#options.cluster.request('any', Apis.InitProducerId, body);
    if (response.errorCode !== Errors.NONE.code) throw toKafkaError(response.errorCode, 'InitProducerId');
    sequences.begin(response.producerId, response.producerEpoch);
  }
}

function noProducerId(cause: unknown): KafkaError {
  const code = cause instanceof KafkaError ? cause.code : 'UNKNOWN_SERVER_ERROR';
  const text = `no producer id, which enable.idempotence=true needs: ${errorText(cause)}`;
  return new KafkaError(code, text, { cause, errorCode: cause instanceof KafkaError ? cause.errorCode : undefined });
}
