/**
 * A broker in a worker thread: its own event loop, so that a handler that blocks the application cannot stall it. The application reaches
 * it over loopback TCP. Log lines come over to the parent's logger; errors at the start keep their KafkaError code. A thread that dies
 * takes the application with it: nothing that the application does would be stored any more, and a new start recovers everything that
 * was acknowledged.
 */
import { Worker } from 'node:worker_threads';
import { Deferred, errorText, KafkaError, type Logger, type LogLevel, silentLogger, systemClock } from '#core';
import type { MetricFamily } from '../metrics/index.ts';
import type { FromWorker, WorkerStart } from './worker-messages.ts';

/** How long a worker may take to close before it is ended the hard way. */
const CLOSE_MS_MAX = 30_000;
const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

export interface WorkerBrokerOptions {
  /** As for `Broker.start`; must be plain data. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly logger?: Logger;
}

export interface WorkerBroker {
  readonly host: string;
  readonly port: number;
  readonly bootstrapServers: string;
  readonly clusterId: string;
  readonly metricsPort: number | undefined;
  /** As `Broker.metrics`. @throws KafkaError ILLEGAL_STATE when the thread has ended */
  metrics(): Promise<readonly MetricFamily[]>;
  /** As `Broker.close`. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts the thread and waits until the broker in it serves. Rejects as `Broker.start` does. Should the thread die later, the error is
 * thrown where nobody catches it, as Node does with an error event that nobody hears.
 */
export async function startBrokerInWorker(options: WorkerBrokerOptions = {}): Promise<WorkerBroker> {
  const logger = options.logger ?? silentLogger;
  const start: WorkerStart = { config: { ...options.config }, level: lowestLevel(logger) };
  // As it is published, this code is in one of the parts beside the rooms (scripts/bundle.mjs).
  const isSource = import.meta.url.endsWith('.ts');
  const worker = new Worker(
    new URL(isSource ? './worker-thread.ts' : '../broker/worker/worker-thread.js', import.meta.url),
    {
      workerData: start,
      name: 'springtide broker',
      execArgv: isSource ? ['--conditions=springtide-src'] : [],
    },
  );
  return new RunningWorker(worker, logger).started;
}

class RunningWorker {
  readonly started: Promise<WorkerBroker>;
  readonly #worker: Worker;
  readonly #logger: Logger;
  readonly #start = new Deferred<WorkerBroker>();
  readonly #exited = new Deferred<void>();
  #isReady = false;
  #hasEnded = false;
  /** Who asked for metrics, by number. */
  readonly #asked = new Map<number, Deferred<readonly MetricFamily[]>>();
  #askedCount = 0;
  /** What the thread died of. */
  #error: unknown;
  #closing: Promise<void> | undefined;

  constructor(worker: Worker, logger: Logger) {
    this.started = this.#start.promise;
    this.#worker = worker;
    this.#logger = logger;
    worker.on('message', (message: FromWorker) => this.#onMessage(message));
    worker.on('error', (error) => {
      this.#error = error;
    });
    // After the last of its log lines.
    worker.on('exit', (exitCode) => this.#onExit(exitCode));
  }

  #onMessage(message: FromWorker): void {
    switch (message.type) {
      case 'log':
        this.#logger[message.level](restoreError(message.fields), message.message);
        return;
      case 'failed':
        this.#start.reject(new KafkaError(message.code, message.message, { retriable: message.retriable }));
        return;
      case 'metrics':
        this.#asked.get(message.id)?.resolve(message.families);
        this.#asked.delete(message.id);
        return;
      case 'ready': {
        const { host, port, bootstrapServers, clusterId, metricsPort } = message;
        this.#isReady = true;
        const [metrics, close] = [() => this.#metrics(), () => this.#close()];
        this.#start.resolve({ host, port, bootstrapServers, clusterId, metricsPort, metrics, close });
      }
    }
  }

  #onExit(exitCode: number): void {
    this.#hasEnded = true;
    this.#exited.resolve();
    for (const { reject } of this.#asked.values()) reject(hasEnded());
    this.#asked.clear();
    if (!this.#isReady) {
      this.#start.reject(
        this.#error ?? new KafkaError('ILLEGAL_STATE', 'The broker thread ended before its broker was ready.'),
      );
      return;
    }
    const isExpected = this.#closing !== undefined && this.#error === undefined;
    if (!isExpected) this.#died(exitCode);
  }

  #died(exitCode: number): void {
    const how =
      this.#error === undefined
        ? `ended by itself (exit code ${exitCode})`
        : `died of an error: ${errorText(this.#error)}`;
    const text = `The broker thread ${how}. Restart the application: what was acknowledged is in its data folder.`;
    this.#logger.fatal({ err: this.#error }, text);
    if (this.#closing !== undefined) return;
    const error = new KafkaError('ILLEGAL_STATE', text, { cause: this.#error });
    systemClock.nextTurn(() => {
      throw error;
    });
  }

  #metrics(): Promise<readonly MetricFamily[]> {
    if (this.#hasEnded) return Promise.reject(hasEnded());
    const answer = new Deferred<readonly MetricFamily[]>();
    const id = this.#askedCount++;
    this.#asked.set(id, answer);
    this.#worker.postMessage({ type: 'metrics', id });
    return answer.promise;
  }

  #close(): Promise<void> {
    this.#closing ??= this.#closeOnce();
    return this.#closing;
  }

  async #closeOnce(): Promise<void> {
    this.#worker.postMessage({ type: 'close' });
    const { promise, cancel } = deadline(CLOSE_MS_MAX);
    const isLate = await Promise.race([this.#exited.promise.then(() => false), promise.then(() => true)]);
    cancel();
    if (!isLate) return;
    this.#logger.error(`The broker thread did not end within ${CLOSE_MS_MAX / 1000} s and is ended the hard way.`);
    await this.#worker.terminate();
  }
}

function hasEnded(): KafkaError {
  return new KafkaError('ILLEGAL_STATE', 'The broker thread has ended; it has no metrics any more.');
}

function restoreError(fields: Record<string, unknown>): Record<string, unknown> {
  const { err } = fields as { err?: { name: string; message: string; stack?: string; code?: string } };
  return err === undefined ? fields : { ...fields, err: Object.assign(new Error(err.message), err) };
}

/** Lines below this level are not even sent over. */
function lowestLevel(logger: Logger): LogLevel {
  return LEVELS.find((level) => logger.isLevelEnabled?.(level) ?? level === 'info') ?? 'fatal';
}

function deadline(delayMs: number): { promise: Promise<void>; cancel(): void } {
  const { promise, resolve } = new Deferred<void>();
  const timer = systemClock.setTimer(delayMs, () => resolve(), { unref: true });
  return { promise, cancel: () => timer.cancel() };
}
