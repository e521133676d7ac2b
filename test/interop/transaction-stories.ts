/**
 * Stories of producers with transactions, told by plain requests to any broker: every answer is a line. Producer ids are numbered in the
 * order in which they are given out, so that two brokers can be compared.
 */
import { silentLogger, systemClock } from '#core';
import { RequestChannel, tcpTransport } from '#net';
import {
  type Api,
  Apis,
  batches,
  buildBatch,
  type Draft,
  errorByCode,
  type Infer,
  type MessageSchema,
} from '#protocol';
import { committedIn } from '../storage/transaction-scene.ts';
import { until } from './until.ts';

const TOPIC = 'ledger';
const PARTITIONS = 3;
const GROUP = 'readers';
/** The longest that brokers allow: no transaction times out that is not meant to. */
const TIMEOUT_MS = 900_000;

/** What a story needs of a broker. */
export class Storyteller {
  #channel: RequestChannel;
  /** Given out, in order. */
  readonly #producerIds: number[] = [];
  readonly lines: string[] = [];
  /** By transactional id: what its last InitProducerId or EndTxn gave. */
  readonly producers = new Map<string, { producerId: number; producerEpoch: number }>();

  static async connect(bootstrapServers: string): Promise<Storyteller> {
    const teller = new Storyteller(await connected(bootstrapServers));
    const topics = [{ name: TOPIC, numPartitions: PARTITIONS, replicationFactor: 1, configs: [] }];
    await teller.send(Apis.CreateTopics, 7, { topics, timeoutMs: 10_000 });
    await teller.#coordinator(0, GROUP);
    return teller;
  }

  private constructor(channel: RequestChannel) {
    this.#channel = channel;
  }

  /** The story goes on with another broker, once it leads the partitions and coordinates those who are in it. */
  async goOn(bootstrapServers: string): Promise<void> {
    this.#channel.close();
    this.#channel = await connected(bootstrapServers);
    await this.#coordinator(0, GROUP);
    for (const id of this.producers.keys()) await this.#coordinator(1, id);
    for (let partition = 0; partition < PARTITIONS; partition++)
      await this.#patiently(() => this.#endOffset(partition, 0));
  }

  close(): void {
    this.#channel.close();
  }

  send<Q extends MessageSchema, S extends MessageSchema>(
    api: Api<Q, S>,
    version: number,
    body: Draft<Q>,
  ): Promise<Infer<S>> {
    return this.#channel.send(api, version, body, { timeoutMs: 30_000 });
  }

