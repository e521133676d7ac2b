/**
 * The broker inside the application: started as a bean, so that everything that sends while beans are made finds it, and closed as
 * one, so that it outlives every bean that talks to it. In a worker thread by default; on the loop of the application by setting, or when a test hands in
 * parts that cannot cross to another thread.
 */
import { resolve } from 'node:path';
import { Broker, type BrokerOptions, type LogDirs, logDirsOf, startBrokerInWorker } from '#broker';
import type { Logger } from '#core';
import type { Transport } from '#net';

/** Parts of the broker that a test replaces. */
export type BrokerOverrides = Omit<BrokerOptions, 'config' | 'logger'> & {
  /** server.properties keys over those of the settings. */
  config?: Record<string, unknown>;
};

export type IncludedBrokerOptions = {
  /** server.properties keys. */
  config: Record<string, unknown>;
  thread: 'worker' | 'main';
  workingFolder: string;
  overrides: BrokerOverrides | undefined;
  logger: Logger;
  /** Why it runs, for the line at start. */
  reason: string;
};

type Running = { bootstrapServers: string; close(): Promise<void> };

export class IncludedBroker {
  readonly bootstrapServers: string;
  /** In-process way to the broker; undefined when it runs in another thread: then TCP. */
  readonly transport: Transport | undefined;
  readonly #running: Running;
  #closing: Promise<void> | undefined;

  constructor(running: Running, transport: Transport | undefined) {
    this.#running = running;
    this.bootstrapServers = running.bootstrapServers;
    this.transport = transport;
  }

  /** @throws KafkaError: port in use, data folder locked, a value refused. */
  static async start(options: IncludedBrokerOptions): Promise<IncludedBroker> {
    const config = { ...options.config, ...options.overrides?.config };
    const isOnDisk = options.overrides?.disk === undefined;
    const { paths, metadataPath } = dataFolders(config, options.workingFolder);
    if (isOnDisk) Object.assign(config, { 'log.dirs': paths, 'metadata.log.dir': metadataPath });
    const isInWorker = options.thread === 'worker' && options.overrides === undefined;
    const broker = isInWorker
      ? await IncludedBroker.#inWorker(config, options)
      : await IncludedBroker.#onLoop(config, options);
    const where = isInWorker ? 'in a worker thread' : 'on the loop of this application';
    options.logger.info(
      { bootstrapServers: broker.bootstrapServers },
      `using the included broker ${where} on ${broker.bootstrapServers}, data in ${isOnDisk ? paths.join(', ') : 'memory'}, because ${options.reason}`,
    );
    return broker;
  }

  static async #inWorker(config: Record<string, unknown>, { logger }: IncludedBrokerOptions): Promise<IncludedBroker> {
    return new IncludedBroker(await startBrokerInWorker({ config, logger }), undefined);
  }

  static async #onLoop(config: Record<string, unknown>, options: IncludedBrokerOptions): Promise<IncludedBroker> {
    const { config: _, ...parts } = options.overrides ?? {};
    const broker = await Broker.start({ ...parts, config, logger: options.logger });
    return new IncludedBroker(broker, broker.connect());
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#running.close();
    return this.#closing;
  }
}

function dataFolders(config: Readonly<Record<string, unknown>>, workingFolder: string): LogDirs {
  const { paths, metadataPath } = logDirsOf(config);
  return {
    paths: paths.map((path) => resolve(workingFolder, path)),
    metadataPath: resolve(workingFolder, metadataPath),
  };
}
