/**
 * pino's JSON lines → one line for people: `10:31:02.125  INFO orders.billing        : took 12 orders  topic=orders partition=3`.
 * A stack trace follows on lines of its own, only for errors.
 */
import { styleText } from 'node:util';

/** Where lines go: standard output, or what a test hands in. */
export interface LogSink {
  write(text: string): unknown;
}

type Style = Parameters<typeof styleText>[0];

const LEVELS: Record<number, readonly [name: string, style: Style]> = {
  10: ['TRACE', 'gray'],
  20: ['DEBUG', 'cyan'],
  30: ['INFO', 'green'],
  40: ['WARN', 'yellow'],
  50: ['ERROR', 'red'],
  60: ['FATAL', 'magenta'],
};
const NAME_WIDTH = 28;
const OWN_FIELDS = new Set(['level', 'time', 'logger', 'msg', 'err', 'pid', 'hostname']);

export class PrettyStream implements LogSink {
  readonly #sink: LogSink;
  readonly #isColored: boolean;

  constructor(sink: LogSink, options: { isColored: boolean }) {
    this.#sink = sink;
    this.#isColored = options.isColored;
  }

  /** @param line one record of pino with its line break. */
  write(line: string): void {
    let record: Record<string, unknown>;
    try {
      record = JSON.parse(line) as Record<string, unknown>;
    } catch {
      // Not a record: somebody wrote to the stream by hand. It passes as it is.
      this.#sink.write(line);
      return;
    }
    this.#sink.write(`${this.#format(record)}\n`);
  }

  #format(record: Record<string, unknown>): string {
    const [name, style] = LEVELS[Number(record.level)] ?? ['?', 'gray'];
    const time = this.#style('gray', timeOfDay(Number(record.time)));
    const logger = this.#style('cyan', shorten(String(record.logger ?? '-')).padEnd(NAME_WIDTH));
    const message = String(record.msg ?? '');
    const rest = fieldsOf(record, message);
    const fields = rest === '' ? '' : this.#style('gray', rest);
    return `${time} ${this.#style(style, name.padStart(5))} ${logger} : ${message}${fields}${errorOf(record.err, Number(record.level), message)}`;
  }

  #style(style: Style, text: string): string {
    return this.#isColored ? styleText(style, text, { validateStream: false }) : text;
  }
}

function timeOfDay(timeMs: number): string {
  const date = new Date(timeMs);
  const pad = (value: number, width = 2): string => String(value).padStart(width, '0');
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`;
}

/** The end of a long dotted name tells more than its beginning. */
function shorten(name: string): string {
  return name.length <= NAME_WIDTH ? name : `…${name.slice(name.length - NAME_WIDTH + 1)}`;
}

/** What the message says in words already is left out: people read it once, programs read the JSON. */
function fieldsOf(record: Record<string, unknown>, message: string): string {
  const fields = Object.entries(record)
    .filter(([key]) => !OWN_FIELDS.has(key))
    .map(([key, value]) => [key, typeof value === 'object' ? JSON.stringify(value) : String(value)])
    .filter(([, text]) => !hasWord(message, text));
  return fields.length === 0 ? '' : `  ${fields.map(([key, text]) => `${key}=${text}`).join(' ')}`;
}

/** Whether `word` stands in `text` by itself: `3` does not stand in `orders-13`. */
function hasWord(text: string, word: string): boolean {
  const isInside = (character: string | undefined): boolean => character !== undefined && /\w/.test(character);
  for (let at = text.indexOf(word); word !== '' && at >= 0; at = text.indexOf(word, at + 1)) {
    if (!isInside(text[at - 1]) && !isInside(text[at + word.length])) return true;
  }
  return false;
}

function errorOf(error: unknown, level: number, said: string): string {
  if (typeof error !== 'object' || error === null) return '';
  const { type, message, stack } = error as { type?: string; message?: string; stack?: string };
  if (level >= 50 && stack !== undefined) return `\n${stack.replace(/^/gm, '    ')}`;
  return message === undefined || said.includes(message)
    ? `  [${type ?? 'Error'}]`
    : `  [${type ?? 'Error'}: ${message}]`;
}
