/**
 * Any failure of a start → what is wrong and what to do. Operating errors have their remedy in a table by code; an exception out of a
 * bean's own code is told with the place in that code, since there the place is the remedy. Pure.
 */
import { errorText, KafkaError, operatingErrors } from '#core';
import { BeanFailure } from './bean-failure.ts';
import { type FailureDetail, StartupFailure } from './startup-failure.ts';

/**
 * Where a key (`log.dirs`, `acks`, `spring.kafka.listener.ack-mode`) was set, as text. With a value, the origin is told only when the
 * failure names that value too: a listener may have set the same key differently in its code.
 */
export type KeyOrigins = Iterable<readonly [key: string, origin: string, value?: string]>;

export function explainFailure(error: unknown, origins: KeyOrigins = []): StartupFailure {
  if (error instanceof StartupFailure) return error;
  if (error instanceof BeanFailure) return explainBean(error, origins);
  if (error instanceof KafkaError) return explainOperating(error, origins, []);
  return explainBug(error, []);
}

function explainBean(error: BeanFailure, origins: KeyOrigins): StartupFailure {
  const { cause } = error;
  if (cause instanceof StartupFailure) return cause;
  const details: FailureDetail[] = [['Bean', error.bean]];
  if (cause instanceof BeanFailure) return explainBean(cause, origins);
  return cause instanceof KafkaError ? explainOperating(cause, origins, details) : explainBug(cause, details);
}

const LISTEN_ACTIONS: Record<string, string> = {
  EADDRINUSE:
    'Another process listens there, perhaps an earlier start of this one: stop it, or choose another address with the listeners key ' +
    '(springtide.broker.listeners in application.yaml), for example PLAINTEXT://127.0.0.1:9192; port 0 takes a free one.',
  EACCES: 'This user may not use that port: choose one above 1023 with the listeners key.',
  EADDRNOTAVAIL:
    'That address does not belong to this machine: name one that does, or 127.0.0.1, in the listeners key.',
  ENOTFOUND: 'That host name is not known: name an address of this machine, or 127.0.0.1, in the listeners key.',
};

const ACTIONS: Record<string, string> = {
  LOCKED:
    'Stop the process that the text names, or give this broker a data folder of its own: log.dirs (springtide.broker.log.dirs in application.yaml).',
  INVALID_CONFIG: 'Correct the value, or remove the key: its default then holds.',
};

function explainOperating(error: KafkaError, origins: KeyOrigins, details: FailureDetail[]): StartupFailure {
  const listen = LISTEN_ACTIONS[systemCodeOf(error) ?? ''];
  const origin = originIn(listen === undefined ? error.message : 'listeners=', origins);
  const { description, action } = told(error, listen, origin !== undefined);
  return new StartupFailure(description, {
    details: [...details, ...(origin === undefined ? [] : [['Origin', origin] as const]), ['Code', error.code]],
    action,
    cause: error,
  });
}

/** What is wrong, and apart from it what to do, even where the error says both in one text. */
function told(
  { message, action, code }: KafkaError,
  listen: string | undefined,
  hasOrigin: boolean,
): { description: string; action: string } {
  if (action !== undefined) return { description: without(action, message), action: sentence(action) };
  // The listening error's own advice says less than ours.
  if (listen !== undefined) return { description: message.replace(/(?<=\S\S\.)\s.*$/s, ''), action: listen };
  if (code === 'INVALID_CONFIG' && !hasOrigin)
    return { description: message, action: 'Correct what the description names.' };
  const known = ACTIONS[code] ?? operatingErrors[code]?.doc;
  return { description: message, action: known ?? 'See the description.' };
}

function without(action: string, message: string): string {
  return message.endsWith(action) ? message.slice(0, -action.length).replace(/[\s:;.]+$/, '.') : message;
}

function sentence(text: string): string {
  return `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}

/** The longest key that the text names. */
function originIn(text: string, origins: KeyOrigins): string | undefined {
  const named = [...origins].filter(
    ([key, , value]) =>
      namesKey(text, key) && (value === undefined || value.split(',').some((item) => namesValue(text, item))),
  );
  return named.sort(([a], [b]) => b.length - a.length)[0]?.[1];
}

/** Whole keys only; one that is a word of the language (`listeners`) only where a value follows: `listeners=`, `listeners: `. */
function namesKey(text: string, key: string): boolean {
  const end = key.includes('.') ? '(?![\\w-]|\\.\\w)' : '(?==|: )';
  return new RegExp(`(?<![\\w.-])${literal(key)}${end}`).test(text);
}

/** As a value is shown: `'jsn'`, `"most"`, `=true`, `: 5`. The names in an advice stand without such marks. */
function namesValue(text: string, value: string): boolean {
  const before = /^[\d.]+$/.test(value) ? '(?:[\'"=]|: )' : '[\'"=]';
  return new RegExp(`${before}${literal(value)}(?![\\w-])`).test(text);
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** The operating system's code, of the error or of what caused it. */
function systemCodeOf(error: unknown): string | undefined {
  for (let current = error, depth = 0; Error.isError(current) && depth < 5; current = current.cause, depth++) {
    const code = (current as NodeJS.ErrnoException).code;
    if (typeof code === 'string' && /^E[A-Z]+$/.test(code)) return code;
  }
  // Out of another thread an error comes without its cause.
  return Error.isError(error) && /\baddress\b.*\bin use\b/.test(error.message) ? 'EADDRINUSE' : undefined;
}

function explainBug(error: unknown, details: FailureDetail[]): StartupFailure {
  const name = Error.isError(error) ? error.name : 'Thrown';
  const place = placeOf(error);
  return new StartupFailure(`${name}: ${errorText(error)}`, {
    details: [...details, ...(place === undefined ? [] : [['Place', place] as const])],
    action:
      place === undefined
        ? 'Start again with --debug to see the whole stack.'
        : 'See the code at that place; --debug prints the whole stack.',
    cause: error,
  });
}

/** The first line of the stack in code that is neither the runtime's nor a package's. */
function placeOf(error: unknown): string | undefined {
  const stack = Error.isError(error) ? (error.stack ?? '') : '';
  const lines = stack.split('\n').filter((line) => /^\s+at /.test(line));
  const own = lines.find((line) => !/node:|node_modules/.test(line));
  return own?.trim().replace(/^at /, '');
}
