/**
 * All foreign clients at once on Apache Kafka and on our broker: each reads what every other wrote, and each goes on, as the consumer
 * and the producer that it is, after the broker was ended and started again on the same folder and port.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type SpringtideServer, startSpringtide } from '../../processes/springtide-server.ts';
import { coordinatorIsReady } from '../groups-on-both.ts';
import { startApacheKafka } from '../kafka/apache-kafka.ts';
import { type Broker, tendBrokers } from '../kafka/brokers.ts';
import { type Agent, type ReadRecord, startAgent } from './agent.ts';
import { clients, missingFor, RESTART } from './clients.ts';
import { numbered, pollAll, readAll, Scene, until } from './scene.ts';
import { BROKERS, Table } from './table.ts';

const isNight = process.env.SPRINGTIDE_NIGHTLY === '1';
const RECORDS = 20;
/** Clients wait ever longer before they try again. */
const RESTART_TIMEOUT_MS = 300_000;
/** All clients start at once, after they were brought. */
const START_TIMEOUT_MS = 600_000;
const CODECS = ['zstd', 'lz4', 'snappy', 'gzip'] as const;
/** Those that come back to any broker. */
const REFERENCE = ['java', 'confluent-kafka'];
const table = new Table();

/** Those that this machine can run now. */
const present = clients.filter(
  (client) => missingFor(client) === undefined && (isNight || client.isCostly?.() === undefined),
);

interface Side {
  broker: Broker;
  restart(): Promise<Broker>;
  readonly agents: Map<string, Agent>;
}

const sides = new Map<string, Side>();
const tend = tendBrokers();

beforeAll(async () => {
  const [kafka, server] = await Promise.all([tend(startApacheKafka()), tend(startSpringtide())]);
  // Some clients ask for it nine times, and no more.
  await Promise.all([kafka, server].map(({ bootstrapServers }) => coordinatorIsReady(bootstrapServers)));
  sides.set('Apache Kafka', { broker: kafka, agents: new Map(), restart: () => kafka.restart() });
  sides.set('springtide', { broker: server, agents: new Map(), restart: () => startAgain(server) });
  const launches = present.map((client) => [client.name, client.bring()] as const);
  const starts = [...sides.values()].flatMap(({ broker, agents }) =>
    launches.map(async ([name, launch]) => {
      agents.set(name, await startAgent(launch, broker.bootstrapServers));
    }),
  );
  await Promise.all(starts);
  for (const { name, flaws = {} } of present) {
    table.column(name, [...sides.values()][0].agents.get(name)?.version ?? '');
    if (RESTART in flaws) table.note(`${name}: not '${RESTART}', it ${flaws[RESTART]}`);
  }
}, START_TIMEOUT_MS);

afterAll(async () => {
  for (const { agents } of sides.values()) for (const agent of agents.values()) await agent.stop();
  process.stdout.write(`\n${table}\n\n`);
});

function startAgain({ dataFolder, bootstrapServers }: SpringtideServer): Promise<SpringtideServer> {
  return startSpringtide({ dataFolder, port: Number(bootstrapServers.split(':')[1]) });
}

function agentsOf({ agents }: Side): (readonly [client: string, agent: Agent])[] {
  return present.map(({ name }) => [name, agents.get(name) as Agent]);
}

const sceneOf = ({ broker, agents }: Side, name: string) =>
  new Scene(broker.bootstrapServers, name, async () => [...agents.values()][0]);

