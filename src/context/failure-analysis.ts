/**
 * Any failure of a start → what is wrong and what to do. Operating errors have their remedy in a table by code; an exception out of a
 * bean's own code is told with the place in that code, since there the place is the remedy. Pure.
 */
import { errorText, KafkaError, operatingErrors } from '#core';
import { BeanFailure } from './bean-failure.ts';
import { type FailureDetail, StartupFailure } from './startup-failure.ts';

/** Where a Kafka key (`log.dirs`, `acks`) was set, as text; undefined when nobody set it. */
export type KeyOrigins = Iterable<readonly [key: string, origin: string]>;

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
  const action = LISTEN_ACTIONS[systemCodeOf(error) ?? ''] ?? ACTIONS[error.code] ?? operatingErrors[error.code]?.doc;
  const origin = originIn(error.message, origins);
  return new StartupFailure(error.message, {
    details: [...details, ...(origin === undefined ? [] : [['Origin', origin] as const]), ['Code', error.code]],
    action: action ?? 'See the description.',
    cause: error,
  });
}

/** The longest key that the text names. */
function originIn(text: string, origins: KeyOrigins): string | undefined {
  const named = [...origins].filter(([key]) => text.includes(key));
  return named.sort(([a], [b]) => b.length - a.length)[0]?.[1];
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
