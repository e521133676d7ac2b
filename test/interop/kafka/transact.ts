/** Transactions by plain requests to node 1, as Java producers send them. @see KIP-98, KIP-890 */
import { Cluster, clientConfigTable, readClientConfig } from '#client';
import { silentLogger, systemClock, systemRandom } from '#core';
import { tcpTransport } from '#net';
import { Apis, buildBatch, Errors, type RecordDraft } from '#protocol';
import { until } from '../until.ts';

export type TransactionEnd = 'commit' | 'abort' | 'open';

export async function connectedCluster(bootstrapServers: string): Promise<Cluster> {
  const cluster = new Cluster({
    config: readClientConfig(clientConfigTable, { 'bootstrap.servers': bootstrapServers }, 'test', silentLogger),
    transport: tcpTransport(),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
  });
  await cluster.start();
  return cluster;
}

/** A transactional producer for partition 0 of topics. With `transaction.version` 2 each end gives it a new epoch. */
export class WireProducer {
  readonly #cluster: Cluster;
  readonly #transactionalId: string;
  readonly #version: 1 | 2;
  #producer: { readonly producerId: number; readonly producerEpoch: number };
  #nextSequence = 0;
  readonly #added = new Set<string>();

  static async open(cluster: Cluster, transactionalId: string, version: 1 | 2): Promise<WireProducer> {
    await cluster.findCoordinator('transaction', transactionalId, systemClock.now().monotonicMs + 30_000);
    const init = { transactionalId, transactionTimeoutMs: 900_000 };
    const producer = await untilTaken(() => cluster.request(1, Apis.InitProducerId, init, { version: 4 }));
    return new WireProducer(cluster, transactionalId, version, producer);
  }

  private constructor(
    cluster: Cluster,
    transactionalId: string,
    version: 1 | 2,
    producer: { readonly producerId: number; readonly producerEpoch: number },
  ) {
    this.#cluster = cluster;
    this.#transactionalId = transactionalId;
    this.#version = version;
    this.#producer = producer;
  }

  /** One batch, in the transaction under way or as the first of one. Returns its offset. */
  async send(topic: string, drafts: readonly RecordDraft[]): Promise<number> {
    if (this.#version === 1 && !this.#added.has(topic)) await this.#add(topic);
    const { producerId, producerEpoch } = this.#producer;
    const baseSequence = this.#nextSequence;
    const records = buildBatch(drafts, { producerId, producerEpoch, baseSequence, isTransactional: true });
    const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }];
    const body = { transactionalId: this.#transactionalId, acks: -1, timeoutMs: 10_000, topicData };
    const version = this.#version === 1 ? 11 : 12;
    // Until the markers of the transaction before are written, the next one is refused.
    const { baseOffset } = await untilTaken(async () => {
      const produced = await this.#cluster.request(1, Apis.Produce, body, { version });
      return produced.responses[0].partitionResponses[0];
    });
    this.#nextSequence += drafts.length;
    return baseOffset;
  }

  /** Of partition 0, for a group without members; with `transaction.version` 2 only. */
  async commitOffset(groupId: string, topic: string, committedOffset: number): Promise<void> {
    await this.#cluster.findCoordinator('group', groupId, systemClock.now().monotonicMs + 30_000);
    const topics = [{ name: topic, partitions: [{ partitionIndex: 0, committedOffset }] }];
    const body = { transactionalId: this.#transactionalId, groupId, ...this.#producer, topics };
    await untilTaken(async () => {
      const committed = await this.#cluster.request(1, Apis.TxnOffsetCommit, body, { version: 5 });
      return committed.topics[0].partitions[0];
    });
  }

  /** The markers are written soon. */
  async end(type: 'commit' | 'abort'): Promise<void> {
    const ending = { transactionalId: this.#transactionalId, ...this.#producer, committed: type === 'commit' };
    const version = this.#version === 1 ? 4 : 5;
    const ended = await untilTaken(() => this.#cluster.request(1, Apis.EndTxn, ending, { version }));
    this.#added.clear();
    if (this.#version === 1) return;
    this.#producer = { producerId: ended.producerId, producerEpoch: ended.producerEpoch };
    this.#nextSequence = 0;
  }

  async #add(topic: string): Promise<void> {
    const topics = [{ name: topic, partitions: [0] }];
    const { producerId: v3AndBelowProducerId, producerEpoch: v3AndBelowProducerEpoch } = this.#producer;
    const body = { v3AndBelowTransactionalId: this.#transactionalId, v3AndBelowProducerId, v3AndBelowProducerEpoch };
    await untilTaken(async () => {
      const request = { ...body, v3AndBelowTopics: topics };
      const response = await this.#cluster.request(1, Apis.AddPartitionsToTxn, request, { version: 3 });
      const { partitionErrorCode } = response.resultsByTopicV3AndBelow[0].resultsByPartition[0];
      return { errorCode: partitionErrorCode };
    });
    this.#added.add(topic);
  }
}

/**
 * One transaction after the other on partition 0 of `topic`, each with one record, `in transaction <index>`, of the transactional id
 * `dumper`. An open one can only be the last.
 */
export async function transact(
  bootstrapServers: string,
  topic: string,
  ends: readonly TransactionEnd[],
): Promise<void> {
  const cluster = await connectedCluster(bootstrapServers);
  const producer = await WireProducer.open(cluster, 'dumper', 2);
  for (const [index, end] of ends.entries()) {
    const value = Buffer.from(`in transaction ${index}`);
    await producer.send(topic, [{ key: null, value, timestamp: 1_700_000_000_000 + index }]);
    if (end !== 'open') await producer.end(end);
  }
  await cluster.close();
}

/** One transaction after the other that only commits an offset of partition 0 of `topic` for the group. */
export async function commitInTransactions(
  bootstrapServers: string,
  groupId: string,
  topic: string,
  commits: readonly (readonly [offset: number, end: TransactionEnd])[],
): Promise<void> {
  const cluster = await connectedCluster(bootstrapServers);
  const producer = await WireProducer.open(cluster, `of ${groupId}`, 2);
  for (const [offset, end] of commits) {
    await producer.commitOffset(groupId, topic, offset);
    if (end !== 'open') await producer.end(end);
  }
  await cluster.close();
}

const PASSING = [Errors.CONCURRENT_TRANSACTIONS, Errors.COORDINATOR_LOAD_IN_PROGRESS, Errors.NOT_COORDINATOR].map(
  ({ code }) => code,
);

/** Asks again while the coordinator is busy or not there yet. */
async function untilTaken<T extends { errorCode: number }>(ask: () => Promise<T>): Promise<T> {
  let answer = await ask();
  const isTaken = async () => {
    if (answer.errorCode === 0) return true;
    if (!PASSING.includes(answer.errorCode)) throw new Error(`refused with ${answer.errorCode}`);
    answer = await ask();
    return answer.errorCode === 0;
  };
  await until('the coordinator takes it', isTaken);
  return answer;
}
