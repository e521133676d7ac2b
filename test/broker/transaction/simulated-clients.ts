/**
 * Clients of a simulated coordinator: for each transactional id one at a time, with those that it has replaced as zombies that go on as
 * before. A client takes steps while it waits for nothing; what it is told it believes, and where the coordinator crashes it asks again.
 */
import type { ErrorReply, ProducerReply, VerifyReply } from '#broker/transaction';
import type { KafkaErrorRow } from '#protocol';
import type { Question, SimulatedCoordinator } from './simulated-coordinator.ts';
import type { Label } from './simulated-partition.ts';

const TIMEOUT_MS = 20_000;

/** One transaction, as its client has seen it. */
interface Story {
  readonly label: Label;
  readonly id: string;
  /** What the client was told of its end, the first time that it asked and every other. */
  told: 'commit' | 'abort' | 'refused' | undefined;
  /** It asked for this end, and a crash left it without an answer at least once. */
  isUnsure: boolean;
  asked: 'commit' | 'abort' | undefined;
  /** When another client has begun with the id: it must be decided by then. */
  decidedBefore: Map<string, 'commit' | 'abort'> | undefined;
}

interface Producer {
  readonly producerId: number;
  readonly producerEpoch: number;
}

export class SimulatedClients {
  readonly #coordinator: SimulatedCoordinator;
  readonly #ids: readonly string[];
  readonly #stories: Story[] = [];
  /** `id/epoch` of every producer that was given, and to whom. */
  readonly #given = new Map<string, Client>();
  #clients: Client[] = [];

  constructor(coordinator: SimulatedCoordinator, idCount: number) {
    this.#coordinator = coordinator;
    this.#ids = Array.from({ length: idCount }, (_, index) => `tx-${index}`);
    for (const id of this.#ids) this.#replace(id);
  }

  step(): void {
    const choice = this.#coordinator.pick(60);
    if (choice === 0) this.#replace(this.#ids[this.#coordinator.pick(this.#ids.length)]);
    else if (choice === 1) this.#coordinator.exhaust(this.#ids[this.#coordinator.pick(this.#ids.length)]);
    else this.#clients[this.#coordinator.pick(this.#clients.length)].step();
  }

  /** The last clients end what they have open, and those before them are gone. */
  finish(): void {
    this.#clients = this.#clients.slice(-this.#ids.length * 3);
    for (const id of this.#ids) {
      const client = new Client(this, this.#coordinator, id, 2); // it does no more than begin
      this.#clients.push(client);
      for (let i = 0; i < 50 && !client.isReady; i++) {
        client.step();
        this.#coordinator.settle();
      }
      if (!client.isReady) throw new Error(`no client can begin with ${id} any more`);
    }
  }

  story(id: string): Story {
    const story: Story = {
      label: this.#stories.length,
      id,
      told: undefined,
      isUnsure: false,
      asked: undefined,
      decidedBefore: undefined,
    };
    this.#stories.push(story);
    return story;
  }

  /** A client has begun: what was open with the id is decided, and stays so. */
  begun(client: Client): void {
    for (const story of this.#stories) {
      if (story.id === client.id && story.decidedBefore === undefined) story.decidedBefore = this.#outcomesOf(story);
    }
  }

  /** A client has its producer. */
  given(client: Client, { producerId, producerEpoch }: Producer): void {
    const name = `${producerId}/${producerEpoch}`;
    const owner = this.#given.get(name) ?? client;
    if (owner !== client) throw new Error(`no two clients are the same producer: ${name}`);
    this.#given.set(name, client);
  }

  /** At the end, when everything is decided: throws where an invariant does not hold. */
  check(): void {
    for (const partition of this.#coordinator.partitions) {
      if (partition.openLabels().length > 0)
        throw new Error(`no marker lost: ${partition.openLabels()} are open in ${partition.name}`);
    }
    for (const story of this.#stories) this.#checkStory(story);
  }

  #checkStory(story: Story): void {
    const outcomes = this.#outcomesOf(story);
    const types = new Set(outcomes.values());
    const [type] = types;
    const text = `${story.label} of ${story.id} (asked ${story.asked}, told ${story.told})`;
    if (types.size > 1) throw new Error(`at most one outcome: ${text} has both`);
    if (type === undefined) return;
    if (type === 'commit' && story.asked !== 'commit') throw new Error(`nothing commits by itself: ${text}`);
    if (type !== story.told && (story.told === 'commit' || story.told === 'abort'))
      throw new Error(`an answer is kept: ${text} ended with ${type}`);
    if (type === 'commit' && story.told === 'refused' && !story.isUnsure)
      throw new Error(`a fenced producer never commits: ${text}`);
    const { decidedBefore } = story;
    for (const [name, outcome] of outcomes) {
      if (decidedBefore !== undefined && decidedBefore.get(name) !== outcome)
        throw new Error(`a fence decides: ${text} ended in ${name} behind it`);
    }
  }

  #outcomesOf({ label }: Story): Map<string, 'commit' | 'abort'> {
    const outcomes = new Map<string, 'commit' | 'abort'>();
    for (const { name, outcomes: ends } of this.#coordinator.partitions) {
      const end = ends.get(label);
      if (end !== undefined) outcomes.set(name, end);
    }
    return outcomes;
  }

  /** The client before stays, as a zombie. */
  #replace(id: string): void {
    // All that share an id are of one version: those of the first do not take a new epoch with each end.
    this.#clients.push(new Client(this, this.#coordinator, id, id === this.#ids[0] ? 1 : 2));
    if (this.#clients.length > this.#ids.length * 3) this.#clients.shift();
  }
}

class Client {
  readonly id: string;
  readonly #clients: SimulatedClients;
  readonly #coordinator: SimulatedCoordinator;
  readonly #version: 1 | 2;
  #producer: Producer | undefined;
  #state: 'new' | 'ready' | 'open' | 'ending' | 'gone' = 'new';
  /** The question that it waits for; undefined: none. */
  #waitsFor: object | undefined;
  #story: Story | undefined;
  #added = new Set<number>();

