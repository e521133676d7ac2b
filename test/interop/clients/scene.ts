/** What scenarios play with: agents of one client on one broker, new topics, and the readings that many of them share. */
import { Admin } from '#client';
import { type Agent, AgentError, type Place, type ReadRecord, type SentRecord, type Verbs } from './agent.ts';

const READ_TIMEOUT_MS = 90_000;
const UNTIL_TIMEOUT_MS = 120_000;
const POLL_MS = 300;

export interface Scenario {
  readonly name: string;
  /** Verbs and abilities without which a client cannot play it. */
  readonly needs: readonly string[];
  /** `nightly`: not in the bounded run, because it takes long or says little that others do not. */
  readonly when?: 'nightly';
  /** Throws where something is wrong. What it returns must be the same on both brokers. */
  play(scene: Scene): Promise<unknown>;
}

export class Scene {
  readonly bootstrapServers: string;
  readonly #name: string;
  readonly #agents: (index: number) => Promise<Agent>;
  #topicCount = 0;

  /** @param name begins the names of topics and groups; @param agents the client's nth process, started when first asked for */
  constructor(bootstrapServers: string, name: string, agents: (index: number) => Promise<Agent>) {
    this.bootstrapServers = bootstrapServers;
    this.#name = name.replaceAll(/[^\w-]+/g, '-');
    this.#agents = agents;
  }

  agent(index = 0): Promise<Agent> {
    return this.#agents(index);
  }

  /** A name that nothing else in this run has. */
  name(what: string): string {
    this.#topicCount++;
    return `${this.#name}-${what}-${this.#topicCount}`;
  }

  /** @returns the name of a new topic */
  async topic(numPartitions = 1, configs: Readonly<Record<string, string | number>> = {}): Promise<string> {
    const name = this.name('topic');
    await this.#administer(async (admin) => {
      (await admin.createTopics([{ name, numPartitions, configs }])).all();
      // Kafka's broker leads them a moment after its controller has answered; some clients send twice when refused.
      const places = Array.from({ length: numPartitions }, (_, partition) => ({ topic: name, partition }));
      await until(async () => {
        const listed = await admin.listOffsets(places.map((place) => ({ ...place, spec: 'latest' })));
        return listed.errors.size === 0;
      });
    });
    return name;
  }

  /** `classic` or `consumer`: which protocol the group speaks. */
  groupType(groupId: string): Promise<string | undefined> {
    return this.#administer(
      async (admin) => (await admin.listGroups()).find((group) => group.groupId === groupId)?.type,
    );
  }

  async #administer<T>(action: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = Admin.create({ 'bootstrap.servers': this.bootstrapServers });
    try {
      return await action(admin);
    } finally {
      await admin.close();
    }
  }
}

/** `count` records with keys, for the partitions in turn. */
export function numbered(count: number, partitions = 1, prefix = 'value'): SentRecord[] {
  return Array.from({ length: count }, (_, n) => ({
    partition: n % partitions,
    key: `key-${n}`,
    value: `${prefix}-${n}`,
  }));
}

export interface Reading {
  readonly partitions?: number;
  readonly at?: Place;
  readonly committed?: boolean;
}

/** Reads until there are `count` records, by a consumer without a group; in the order of partitions and offsets. */
export async function readAll(
  agent: Agent,
  topic: string,
  count: number,
  reading: Reading = {},
): Promise<ReadRecord[]> {
  const { partitions = 1, at = 'earliest', committed = false } = reading;
  const assign = Array.from({ length: partitions }, (_, partition) => ({ partition, at }));
  await agent.ask('open', { topic, assign, committed });
  const records = await pollAll([agent], count);
  await agent.ask('close');
  return records;
}

/** Polls them all, each by itself, until together they have `count` records. */
export async function pollAll(agents: readonly Agent[], count: number): Promise<ReadRecord[]> {
  const records: ReadRecord[] = [];
  await pollUntil(agents, `${count} records`, (polls) => {
    for (const poll of polls) records.push(...poll.records);
    return records.length >= count;
  });
  return records.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}

/** Polls until each of them has the given number of partitions. @returns their assignments, and what was read meanwhile */
export async function pollUntilAssigned(agents: readonly Agent[], counts: readonly number[]) {
  const records: ReadRecord[] = [];
  const last = await pollUntil(agents, `assignments of ${counts}`, (polls) => {
    for (const poll of polls) records.push(...poll.records);
    return polls.every(({ assignment }, index) => assignment.length === counts[index]);
  });
  return { assignments: last.map(({ assignment }) => assignment.map(([, partition]) => partition).sort()), records };
}

async function pollUntil(
  agents: readonly Agent[],
  what: string,
  isEnough: (polls: readonly Verbs['poll'][1][]) => boolean,
): Promise<readonly Verbs['poll'][1][]> {
  const deadline = Date.now() + READ_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const polls = await Promise.all(agents.map((agent) => agent.ask('poll', { ms: POLL_MS })));
    if (isEnough(polls)) return polls;
  }
  throw new Error(`no ${what} within ${READ_TIMEOUT_MS} ms`);
}

/** The kind of error that the client gives for what must fail, as its words begin. @throws when it does not fail */
export async function refusal(action: Promise<unknown>): Promise<string> {
  try {
    await action;
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return error.message.split(':')[0];
  }
  throw new Error('was not refused');
}

/** Asks again and again; a client's own refusal counts as not yet. @throws when it does not come about */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + UNTIL_TIMEOUT_MS;
  let refusal = 'no refusal';
  while (Date.now() < deadline) {
    try {
      if (await isSo()) return;
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      refusal = error.message;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`did not come about in ${UNTIL_TIMEOUT_MS} ms; last there was: ${refusal}`);
}
