/**
 * Loggers as configs of a broker (KIP-412). There is one, `root`, whose level can be seen and not set: the loggers belong to the program
 * that runs the broker, and its configuration (`logging.level`) says how much they tell.
 */
import type { Logger, LogLevel } from '#core';
import { Errors } from '#protocol';
import type { ConfigView } from '../config/config-view.ts';
import { type AlterConfigsEvent, type Refusal, refuse } from '../controller/index.ts';

type Alteration = AlterConfigsEvent['resources'][number];

const ROOT = 'root';
const LOGGER_SOURCE = 6;
const UNKNOWN_TYPE = 0;
const DELETE = 1;
/** From the one that tells most. */
const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

export function describeLoggers(logger: Logger): ConfigView[] {
  const level = LEVELS.find((name) => logger.isLevelEnabled?.(name) ?? name === 'info');
  const value = level === undefined ? 'OFF' : level.toUpperCase();
  const about = { isSensitive: false, isReadOnly: false, type: UNKNOWN_TYPE, doc: '', synonyms: [] };
  return [{ name: ROOT, value, source: LOGGER_SOURCE, ...about }];
}

/** Why a logger cannot be altered so. */
export function loggerRefusal(nodeId: number, { name, changes }: Alteration): Refusal | undefined {
  if (name !== String(nodeId)) {
    return refuse(Errors.INVALID_REQUEST, `This is node ${nodeId}, and the loggers of '${name}' were asked for.`);
  }
  for (const { name: logger, operation, value } of changes) {
    if (operation !== 0 && operation !== DELETE) {
      return refuse(Errors.INVALID_REQUEST, `Operation ${operation} cannot be done to a logger.`);
    }
    if (logger !== ROOT) return refuse(Errors.INVALID_CONFIG, `There is no logger ${logger}: the only one is ${ROOT}.`);
    if (operation === DELETE) return refuse(Errors.INVALID_REQUEST, `The logger ${ROOT} cannot be without a level.`);
    if (!LEVELS.includes(value?.toLowerCase() as LogLevel)) {
      return refuse(Errors.INVALID_CONFIG, `'${value}' is no level: there are ${LEVELS.join(', ').toUpperCase()}.`);
    }
  }
  if (changes.length === 0) return { error: Errors.NONE, errorMessage: '' };
  return refuse(
    Errors.INVALID_REQUEST,
    'Levels of loggers are set by the program that runs the broker (logging.level).',
  );
}
