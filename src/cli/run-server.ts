/** Starts the broker for `springtide server`, says where it is, and ends it cleanly: the first signal drains, a second one ends at once. */
import { resolve } from 'node:path';
import { Broker, isKnownBrokerKey, knownBrokerKeys, logDirsOf } from '#broker';
import { createLogging, Environment, explainFailure, formatStartupFailure, recordSource } from '#context';
import { readServerProperties } from './server-properties.ts';

export type ServerOptions = {
  file: string | undefined;
  override: readonly string[];
  logLevel: string;
  logFormat: string;
};

const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const;

/** @returns the exit code. */
export async function runServer(options: ServerOptions): Promise<number> {
  const stopped = untilSignal();
  let origins: ReadonlyMap<string, string> = new Map();
  try {
    const settings = { 'logging.level.root': options.logLevel, 'springtide.logging.format': options.logFormat };
    const logging = createLogging(new Environment([recordSource('command line', settings)]), { sink: process.stderr });
    const logger = logging.getLogger('springtide.broker');
    const given = readServerProperties(options.file, options.override, { has: isKnownBrokerKey, all: knownBrokerKeys });
    origins = given.origins;
    for (const warning of given.warnings) logger.warn(warning);
    const broker = await Broker.start({ config: given.config, logger });
    process.stdout.write(`${readyLine(broker, given.config)}\n`);
    logger.info(`${await stopped}: stopping`);
    await broker.close();
    logger.info('stopped');
    return 0;
  } catch (error) {
    process.stderr.write(formatStartupFailure(explainFailure(error, origins), 'THE BROKER FAILED TO START'));
    return 1;
  }
}

function readyLine(broker: Broker, config: Record<string, string>): string {
  const folders = logDirsOf(config).paths.map((path) => resolve(path));
  const told = broker.advertisedListeners.join(',');
  const features = [...broker.features].map(([name, level]) => `${name}=${level}`);
  return [
    `springtide broker ready: ${broker.bootstrapServers}`,
    ...(told === broker.bootstrapServers ? [] : [`told to clients as ${told}`]),
    `data in ${folders.join(', ')}`,
    `cluster ${broker.clusterId}`,
    `durability ${broker.durability}`,
    `features ${features.join(' ')}`,
  ].join(', ');
}

/** Resolves with the name of the first signal; from then on a signal ends the process at once. */
function untilSignal(): Promise<string> {
  return new Promise((resolveSignal) => {
    let isStopping = false;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (isStopping) process.exit(128 + SIGNAL_NUMBERS[signal]);
        isStopping = true;
        resolveSignal(signal);
      });
    }
  });
}
