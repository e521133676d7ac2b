/**
 * Which broker an application talks to, and why: a cluster that `bootstrap-servers` names, or the included one. Starting an own broker
 * beside a cluster that was meant but misspelled would lose records in a place nobody looks, hence the two refusals. Pure.
 */
import { type Environment, originText, type Property, StartupFailure } from '#context';
import { suggest } from '#core';

export const ENABLED_KEY = 'springtide.broker.enabled';
const BOOTSTRAP_KEY = 'spring.kafka.bootstrap-servers';

export type BrokerChoice = { isIncluded: boolean; isBootstrapSet: boolean; reason: string };

/**
 * @param bootstrapSettings names of the settings that name bootstrap servers.
 * @param isKnown whether a full name is a setting that somebody reads.
 * @throws StartupFailure when a key nearly reads bootstrap-servers, or a production start leaves the choice open.
 */
export function chooseBroker(
  environment: Environment,
  bootstrapSettings: readonly string[],
  isKnown: (name: string) => boolean,
): BrokerChoice {
  const enabled = readEnabled(environment);
  const setting = bootstrapSettings.at(-1);
  const isBootstrapSet = setting !== undefined;
  const where = setting === undefined ? '' : ` (${environment.originText(setting) ?? 'set by code'})`;
  if (enabled === 'true') {
    const clients = isBootstrapSet ? `; the clients of this application go to ${setting}${where}` : '';
    return { isIncluded: true, isBootstrapSet, reason: `${ENABLED_KEY} is true${clients}` };
  }
  if (isBootstrapSet) return { isIncluded: false, isBootstrapSet, reason: `${setting} is set${where}` };
  if (enabled === 'false') return { isIncluded: false, isBootstrapSet, reason: `${ENABLED_KEY} is false` };
  refuseNearMiss(environment, isKnown);
  if (environment.getProperty('NODE_ENV') === 'production') throw productionFailure();
  return { isIncluded: true, isBootstrapSet, reason: `${BOOTSTRAP_KEY} is not set` };
}

function readEnabled(environment: Environment): string {
  const value = (environment.getProperty(ENABLED_KEY) ?? 'auto').toLowerCase();
  if (value === 'auto' || value === 'true' || value === 'false') return value;
  throw new StartupFailure(`Failed to bind '${ENABLED_KEY}':`, {
    details: [
      ['Property', ENABLED_KEY],
      ['Value', JSON.stringify(value)],
      ['Origin', environment.originText(ENABLED_KEY) ?? 'unknown'],
    ],
    action: 'Write auto (the included broker runs when bootstrap-servers is not set), true, or false.',
  });
}

function refuseNearMiss(environment: Environment, isKnown: (name: string) => boolean): void {
  const near = environment.propertiesUnder('').find((property) => isNearMiss(property) && !isKnown(property.name));
  if (near === undefined) return;
  throw new StartupFailure(`The key '${near.name}' is not known, but reads like ${BOOTSTRAP_KEY}.`, {
    details: [
      ['Property', near.name],
      ['Value', JSON.stringify(near.value)],
      ['Origin', originText(near.origin)],
    ],
    action: `Write ${BOOTSTRAP_KEY} to use that cluster. If the included broker is meant, remove the key or set ${ENABLED_KEY}: true.`,
  });
}

/** Only names that can be meant for Kafka: at the root, under `kafka` or `spring`. An application's own keys are its own. */
function isNearMiss({ name, origin }: Property): boolean {
  const isOurs =
    /^(spring|kafka)\./i.test(name) || (origin.file !== undefined && !name.includes('.')) || /^bootstrap\./i.test(name);
  if (!isOurs) return false;
  const last = name.replace(/^.*\.(?=[^.]+\.[^.]+$)/, '');
  return [last, last.replace(/^[^.]+\./, '')].some((part) => suggest(part, ['bootstrap-servers']) !== undefined);
}

function productionFailure(): StartupFailure {
  return new StartupFailure(`NODE_ENV is production, and nothing says which broker to use.`, {
    action: `Set ${BOOTSTRAP_KEY} to use a cluster, or ${ENABLED_KEY}: true to run the included broker in this process.`,
  });
}
