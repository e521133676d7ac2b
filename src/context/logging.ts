/**
 * Loggers: pino, with levels from the settings. `logging.level.root` is the level of everything, `logging.level.<name>` that of the
 * logger with this name and of those below it (`springtide.broker` holds for `springtide.broker.group`). One line per record: for
 * people on a terminal, JSON elsewhere; `springtide.logging.format: auto | pretty | json` decides otherwise.
 */
import pino from 'pino';
import type { Logger, LogLevel } from '#core';
import type { Environment } from './environment.ts';
import type { Class } from './metadata.ts';
import { type LogSink, PrettyStream } from './pretty-stream.ts';
import { originText } from './property-source.ts';
import { StartupFailure } from './startup-failure.ts';

export type LoggingOptions = { sink?: LogSink; isTerminal?: boolean };

const LEVELS: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
/** Cause chains may be cyclic. */
const CAUSES_MAX = 16;
const FORMATS = ['auto', 'pretty', 'json'];

/** Makes loggers by name. A bean: inject it, and keep `getLogger(MyService)`. */
export class LoggerFactory {
  readonly #root: pino.Logger;
  readonly #levels: ReadonlyMap<string, string>;
  readonly #byName = new Map<string, pino.Logger>();
  readonly #flush: () => void;

  constructor(root: pino.Logger, levels: ReadonlyMap<string, string>, flush: () => void) {
    this.#root = root;
    this.#levels = levels;
    this.#flush = flush;
  }

  /** @param name a dotted name, or a class (its name is taken). The same logger for the same name. */
  getLogger(name: string | Class): Logger {
    const key = typeof name === 'string' ? name : name.name;
    const made = this.#byName.get(key) ?? this.#root.child({ logger: key }, { level: this.#levelOf(key) });
    this.#byName.set(key, made);
    return made as unknown as Logger;
  }

  /** Writes what is still in memory, synchronously. */
  flush(): void {
    this.#flush();
  }

  #levelOf(name: string): string {
    for (
      let prefix = name.toLowerCase();
      prefix !== '';
      prefix = prefix.slice(0, Math.max(0, prefix.lastIndexOf('.')))
    ) {
      const level = this.#levels.get(prefix);
      if (level !== undefined) return level;
    }
    return this.#root.level;
  }
}

/** @throws StartupFailure when a level or the format is not a known word. */
export function createLogging(environment: Environment, options: LoggingOptions = {}): LoggerFactory {
  const levels = readLevels(environment);
  const settings = { level: levels.get('root') ?? 'info', base: undefined, serializers: { err: errorFields } };
  const isTerminal = options.isTerminal ?? process.stdout.isTTY === true;
  if (isPretty(environment, isTerminal)) {
    const stream = new PrettyStream(options.sink ?? process.stdout, { isColored: isTerminal && !process.env.NO_COLOR });
    return new LoggerFactory(pino(settings, stream), levels, () => {});
  }
  if (options.sink !== undefined)
    return new LoggerFactory(pino(settings, options.sink as pino.DestinationStream), levels, () => {});
  // Lines gather for at most a quarter of a second; `flush` at exit writes the rest.
  const destination = pino.destination({ dest: 1, sync: false, minLength: 4096, periodicFlush: 250 });
  return new LoggerFactory(pino(settings, destination), levels, () => flushQuietly(destination));
}

/** pino's fields of an error, except that a message which ends with that of its cause does not say it twice. */
function errorFields(error: unknown): unknown {
  if (!Error.isError(error)) return error;
  const fields = pino.stdSerializers.err(error);
  fields.message = messageWithCauses(error);
  return fields;
}

function messageWithCauses(error: Error): string {
  let text = error.message;
  let cause = error.cause;
  for (let depth = 0; depth < CAUSES_MAX && Error.isError(cause); depth++) {
    if (!text.includes(cause.message)) text += `: ${cause.message}`;
    cause = cause.cause;
  }
  return text;
}

function readLevels(environment: Environment): Map<string, string> {
  const levels = new Map<string, string>();
  for (const [name, value] of Object.entries(environment.subtree('logging.level'))) {
    const level = String(value).toLowerCase() === 'off' ? 'silent' : String(value).toLowerCase();
    if (!LEVELS.includes(level))
      throw unknownWord(environment, `logging.level.${name}`, String(value), [...LEVELS, 'off']);
    levels.set(name.toLowerCase(), level);
  }
  return levels;
}

function isPretty(environment: Environment, isTerminal: boolean): boolean {
  const key = 'springtide.logging.format';
  const format = (environment.getProperty(key) ?? 'auto').toLowerCase();
  if (!FORMATS.includes(format)) throw unknownWord(environment, key, format, FORMATS);
  return format === 'pretty' || (format === 'auto' && isTerminal);
}

function unknownWord(environment: Environment, key: string, value: string, words: readonly string[]): StartupFailure {
  const origin = environment.origin(key);
  return new StartupFailure(`Failed to bind '${key}':`, {
    details: [
      ['Property', key],
      ['Value', JSON.stringify(value)],
      ['Origin', origin === undefined ? 'unknown' : originText(origin)],
      ['Reason', `'${value}' is none of the known words`],
    ],
    action: `Write one of: ${words.join(', ')}.`,
  });
}

/** The stream may not be open yet when a process ends in its first milliseconds; then there is nothing to lose but these lines. */
function flushQuietly(destination: { flushSync(): void }): void {
  try {
    destination.flushSync();
  } catch {
    // SonicBoom throws "not ready yet" before its first tick; the lines are written by its own exit hook.
  }
}

export type { LogLevel };
