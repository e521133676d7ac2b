/**
 * `Application.run(Main)`: settings, loggers, the choice of the broker, all beans, everything started; from then on the process lives
 * until a signal drains it. What cannot start is printed as what is wrong and what to do, and the process ends with 1.
 *
 *   node version → settings → loggers → warnings about keys → broker chosen → beans → listeners
 *   signal → listeners stop, running handlers finish, offsets committed → producers flushed → broker last → exit 0
 */
import { dirname } from 'node:path';
import {
  ApplicationContext,
  createLogging,
  type Environment,
  explainFailure,
  findUnknownKeys,
  formatStartupFailure,
  type LoggerFactory,
  loadEnvironment,
  originText,
  unknownKeyText,
} from '#context';
import { systemClock } from '#core';
import type { ApplicationOptions, MainClass } from './application-options.ts';
import { brokerKeyOrigins, includedBroker } from './auto/broker.ts';
import { autoConfigure } from './auto/index.ts';
import type { AutoConfigurationParts } from './auto/parts.ts';
import { chooseBroker } from './broker-choice.ts';
import { componentsOf } from './components.ts';
import { KafkaProperties } from './kafka-properties.ts';
import { knownKeys } from './known-keys.ts';
import { requireNode } from './node-version.ts';
import { ProcessGuard } from './process-guard.ts';

/** Time that everything of one phase may take to stop. */
const SHUTDOWN_KEY = 'spring.lifecycle.timeout-per-shutdown-phase';
const SHUTDOWN_MS = 30_000;

export class Application {
  /**
   * Starts the application and resolves when everything runs.
   *
   * @param main a class, decorated or not: treated as a `@Configuration`, so it may take dependencies and have `@Bean` and
   *   `@KafkaListener` methods. Components: those in `options.components`, else every decorated class whose module is loaded.
   * @returns the running context; `close()` drains it.
   * @throws whatever made the start fail when `exitOnFailure` is false; else prints it and ends the process with 1.
   */
  static async run(main: MainClass, options: ApplicationOptions = {}): Promise<ApplicationContext> {
    const guard = new ProcessGuard(options.handleSignals ?? true);
    const origins: [string, string, string?][] = [];
    try {
      return await start(main, options, guard, origins);
    } catch (error) {
      // A signal during the start: draining is under way and ends the process.
      if (guard.isDraining) return new Promise<never>(() => {});
      guard.release();
      const failure = explainFailure(error, origins);
      if (options.exitOnFailure === false) throw failure;
      return guard.fail(formatStartupFailure(failure), isDebug(options) ? error : undefined);
    }
  }
}

async function start(
  main: MainClass,
  options: ApplicationOptions,
  guard: ProcessGuard,
  origins: [string, string, string?][],
): Promise<ApplicationContext> {
  requireNode(process.versions.node);
  const workingFolder = options.workingFolder ?? process.cwd();
  const environment = readSettings(options, workingFolder);
  const logging = createLogging(
    environment,
    options.logSink === undefined ? {} : { sink: options.logSink, isTerminal: false },
  );
  guard.flushWith(logging);
  const properties = new KafkaProperties(environment);
  warnAboutKeys(environment, properties, logging);
  const choice = chooseBroker(environment, properties.bootstrapSettings(), knownKeys.has);
  const clock = options.clock ?? systemClock;
  const parts: AutoConfigurationParts = {
    environment,
    properties,
    logging,
    choice,
    clock,
    workingFolder,
    broker: options.broker,
  };
  origins.push(...brokerKeyOrigins(parts), ...properties.keyOrigins());
  const context = new ApplicationContext({
    environment,
    clock,
    logger: logging.getLogger('springtide.context'),
    shutdownTimeoutPerPhaseMs: environment.get<number>(SHUTDOWN_KEY, 'duration-ms') ?? SHUTDOWN_MS,
  });
  for (const component of await componentsOf(main, options, workingFolder)) context.registerComponent(component);
  autoConfigure(context, parts);
  guard.watch(context, logging.getLogger('springtide.app'));
  await startAll(context, parts);
  logStarted(context, main, logging, guard.uptimeMs());
  return context;
}

/** The broker starts beside the container. Its bean waits for it and closes it; when there never was that bean, it is closed here. */
async function startAll(context: ApplicationContext, parts: AutoConfigurationParts): Promise<void> {
  const broker = includedBroker(parts);
  // Its failure is told by the bean that waits for it.
  broker?.catch(() => {});
  try {
    await context.start();
  } catch (error) {
    await broker?.then(
      (started) => started.close(),
      () => undefined,
    );
    throw error;
  }
}

function readSettings(options: ApplicationOptions, workingFolder: string): Environment {
  return loadEnvironment({
    args: options.args ?? process.argv.slice(2),
    env: options.env ?? process.env,
    packagedFolder: options.resources ?? entryFolder(),
    workingFolder,
    defaults: options.defaults,
    overrides: options.properties,
    profiles: options.profiles,
  });
}

function entryFolder(): string | undefined {
  return process.argv[1] === undefined ? undefined : dirname(process.argv[1]);
}

function warnAboutKeys(environment: Environment, properties: KafkaProperties, logging: LoggerFactory): void {
  const logger = logging.getLogger('springtide.config');
  for (const key of findUnknownKeys(environment, knownKeys.prefixes, knownKeys)) logger.warn(unknownKeyText(key));
  for (const { name, reason } of properties.withoutEffect()) {
    const origin = environment.origin(name);
    logger.warn(`${origin === undefined ? '' : `${originText(origin)}: `}'${name}' has no effect: ${reason}`);
  }
}

function logStarted(context: ApplicationContext, main: MainClass, logging: LoggerFactory, uptimeMs: number): void {
  const { environment } = context;
  const name = environment.getProperty('spring.application.name') || main.name;
  const profiles =
    environment.activeProfiles.length === 0 ? 'no profile' : `profiles ${environment.activeProfiles.join(', ')}`;
  logging
    .getLogger('springtide.app')
    .info(
      `${name} started in ${Math.round(uptimeMs)} ms, ${profiles}, Node ${process.versions.node}, pid ${process.pid}`,
    );
}

function isDebug(options: ApplicationOptions): boolean {
  const env = options.env ?? process.env;
  return (options.args ?? process.argv.slice(2)).includes('--debug') || env.DEBUG === 'true';
}