  /** Makes sure that somebody coordinates the id. */
  async #coordinator(keyType: number, key: string): Promise<void> {
    await this.#patiently(async () => {
      const { coordinators } = await this.send(Apis.FindCoordinator, 6, { keyType, coordinatorKeys: [key] });
      return nameOf(coordinators[0].errorCode);
    });
  }

  /** A line of the story: `text`, and what came of it. */
  async tell(text: string, answer: () => Promise<string>): Promise<void> {
    this.lines.push(`${text} → ${await this.#patiently(answer)}`);
  }

  /** Asks again while a coordinator loads, or a partition has no leader yet. */
  async #patiently(ask: () => Promise<string>): Promise<string> {
    const passing = /COORDINATOR_NOT_AVAILABLE|COORDINATOR_LOAD|NOT_COORDINATOR|NOT_LEADER|UNFINISHED/;
    let answer = '';
    await until(
      () => `there is a coordinator, a leader, an end: ${answer}`,
      async () => !passing.test((answer = await ask())),
    );
    return answer;
  }

  numberOf(producerId: number): string {
    if (producerId < 0) return 'none';
    if (!this.#producerIds.includes(producerId)) this.#producerIds.push(producerId);
    return `producer ${this.#producerIds.indexOf(producerId)}`;
  }

  #producerText(errorCode: number, producerId: number, producerEpoch: number): string {
    if (errorCode !== 0) return `${nameOf(errorCode)} ${producerId} ${producerEpoch}`;
    return `${this.numberOf(producerId)} epoch ${producerEpoch}`;
  }

  /** InitProducerId. `expect`: names what it has, or the epoch that is given. */
  async init(
    id: string,
    options: { expect?: boolean | number; timeoutMs?: number; version?: number } = {},
  ): Promise<void> {
    const { expect = false, timeoutMs = TIMEOUT_MS, version = 5 } = options;
    await this.#coordinator(1, id);
    const own = this.producers.get(id);
    const named =
      expect === false || own === undefined ? {} : { ...own, ...(expect === true ? {} : { producerEpoch: expect }) };
    await this.tell(`init ${id} ${expect} ${timeoutMs} v${version}`, async () => {
      const request = { transactionalId: id, transactionTimeoutMs: timeoutMs, ...named };
      const { errorCode, producerId, producerEpoch } = await this.send(Apis.InitProducerId, version, request);
      if (errorCode === 0) this.producers.set(id, { producerId, producerEpoch });
      return this.#producerText(errorCode, producerId, producerEpoch);
    });
  }

  /** As which producer to speak: `epoch` is added to the own one. */
  #as(id: string, epoch = 0) {
    const { producerId, producerEpoch } = this.producers.get(id)!;
    return { producerId, producerEpoch: producerEpoch + epoch };
  }

  async add(
    id: string,
    partitions: number[],
    options: { version?: number; epoch?: number; topic?: string } = {},
  ): Promise<void> {
    const { version = 3, epoch, topic = TOPIC } = options;
    await this.tell(`add ${id} ${topic} ${partitions} ${epoch} v${version}`, async () => {
      const { producerId, producerEpoch } = this.#as(id, epoch);
      const answer = await this.send(Apis.AddPartitionsToTxn, version, {
        v3AndBelowTransactionalId: id,
        v3AndBelowProducerId: producerId,
        v3AndBelowProducerEpoch: producerEpoch,
        v3AndBelowTopics: [{ name: topic, partitions }],
      });
      const results = answer.resultsByTopicV3AndBelow.flatMap(({ resultsByPartition }) => resultsByPartition);
      return sorted(results.map((row) => `${row.partitionIndex} ${nameOf(row.partitionErrorCode)}`));
    });
  }

  async verify(
    id: string,
    partitions: number[],
    options: { verifyOnly?: boolean; version?: number } = {},
  ): Promise<void> {
    const { verifyOnly = true, version = 5 } = options;
    await this.tell(`verify ${id} ${partitions} ${verifyOnly} v${version}`, async () => {
      const topics = [{ name: TOPIC, partitions }];
      const transactions = [{ transactionalId: id, ...this.#as(id), verifyOnly, topics }];
      const answer = await this.send(Apis.AddPartitionsToTxn, version, { transactions });
      const results = answer.resultsByTransaction.flatMap(({ topicResults }) =>
        topicResults.flatMap(({ resultsByPartition }) => resultsByPartition),
      );
      return sorted(results.map((row) => `${row.partitionIndex} ${nameOf(row.partitionErrorCode)}`));
    });
  }

  async produce(
    id: string,
    partition: number,
    sequence: number,
    options: {
      version?: number;
      epoch?: number;
      isTransactional?: boolean;
      count?: number;
      named?: string | null;
      /** How old its records are. */
      ageMs?: number;
    } = {},
  ): Promise<void> {
    const { version = 12, epoch, isTransactional = true, count = 1, named = id, ageMs = 0 } = options;
    await this.tell(`produce ${id} ${partition} ${sequence} ${JSON.stringify(options)}`, async () => {
      const drafts = Array.from({ length: count }, (_, n) => ({
        key: null,
        value: Buffer.from(`${id} ${sequence + n}`),
        timestamp: systemClock.now().wallMs - ageMs,
      }));
      const records = buildBatch(drafts, { ...this.#as(id, epoch), baseSequence: sequence, isTransactional });
      const topicData = [{ name: TOPIC, partitionData: [{ index: partition, records }] }];
      const body = { transactionalId: named, acks: -1, timeoutMs: 10_000, topicData };
      const { responses } = await this.send(Apis.Produce, version, body);
      const { errorCode, baseOffset } = responses[0].partitionResponses[0];
      return `${nameOf(errorCode)} at ${baseOffset}`;
    });
  }

  async addOffsets(id: string, version = 4): Promise<void> {
    await this.tell(`add offsets ${id} v${version}`, async () => {
      const request = { transactionalId: id, ...this.#as(id), groupId: GROUP };
      return nameOf((await this.send(Apis.AddOffsetsToTxn, version, request)).errorCode);
    });
  }

  async commitOffset(
    id: string,
    committedOffset: number,
    options: { version?: number; epoch?: number; generation?: number; member?: string } = {},
  ): Promise<void> {
    const { version = 5, epoch, generation, member } = options;
    await this.tell(`commit offset ${id} ${committedOffset} ${JSON.stringify(options)}`, async () => {
      const topics = [
        {
          name: TOPIC,
          partitions: [
            { partitionIndex: 0, committedOffset },
            { partitionIndex: 9, committedOffset },
          ],
        },
      ];
      const fields = generation === undefined ? {} : { generationIdOrMemberEpoch: generation, memberId: member ?? '' };
      const body = { transactionalId: id, groupId: GROUP, ...this.#as(id, epoch), topics, ...fields };
      const answer = await this.send(Apis.TxnOffsetCommit, version, body);
      return sorted(answer.topics[0].partitions.map((row) => `${row.partitionIndex} ${nameOf(row.errorCode)}`));
    });
  }

  async offset(requireStable: boolean): Promise<void> {
    await this.tell(`offset ${requireStable}`, async () => {
      const groups = [{ groupId: GROUP, topics: [{ name: TOPIC, partitionIndexes: [0] }] }];
      const answer = await this.send(Apis.OffsetFetch, 9, { groups, requireStable });
      const [{ errorCode, committedOffset }] = answer.groups[0].topics[0].partitions;
      return `${nameOf(errorCode)} ${committedOffset}`;
    });
  }

  async end(
    id: string,
    type: 'commit' | 'abort',
    options: { version?: number; epoch?: number; keeps?: boolean } = {},
  ): Promise<void> {
    const { version = 5, epoch, keeps = version < 5 } = options;
    await this.tell(`${type} ${id} ${JSON.stringify(options)}`, async () => {
      const request = { transactionalId: id, ...this.#as(id, epoch), committed: type === 'commit' };
      const { errorCode, producerId, producerEpoch } = await this.send(Apis.EndTxn, version, request);
      if (errorCode === 0 && !keeps) this.producers.set(id, { producerId, producerEpoch });
      return version < 5 ? nameOf(errorCode) : this.#producerText(errorCode, producerId, producerEpoch);
    });
  }

  /** Waits until no marker of the id is left to be written, or it has come to `state`, and tells what it is then. */
  async rest(id: string, state = /^(?!Prepare)/): Promise<void> {
    const told = await this.#patiently(async () => {
      const { transactionStates } = await this.send(Apis.DescribeTransactions, 0, { transactionalIds: [id] });
      const [{ errorCode, transactionState, topics, ...row }] = transactionStates;
      if (errorCode === 0 && !state.test(transactionState)) return 'UNFINISHED';
      const partitions = topics.flatMap(({ topic, partitions }) => partitions.map((index) => `${topic}-${index}`));
      const producer = `${this.numberOf(row.producerId)} epoch ${row.producerEpoch}`;
      const text = `${nameOf(errorCode)} ${transactionState} ${producer} ${row.transactionTimeoutMs}`;
      return `${text} ${sorted(partitions.map((name) => name.replace(/(__\w+)-\d+/, '$1')))}`;
    });
    this.lines.push(`${id} is ${told}`);
  }

  /** What the partition remembers of producers that this story knows. */
  async remembered(partition: number): Promise<void> {
    await this.tell(`remembered ${partition}`, async () => {
      const topics = [{ name: TOPIC, partitionIndexes: [partition] }];
      const answer = await this.send(Apis.DescribeProducers, 0, { topics });
      const [{ errorCode, activeProducers }] = answer.topics[0].partitions;
      const rows = activeProducers.map((row) => {
        const open = `open from ${row.currentTxnStartOffset}`;
        return `${this.numberOf(row.producerId)} epoch ${row.producerEpoch} last ${row.lastSequence} ${open}`;
      });
      return [nameOf(errorCode), sorted(rows)].join(' ');
    });
  }

  async list(filters: object, version = 2): Promise<void> {
    await this.tell(`list ${JSON.stringify(filters)} v${version}`, async () => {
      const answer = await this.send(Apis.ListTransactions, version, filters);
      const rows = answer.transactionStates.map(
        (row) => `${row.transactionalId} ${row.transactionState} ${this.numberOf(row.producerId)}`,
      );
      return [nameOf(answer.errorCode), ...answer.unknownStateFilters, sorted(rows)].join(' ');
    });
  }

  async describe(...ids: string[]): Promise<void> {
    await this.tell(`describe ${ids}`, async () => {
      const { transactionStates } = await this.send(Apis.DescribeTransactions, 0, { transactionalIds: ids });
      return transactionStates
        .map((state) => `${state.transactionalId} ${nameOf(state.errorCode)} ${state.transactionState}`)
        .join(', ');
    });
  }

  async mark(
    id: string,
    partition: number,
    options: {
      epoch?: number;
      isCommit?: boolean;
      coordinatorEpoch?: number;
      version?: number;
      transactionVersion?: number;
      topic?: string;
    } = {},
  ): Promise<void> {
    const {
      epoch,
      isCommit = false,
      coordinatorEpoch = 50,
      version = 2,
      transactionVersion = 0,
      topic = TOPIC,
    } = options;
    await this.tell(`mark ${id} ${partition} ${JSON.stringify(options)}`, async () => {
      const topics = [{ name: topic, partitionIndexes: [partition] }];
      const own = version < 2 ? {} : { transactionVersion };
      const marker = { ...this.#as(id, epoch), transactionResult: isCommit, topics, coordinatorEpoch, ...own };
      const { markers } = await this.send(Apis.WriteTxnMarkers, version, { markers: [marker] });
      return nameOf(markers[0].topics[0].partitions[0].errorCode);
    });
  }

  async stableOffset(partition: number): Promise<void> {
    await this.tell(`stable ${partition}`, async () =>
      [await this.#endOffset(partition, 0), await this.#endOffset(partition, 1)].join(' '),
    );
  }

  async #endOffset(partitionIndex: number, isolationLevel: 0 | 1): Promise<string> {
    const topics = [{ name: TOPIC, partitions: [{ partitionIndex, currentLeaderEpoch: -1, timestamp: -1 }] }];
    const answer = await this.send(Apis.ListOffsets, 7, { replicaId: -1, isolationLevel, topics });
    const [{ errorCode, offset }] = answer.topics[0].partitions;
    return errorCode === 0 ? String(offset) : nameOf(errorCode);
  }

  /** What a reader of committed records gets of the partition. */
  async committed(partition: number): Promise<void> {
    await this.tell(`committed ${partition}`, async () => {
      const values: string[] = [];
      for (let fetchOffset = 0; ; ) {
        const topics = [{ topic: TOPIC, partitions: [{ partition, fetchOffset, partitionMaxBytes: 1_000_000 }] }];
        const answer = await this.send(Apis.Fetch, 12, { maxWaitMs: 0, minBytes: 0, isolationLevel: 1, topics });
        const { errorCode, records, abortedTransactions } = answer.responses[0].partitions[0];
        const chunk = records ?? Buffer.alloc(0);
        if (chunk.length === 0) return [nameOf(errorCode), ...values].join(', ');
        values.push(...committedIn(chunk, abortedTransactions ?? [], fetchOffset).map(({ value }) => String(value)));
        for (const { header } of batches(chunk)) fetchOffset = header.lastOffset + 1;
      }
    });
  }
}

/** Every story, in order; each uses ids of its own. */
export async function tellAll(teller: Storyteller): Promise<void> {
  await versionTwo(teller);
  await versionOne(teller);
  await fences(teller);
  await sequences(teller);
  await offsets(teller);
  await refusals(teller);
  await operators(teller);
}

async function versionTwo(t: Storyteller): Promise<void> {
  await t.init('a');
  await t.end('a', 'commit');
  await t.produce('a', 0, 0, { count: 3 });
  await t.produce('a', 1, 0);
  await t.produce('a', 0, 3);
  await t.rest('a');
  await t.remembered(0);
  await t.stableOffset(0);
  await t.end('a', 'commit', { keeps: true });
  await t.rest('a');
  await t.end('a', 'commit', { keeps: true });
  await t.end('a', 'abort', { keeps: true });
  await t.end('a', 'commit');
  await t.end('a', 'commit');
  await t.stableOffset(0);
  await t.remembered(0);
  await t.produce('a', 0, 0, { epoch: -1 });
  await t.produce('a', 0, 0);
  await t.end('a', 'abort');
  await t.rest('a');
  await t.end('a', 'abort');
  await t.rest('a');
  await t.end('a', 'abort', { epoch: -1, keeps: true });
  await t.end('a', 'abort', { epoch: -2 });
  await t.end('a', 'abort', { epoch: 1 });
  await t.init('a', { expect: true });
  await t.init('a', { expect: -1 });
  await t.rest('a');
}

async function versionOne(t: Storyteller): Promise<void> {
  await t.init('b');
  await t.end('b', 'commit', { version: 4 });
  await t.produce('b', 0, 0, { version: 11 });
  await t.produce('b', 0, 0, { version: 10 });
  await t.add('b', [0, 1, 7]);
  await t.add('b', [0], { topic: '__consumer_offsets' });
  await t.add('b', [0, 1]);
  await t.verify('b', [0, 1, 2]);
  await t.produce('b', 0, 0, { version: 11 });
  await t.produce('b', 2, 0, { version: 11 });
  await t.rest('b');
  await t.end('b', 'commit', { version: 4 });
  await t.rest('b');
  await t.end('b', 'commit', { version: 4 });
  await t.end('b', 'abort', { version: 4 });
  await t.produce('b', 0, 1, { version: 11 });
  await t.add('b', [0]);
  await t.produce('b', 0, 1, { version: 11 });
  await t.end('b', 'abort', { version: 4 });
  await t.rest('b');
  await t.end('b', 'abort', { version: 4 });
  await t.end('b', 'commit', { version: 4 });
  await t.verify('b', [0, 1], { verifyOnly: false, version: 4 });
  await t.rest('b');
  await t.end('b', 'abort', { version: 4 });
  await t.rest('b');
  await t.remembered(0);
  await t.stableOffset(0);
}

async function fences(t: Storyteller): Promise<void> {
  await t.init('c');
  await t.produce('c', 0, 0);
  await t.init('c');
  await t.rest('c');
  await t.end('c', 'commit');
  await t.end('c', 'abort', { keeps: true });
  await t.produce('c', 0, 1);
  await t.commitOffset('c', 1);
  await t.init('c');
  await t.add('c', [0], { epoch: -1 });
  await t.add('c', [0], { epoch: -1, version: 1 });
  await t.end('c', 'commit', { epoch: -1 });
  await t.end('c', 'commit', { epoch: -1, version: 1 });
  await t.init('c', { expect: 0 });
  await t.init('c', { expect: 0, version: 3 });
  await t.produce('c', 0, 0);
  await t.init('c', { expect: true });
  await t.rest('c');
  await t.init('c', { expect: true });
  await t.rest('c');
  await t.init('nobody', { timeoutMs: 900_001 });
  await t.init('nobody', { timeoutMs: 0 });
  await t.describe('nobody', '');
}

async function sequences(t: Storyteller): Promise<void> {
  await t.init('d');
  await t.produce('d', 2, 4);
  await t.produce('d', 2, 0);
  await t.produce('d', 2, 0);
  await t.produce('d', 2, 2);
  await t.produce('d', 2, 1, { isTransactional: false, named: null });
  await t.produce('d', 2, 1, { named: null });
  await t.produce('d', 2, 1, { epoch: 1 });
  await t.end('d', 'commit');
  await t.rest('d');
  await t.produce('d', 2, 1);
  await t.produce('d', 2, 0);
  await t.produce('d', 2, 0, { epoch: -1 });
  await t.end('d', 'commit');
  await t.rest('d');
  await t.produce('d', 2, 0, { isTransactional: false, named: null });
  await t.produce('d', 2, 1, { isTransactional: false });
  await t.produce('d', 2, 2);
  await t.produce('d', 2, 3, { isTransactional: false });
  await t.end('d', 'abort');
  await t.rest('d');
  await t.init('e');
  await t.add('e', [2]);
  await t.produce('e', 2, 7, { version: 11 });
  await t.produce('e', 2, 7, { version: 11 });
  await t.produce('e', 2, 8, { version: 11 });
  await t.end('e', 'commit', { version: 4 });
  await t.rest('e');
  await t.remembered(2);
  await t.stableOffset(2);
}

async function offsets(t: Storyteller): Promise<void> {
  await t.init('f');
  await t.commitOffset('f', 5);
  await t.rest('f');
  await t.offset(false);
  await t.offset(true);
  await t.end('f', 'commit');
  await t.rest('f');
  await t.offset(true);
  await t.commitOffset('f', 7);
  await t.end('f', 'abort');
  await t.rest('f');
  await t.offset(true);
  await t.commitOffset('f', 8, { epoch: -1 });
  await t.commitOffset('f', 8, { generation: 3, member: 'm' });
  await t.commitOffset('f', 8, { generation: -1, member: 'm' });
  await t.end('f', 'abort');
  await t.rest('f');
  await t.init('g');
  await t.commitOffset('g', 9, { version: 4 });
  await t.commitOffset('g', 9, { version: 3 });
  await t.addOffsets('g');
  await t.commitOffset('g', 9, { version: 4 });
  await t.commitOffset('g', 10, { version: 0 });
  await t.offset(true);
  await t.end('g', 'commit', { version: 4 });
  await t.rest('g');
  await t.offset(true);
}

async function refusals(t: Storyteller): Promise<void> {
  t.producers.set('h', { producerId: 987_654, producerEpoch: 0 });
  await t.add('h', [0]);
  await t.verify('h', [0]);
  await t.end('h', 'commit');
  await t.end('h', 'commit', { version: 4 });
  await t.produce('h', 1, 0);
  await t.produce('h', 1, 0, { version: 11 });
  await t.commitOffset('h', 1);
  await t.commitOffset('h', 1, { version: 4 });
  await t.init('h', { expect: true });
  await t.produce('h', 1, 0, { named: 'a' });
  await t.produce('h', 1, 0, { named: 'a', version: 11 });
  await t.end('h', 'abort');
  await t.rest('h');
}

async function operators(t: Storyteller): Promise<void> {
  await t.init('i');
  await t.produce('i', 1, 0);
  await t.rest('i');
  await t.list({ stateFilters: ['Ongoing', 'Asleep'] });
  await t.list({ stateFilters: ['Asleep'] }, 0);
  await t.list({ transactionalIdPattern: '[a-c]' });
  await t.list({ transactionalIdPattern: '(' });
  await t.list({ stateFilters: ['Ongoing'], durationFilter: 3_600_000 }, 1);
  await t.list({ stateFilters: ['Ongoing'], durationFilter: 0 }, 1);
  await t.mark('i', 9);
  await t.mark('i', 0, { topic: 'nowhere' });
  await t.mark('i', 1, { transactionVersion: 2 });
  await t.mark('i', 1, { coordinatorEpoch: -1 });
  await t.mark('i', 1);
  await t.mark('i', 1, { coordinatorEpoch: 49 });
  await t.mark('i', 1, { version: 1 });
  await t.remembered(1);
  await t.stableOffset(1);
  await t.produce('i', 1, 1);
  await t.rest('i');
}

async function connected(bootstrapServers: string): Promise<RequestChannel> {
  const [host, port] = bootstrapServers.split(':');
  const connection = await tcpTransport().connect(host, Number(port));
  return new RequestChannel(connection, { clientId: 'teller', clock: systemClock, logger: silentLogger });
}

function nameOf(code: number): string {
  return errorByCode(code).name;
}

function sorted(rows: readonly string[]): string {
  return [...rows].sort().join(', ');
}
