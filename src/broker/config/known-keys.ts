/**
 * Which keys a broker understands, or knows to pass over; and what it says of them at the start: nothing of those that work, one line a
 * reason of those that are passed over, one line each of those that nobody knows.
 */
import { type Logger, suggest } from '#core';
import { brokerDefaults } from '#storage';
import { listenerKeys } from '../server/connection-limits.ts';
import { brokerConfigTable } from './config.ts';
import { type PassedOver, passedOver, passedOverKeys } from './passed-over-keys.ts';

/** Broker keys that give topics their defaults, such as `log.retention.ms`. */
export const topicDefaultKeys: readonly string[] = Object.values(brokerDefaults).flatMap((sources) =>
  sources.map(({ key }) => key),
);

const working = new Set([...Object.keys(brokerConfigTable), ...topicDefaultKeys]);
const passedOverPatterns = passedOverKeys.flatMap(({ keys }) => keys);
const isPattern = (key: string) => key.endsWith('.*');

/** Every key that is understood by its whole name, for suggestions. */
export const knownBrokerKeys: readonly string[] = [
  ...new Set([...working, ...passedOverPatterns.filter((key) => !isPattern(key)), 'springtide.broker.enabled']),
];

/** What keys may begin with that are understood though they are not listed: `sasl`, `listener.name`. Without their last dot. */
export const knownBrokerPrefixes: readonly string[] = [
  ...passedOverPatterns.filter(isPattern).map((pattern) => pattern.slice(0, -2)),
  'listener.name',
];

export function isKnownBrokerKey(key: string): boolean {
  return knownBrokerKeys.includes(key) || knownBrokerPrefixes.some((prefix) => key.startsWith(`${prefix}.`));
}

/**
 * Tells of the keys without effect.
 *
 * @param given the names of all keys that were given
 */
export function reportKeys(given: readonly string[], logger: Logger): void {
  const byReason = new Map<PassedOver, string[]>();
  for (const key of given) {
    const reason = working.has(key) || isListenerLimit(key) ? undefined : reasonOf(key);
    if (reason !== undefined) byReason.set(reason, [...(byReason.get(reason) ?? []), key]);
    else if (!isKnownBrokerKey(key)) warnUnknown(key, logger);
  }
  for (const [{ level, reason }, keys] of byReason) {
    logger[level]({ keys }, `Passed over: ${keys.join(', ')} (${reason})`);
  }
}

/** Of `listener.name.external.ssl.keystore.location`, that of `ssl.keystore.location`. */
function reasonOf(key: string): PassedOver | undefined {
  return passedOver(key.replace(/^listener\.name\.[^.]+\./, ''));
}

function isListenerLimit(key: string): boolean {
  return listenerKeys.some((name) => /^listener\.name\.[^.]+\./.test(key) && key.endsWith(`.${name}`));
}

function warnUnknown(key: string, logger: Logger): void {
  const near = suggest(key, knownBrokerKeys);
  const hint = near === undefined ? '' : ` Did you mean "${near}"?`;
  logger.warn({ key }, `Unknown broker key "${key}" is ignored.${hint}`);
}
