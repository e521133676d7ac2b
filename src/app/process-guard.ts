/**
 * What an application owes its process: the first SIGTERM or SIGINT drains and exits with 0, also when something does not end within its
 * limit: that is told by name, and nothing of it is lost; a second one exits at once; an uncaught
 * exception is told and ends the process with 1, because after one nobody knows what state things are in; logs are written out before.
 */
import type { ApplicationContext, LoggerFactory } from '#context';
import { errorText, type Logger } from '#core';

const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const;
/** Why that is no failure, and the exit code stays 0. */
const AFTERWARDS = '; records that a listener has not finished are not committed and come again at the next start';
type Signal = keyof typeof SIGNAL_NUMBERS;

export class ProcessGuard {
  readonly #isActive: boolean;
  #logging: LoggerFactory | undefined;
  #context: ApplicationContext | undefined;
  #logger: Logger | undefined;
  #isDraining = false;
  readonly #onSignal = (signal: Signal): void => this.#signalled(signal);
  readonly #onUncaught = (error: unknown): void => this.#crashed(error);
  readonly #onExit = (): void => this.#logging?.flush();

  /** @param isActive false: signals and exceptions are left to others (tests, several applications in one process). */
  constructor(isActive: boolean) {
    this.#isActive = isActive;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  flushWith(logging: LoggerFactory): void {
    this.#logging = logging;
    process.on('exit', this.#onExit);
  }

  /** From now on signals drain this context; when it is closed by other means, the process is left alone again. */
  watch(context: ApplicationContext, logger: Logger): void {
    this.#context = context;
    this.#logger = logger;
    context.onClosed(() => {
      if (!this.#isDraining) this.release();
    });
    if (!this.#isActive) return;
    process.on('SIGINT', this.#onSignal);
    process.on('SIGTERM', this.#onSignal);
    process.on('uncaughtException', this.#onUncaught);
  }

  release(): void {
    process.off('SIGINT', this.#onSignal);
    process.off('SIGTERM', this.#onSignal);
    process.off('uncaughtException', this.#onUncaught);
    process.off('exit', this.#onExit);
    this.#logging?.flush();
  }

  /** Prints the failure of a start and ends the process. @param stack shown when given. */
  fail(text: string, stack: unknown): never {
    process.stderr.write(text);
    // An older Node gets here too, so nothing newer than it is used.
    if (stack !== undefined) process.stderr.write(`${(stack as Error)?.stack ?? String(stack)}\n`);
    process.exit(1);
  }

  /** Milliseconds since the process began. */
  uptimeMs(): number {
    return process.uptime() * 1000;
  }

  #signalled(signal: Signal): void {
    if (this.#isDraining) {
      this.#logger?.warn(`${signal} again: ending at once`);
      process.exit(128 + SIGNAL_NUMBERS[signal]);
    }
    this.#isDraining = true;
    this.#logger?.info(`${signal}: draining; once more ends at once`);
    void this.#drain();
  }

  async #drain(): Promise<void> {
    // `close` never rejects, and each of its steps has its limit.
    await this.#context?.close();
    const left = this.#context?.leftBehind ?? [];
    if (left.length === 0) this.#logger?.info('drained');
    else
      this.#logger?.warn(
        { leftBehind: left },
        `not drained, still at work when the process ends: ${left.join(', ')}${AFTERWARDS}`,
      );
    process.exit(0);
  }

  #crashed(error: unknown): void {
    this.#logger?.fatal({ err: error }, `uncaught: ${errorText(error)}`);
    this.#logging?.flush();
    process.stderr.write(`${Error.isError(error) ? error.stack : String(error)}\n`);
    process.exit(1);
  }
}
