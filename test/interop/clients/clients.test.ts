/**
 * Foreign clients on Apache Kafka and on our broker, both as processes, the same scenario on both at the same time: what passes on
 * Kafka passes on ours, and what the client saw is the same. The table is printed at the end.
 */
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { coordinatorIsReady } from '../groups-on-both.ts';
import { bothBrokers, onBoth } from '../kafka/brokers.ts';
import { type Agent, type Launch, startAgent } from './agent.ts';
import { type Client, clients, missingFor } from './clients.ts';
import { adminScenarios } from './scenarios/admin.ts';
import { groupScenarios } from './scenarios/groups.ts';
import { produceScenarios } from './scenarios/produce.ts';
import { transactionScenarios } from './scenarios/transactions.ts';
import { type Scenario, Scene } from './scene.ts';
import { Table } from './table.ts';

const isNight = process.env.SPRINGTIDE_NIGHTLY === '1';
const scenarios = [...produceScenarios, ...groupScenarios, ...transactionScenarios, ...adminScenarios].filter(
  ({ when }) => isNight || when === undefined,
);
const table = new Table();
/** A client that is compiled takes some minutes, once a machine. */
const BRING_TIMEOUT_MS = 900_000;

/** A broker, and the agents that run on it. */
interface Side {
  readonly bootstrapServers: string;
  readonly agents: Map<string, Promise<Agent>>;
}

/**
 * The members of KIP-848 wait for a heartbeat at each step of a rebalance, five seconds by default. And clients that refresh what they know of
 * a topic would make it anew where it was deleted.
 */
const brokers = bothBrokers({
  'auto.create.topics.enable': 'false',
  'group.consumer.heartbeat.interval.ms': 500,
  'group.consumer.min.heartbeat.interval.ms': 500,
});
let sides: readonly [Side, Side];

beforeAll(async () => {
  await onBoth((name) => coordinatorIsReady(brokers[name].bootstrapServers));
  const both = [brokers['Apache Kafka'], brokers.springtide];
  sides = both.map(({ bootstrapServers }) => ({ bootstrapServers, agents: new Map() })) as never;
});

afterAll(() => {
  process.stdout.write(`\n${table}\n\n`);
});

for (const client of clients) {
  const reason = missingFor(client) ?? (isNight ? undefined : client.isCostly?.());
  if (reason !== undefined) {
    table.note(`${client.name}: not run, ${reason}`);
    continue;
  }
  describe(client.name, () => {
    let launch: Launch;

    beforeAll(async () => {
      launch = client.bring();
      const [agent] = await Promise.all(sides.map((side) => agentOn(side, client, launch, 0)));
      table.column(client.name, agent.version);
      const flaws = Object.entries(client.flaws ?? {}).filter(([name]) =>
        scenarios.some((scenario) => scenario.name === name),
      );
      for (const [name, flaw] of flaws) table.note(`${client.name}: not '${name}', it ${flaw}`);
    }, BRING_TIMEOUT_MS);

    afterAll(async () => {
      const started = await Promise.allSettled(sides.flatMap(({ agents }) => [...agents.values()]));
      for (const agent of started) if (agent.status === 'fulfilled') await agent.value.stop();
      for (const { agents } of sides) agents.clear();
    });

    test.each(scenarios)('$name', async (scenario) => {
      const [agent] = await Promise.all(sides.map((side) => agentOn(side, client, launch, 0)));
      if (!scenario.needs.every((need) => agent.can.has(need)) || scenario.name in (client.flaws ?? {})) return;
      const [theirs, ours] = await Promise.all(sides.map((side) => playOn(side, client, launch, scenario)));
      const isSame =
        theirs.error === undefined && ours.error === undefined && isDeepStrictEqual(ours.seen, theirs.seen);
      const isFine = ours.error === undefined && (isSame || theirs.error !== undefined);
      table.set(scenario.name, client.name, theirs.error ? 'failed' : 'passed', isFine ? 'passed' : 'failed');
      expect(theirs).toEqual({ seen: theirs.seen });
      expect(ours).toEqual(theirs);
    });
  });
}

interface Play {
  readonly seen?: unknown;
  readonly error?: unknown;
}

async function playOn(side: Side, client: Client, launch: Launch, scenario: Scenario): Promise<Play> {
  const used = new Set<number>();
  const scene = new Scene(side.bootstrapServers, `${client.name}-${scenario.name}`, (index) => {
    used.add(index);
    return agentOn(side, client, launch, index);
  });
  try {
    return { seen: await scenario.play(scene) };
  } catch (error) {
    for (const index of used) await forget(side, client, index);
    return { error };
  }
}

/** The client's nth process on this broker, started when it is first asked for. */
function agentOn(side: Side, client: Client, launch: Launch, index: number): Promise<Agent> {
  const key = `${client.name} ${index}`;
  const agent = side.agents.get(key) ?? startAgent(launch, side.bootstrapServers);
  side.agents.set(key, agent);
  return agent;
}

/** After a failure a client may be anywhere in between: the next scenario has a new one. */
async function forget(side: Side, client: Client, index: number): Promise<void> {
  const key = `${client.name} ${index}`;
  const [agent] = await Promise.allSettled([side.agents.get(key)]);
  side.agents.delete(key);
  if (agent.status === 'fulfilled') await agent.value?.stop();
}
