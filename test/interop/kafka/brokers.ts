/**
 * Apache Kafka 4.4.0 and our broker under one face, each a process on a data folder of its own, and their end: what a test file starts
 * here is stopped and removed after its tests, whatever failed before, also the one that was started beside another that did not start.
 */
import { afterAll, beforeAll } from '@jest/globals';
import { startSpringtide } from '../../processes/springtide-server.ts';
import { startApacheKafka, startApacheKafkaOn } from './apache-kafka.ts';

export const BROKER_NAMES = ['springtide', 'Apache Kafka'] as const;
export type BrokerName = (typeof BROKER_NAMES)[number];
export type BothBrokers = Readonly<Record<BrokerName, Broker>>;

/** Keys of server.properties. */
export type Settings = Readonly<Record<string, string | number>>;

export interface Broker {
  readonly bootstrapServers: string;
  readonly dataFolder: string;
  /** Waits until its process has ended; one that has ended is left alone. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Takes its folder away. */
  remove(): void;
}

/** Starts it on a folder of its own, or on one that another broker has left. */
export function startBroker(name: BrokerName, settings: Settings = {}, dataFolder?: string): Promise<Broker> {
  if (name === 'Apache Kafka')
    return dataFolder === undefined ? startApacheKafka(settings) : startApacheKafkaOn(dataFolder, settings);
  const overrides = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  return startSpringtide({ dataFolder, overrides });
}

/** Is handed a broker, and each new life of one, while it starts. */
export type Tend = <T extends Broker>(starting: Promise<T>) => Promise<T>;

/** Brokers with one end: `end` waits until those that are starting have started, too, and what is handed over later ends at once. */
export function brokersWithEnd(): { readonly tend: Tend; end(): Promise<void> } {
  const tended = new Set<Promise<Broker>>();
  let isOver = false;
  const tend: Tend = async (starting) => {
    tended.add(starting);
    const broker = await starting;
    if (isOver) await endAll([broker]);
    return broker;
  };
  const end = async () => {
    isOver = true;
    const started = await Promise.allSettled(tended);
    await endAll(started.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : [])));
  };
  return { tend, end };
}

/** Several may have had the same folder. */
async function endAll(brokers: readonly Broker[]): Promise<void> {
  await Promise.all(brokers.map((broker) => broker.stop()));
  for (const broker of brokers) broker.remove();
}

/** For the top of a test file or a `describe`: the brokers of its tests end after them. */
export function tendBrokers(): Tend {
  const { tend, end } = brokersWithEnd();
  afterAll(end);
  return tend;
}

/** For the top of a test file: both brokers, there before its tests begin. `settings`: of both, or of each by its name. */
export function bothBrokers(settings: Settings | ((name: BrokerName) => Settings) = {}): BothBrokers {
  const tend = tendBrokers();
  const both = {} as Record<BrokerName, Broker>;
  beforeAll(async () => {
    const settingsOf = (name: BrokerName) => (typeof settings === 'function' ? settings(name) : settings);
    const starting = BROKER_NAMES.map(async (name) => {
      both[name] = await tend(startBroker(name, settingsOf(name)));
    });
    await Promise.all(starting);
  });
  return both;
}

/** The same done on both at once. */
export async function onBoth<T>(act: (name: BrokerName) => Promise<T>): Promise<Record<BrokerName, T>> {
  const [springtide, kafka] = await Promise.all(BROKER_NAMES.map(act));
  return { springtide, 'Apache Kafka': kafka };
}