describe('each client reads what every other wrote', () => {
  test.each(['Apache Kafka', 'springtide'])('on %s', async (name) => {
    const side = sides.get(name) as Side;
    const scene = sceneOf(side, 'cross');
    const written = new Map<string, string>();
    for (const [writer, agent] of agentsOf(side)) {
      const topic = await scene.topic(2);
      written.set(writer, topic);
      await agent.ask('produce', { topic, records: numbered(RECORDS, 2, writer), codec: codecFor(agent) });
    }
    const wrong: string[] = [];
    for (const [writer, topic] of written) {
      const values = numbered(RECORDS, 2, writer).map(({ value }) => value);
      const reading = agentsOf(side).map(async ([reader, agent]) => {
        const read = await readAll(agent, topic, RECORDS, { partitions: 2 });
        const isRight = sameValues(read, values);
        note(`reads what ${writer} wrote`, reader, name, isRight);
        if (!isRight) wrong.push(`${reader} of ${writer}`);
      });
      await Promise.all(reading);
    }
    expect(wrong).toEqual([]);
  });
});

/** The best that every reader knows is gzip. */
function codecFor(agent: Agent): string {
  const all = [...(sides.get('Apache Kafka') as Side).agents.values()];
  return CODECS.find((codec) => agent.can.has(codec) && all.every((other) => other.can.has(codec))) ?? 'none';
}

function sameValues(read: readonly ReadRecord[], values: readonly (string | null)[]): boolean {
  return read.map(({ value }) => value).sort().join() === [...values].sort().join(); // biome-ignore format: one thought
}

describe('each client goes on after the broker was started again', () => {
  test.each(['Apache Kafka', 'springtide'])(
    'on %s',
    async (name) => {
      const side = sides.get(name) as Side;
      const scene = sceneOf(side, 'restart');
      const topics = new Map<string, string>();
      const ending = new Set(present.filter(({ flaws = {} }) => RESTART in flaws).map((client) => client.name));
      const agents = agentsOf(side).filter(([client]) => !ending.has(client));
      for (const [client, agent] of agents) {
        const topic = await scene.topic();
        topics.set(client, topic);
        await agent.ask('produce', { topic, records: numbered(RECORDS, 1, 'before') });
        await agent.ask('open', { topic, group: scene.name('group') });
        expect(await pollAll([agent], RECORDS)).toHaveLength(RECORDS);
        await agent.ask('commit');
      }
      await side.broker.stop();
      side.broker = await tend(side.restart());
      const failed = new Map<string, unknown>();
      const goOn = async (client: string, agent: Agent) => {
        await goesOn(agent, topics.get(client) as string).catch((error) => failed.set(client, error));
        note(RESTART, client, name, !failed.has(client));
      };
      await Promise.all(agents.map(([client, agent]) => goOn(client, agent)));
      // Some clients do not always find their way back to a broker that takes seconds to start: then the table says so.
      const expected = name === 'Apache Kafka' ? REFERENCE : agents.map(([client]) => client).filter(passedOnKafka);
      expect([...failed].filter(([client]) => expected.includes(client))).toEqual([]);
    },
    RESTART_TIMEOUT_MS,
  );
});

/**
 * Sends until it is taken, and polls until all of that is read. Clients may say that the broker was away; none has to be made anew.
 * @throws with what the client said last
 */
async function goesOn(agent: Agent, topic: string): Promise<void> {
  const missing = new Set(numbered(RECORDS, 1, 'after').map(({ value }) => value));
  const isSent = async () => {
    await agent.ask('produce', { topic, records: numbered(RECORDS, 1, 'after') });
    return true;
  };
  const isRead = async () => {
    for (const { value } of (await agent.ask('poll', { ms: 500 })).records) missing.delete(value);
    return missing.size === 0;
  };
  await until(isSent);
  await until(isRead);
}

const outcomes = new Map<string, boolean[]>();

function passedOnKafka(client: string): boolean {
  return outcomes.get(`${RESTART} ${client}`)?.[0] === true;
}

/** Into the table once both brokers have had it. */
function note(row: string, client: string, broker: string, isFine: boolean): void {
  const key = `${row} ${client}`;
  const both = outcomes.get(key) ?? [];
  both[broker === 'springtide' ? 1 : 0] = isFine;
  outcomes.set(key, both);
  if (BROKERS.every((_, index) => both[index] !== undefined)) {
    table.set(row, client, both[0] ? 'passed' : 'failed', both[1] ? 'passed' : 'failed');
  }
}