  constructor(clients: SimulatedClients, coordinator: SimulatedCoordinator, id: string, version: 1 | 2) {
    this.#clients = clients;
    this.#coordinator = coordinator;
    this.id = id;
    this.#version = version;
  }

  get isReady(): boolean {
    return this.#state === 'ready';
  }

  step(): void {
    if (this.#waitsFor !== undefined || this.#state === 'gone') return;
    if (this.#state === 'new') this.#begin();
    else if (this.#state === 'ending') this.#end();
    else if (this.#coordinator.pick(30) === 0) this.#beginAnew();
    else if (this.#state === 'open' && this.#coordinator.pick(3) === 0) {
      this.#story!.asked = this.#coordinator.pick(2) === 0 ? 'commit' : 'abort';
      this.#state = 'ending';
      this.#end();
    } else this.#produce();
  }

  #begin(): void {
    const expected = this.#producer;
    const question = { type: 'init-producer-id', transactionalId: this.id, timeoutMs: TIMEOUT_MS, expected } as const;
    this.#ask<ProducerReply>(question, (reply) => {
      if (reply === undefined || reply.error.name === 'CONCURRENT_TRANSACTIONS') return;
      if (reply.error.name !== 'NONE') return this.#leave();
      this.#producer = { producerId: reply.producerId, producerEpoch: reply.producerEpoch };
      this.#state = 'ready';
      this.#clients.given(this, this.#producer);
      this.#clients.begun(this);
    });
  }

  /** After an error of its own: with the producer that it has. @see KIP-360 */
  #beginAnew(): void {
    this.#story = undefined;
    this.#added.clear();
    this.#state = 'new';
    this.#begin();
  }

  #produce(): void {
    const partition = this.#coordinator.pick(this.#coordinator.partitions.length);
    const { partitions } = this.#coordinator;
    this.#story ??= this.#clients.story(this.id);
    this.#state = 'open';
    if (this.#version === 1 && !this.#added.has(partition)) {
      this.#askFor('add-partitions', partition, 0, ({ error }) => {
        if (isGood(error)) this.#added.add(partition);
        else this.#refused(error);
      });
      return;
    }
    const { producerId, producerEpoch } = this.#producer!;
    const { label } = this.#story;
    const guard = partitions[partition].guard(producerId);
    const append = (error: KafkaErrorRow) => {
      if (!isGood(error)) this.#refused(error);
      else if (!partitions[partition].append(producerId, producerEpoch, label, guard)) this.#leave();
    };
    if (partitions[partition].isOpen(producerId, producerEpoch)) append(GOOD);
    else if (this.#version === 2) this.#askFor('add-partitions', partition, 2, ({ error }) => append(error));
    else this.#askFor('verify-partitions', partition, 0, ({ errors }) => append(errors![0]));
    // A client of version 2 may give up waiting: what it sent arrives, while it goes on.
    if (this.#version === 2 && this.#coordinator.pick(4) === 0) this.#waitsFor = undefined;
  }

  #askFor(
    type: 'add-partitions' | 'verify-partitions',
    partition: number,
    clientVersion: number,
    told: (reply: ErrorReply & Partial<VerifyReply>) => void,
  ): void {
    const producer = { transactionalId: this.id, ...this.#producer! };
    const question = { type, ...producer, partitions: [{ topic: 't', partition }], clientVersion };
    this.#ask<ErrorReply & Partial<VerifyReply>>(question as Question, (reply) => reply !== undefined && told(reply));
  }

  #end(): void {
    const story = this.#story!;
    const producer = { transactionalId: this.id, ...this.#producer! };
    const clientVersion = this.#version === 2 ? 2 : 0;
    const isCommit = story.asked === 'commit';
    const question = { type: 'end-transaction', ...producer, isCommit, clientVersion } as const;
    this.#ask<ProducerReply>(question, (reply) => {
      if (reply === undefined) story.isUnsure = true;
      if (reply === undefined || reply.error.name === 'CONCURRENT_TRANSACTIONS') return;
      if (reply.error.name !== 'NONE') {
        story.told = 'refused';
        return this.#leave();
      }
      story.told = story.asked;
      if (this.#version === 2) this.#producer = { producerId: reply.producerId, producerEpoch: reply.producerEpoch };
      this.#story = undefined;
      this.#added.clear();
      this.#state = 'ready';
      if (this.#version === 2) this.#clients.given(this, this.#producer!);
    });
  }

  #refused(error: KafkaErrorRow): void {
    if (error.name !== 'CONCURRENT_TRANSACTIONS') this.#leave();
  }

  #leave(): void {
    this.#state = 'gone';
  }

  #ask<R>(question: Question, told: (reply: R | undefined) => void): void {
    this.#waitsFor = question;
    this.#coordinator.ask(question, (body) => {
      if (this.#waitsFor === question) this.#waitsFor = undefined;
      told(body as R | undefined);
    });
  }
}

const GOOD = { name: 'NONE' } as KafkaErrorRow;

function isGood({ name }: KafkaErrorRow): boolean {
  return name === 'NONE';
}
