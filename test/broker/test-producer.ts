/** A producer with transactions by plain requests, as Java's speaks: by v1 it adds partitions first, by v2 they join with what is written. */
import { Apis, batches, buildBatch, errorByCode, readRecords } from '#protocol';
import type { Scene } from './scene.ts';

export class TestProducer {
  readonly scene: Scene;
  readonly transactionalId: string;
  readonly version: 1 | 2;
  producerId = -1;
  producerEpoch = -1;
  /** Next sequences by `topic-partition`. */
  readonly #sequences = new Map<string, number>();

  constructor(scene: Scene, transactionalId: string, version: 1 | 2 = 2) {
    this.scene = scene;
    this.transactionalId = transactionalId;
    this.version = version;
  }

  get identity() {
    const { producerId, producerEpoch } = this;
    return { producerId, producerEpoch };
  }

  /** @param isRecovering names what it has @returns the error */
  async init(
    options: { transactionTimeoutMs?: number; isRecovering?: boolean; version?: number } = {},
  ): Promise<string> {
    const { transactionTimeoutMs = 60_000, isRecovering = false, version = 5 } = options;
    const { transactionalId } = this;
    const key = { coordinatorKeys: [transactionalId], keyType: 1 };
    const { coordinators } = await this.scene.send(Apis.FindCoordinator, key, 6);
    if (coordinators[0].errorCode !== 0) return nameOf(coordinators[0].errorCode);
    const request = { transactionalId, transactionTimeoutMs, ...(isRecovering ? this.identity : {}) };
    const { errorCode, producerId, producerEpoch } = await this.scene.send(Apis.InitProducerId, request, version);
    if (errorCode !== 0) return nameOf(errorCode);
    Object.assign(this, { producerId, producerEpoch });
    this.#sequences.clear();
    return 'NONE';
  }

  /** Adds partitions as clients before transactions v2 do. */
  async add(topic: string, partitions: readonly number[] = [0], version = 3): Promise<string> {
    const { resultsByTopicV3AndBelow } = await this.scene.send(
      Apis.AddPartitionsToTxn,
      {
        v3AndBelowTransactionalId: this.transactionalId,
        v3AndBelowProducerId: this.producerId,
        v3AndBelowProducerEpoch: this.producerEpoch,
        v3AndBelowTopics: [{ name: topic, partitions: [...partitions] }],
      },
      version,
    );
    return nameOf(resultsByTopicV3AndBelow[0].resultsByPartition[0].partitionErrorCode);
  }

  /** One batch. @returns the error; sequences go on when there is none */
  async send(topic: string, values: readonly string[], options: SendOptions = {}): Promise<string> {
    const { partition = 0, isTransactional = true, version = this.version === 2 ? 12 : 11 } = options;
    const key = `${topic}-${partition}`;
    const baseSequence = options.baseSequence ?? this.#sequences.get(key) ?? 0;
    const records = this.batch(values, { baseSequence, isTransactional });
    const topicData = [{ name: topic, partitionData: [{ index: partition, records }] }];
    const { transactionalId } = this;
    const body = { transactionalId, acks: -1, timeoutMs: 1000, topicData };
    const { responses } = await this.scene.send(Apis.Produce, body, version);
    const { errorCode } = responses[0].partitionResponses[0];
    if (errorCode === 0) this.#sequences.set(key, baseSequence + values.length);
    return nameOf(errorCode);
  }

  batch(values: readonly string[], options: { baseSequence: number; isTransactional?: boolean }): Buffer {
    const timestamp = this.scene.clock.now().wallMs;
    const drafts = values.map((value) => ({ key: null, value: Buffer.from(value), timestamp }));
    return buildBatch(drafts, { ...this.identity, isTransactional: true, ...options });
  }

  /** An offset of partition 0, for a group without members. */
  async commitOffset(groupId: string, topic: string, committedOffset: number, version = this.version === 2 ? 5 : 4) {
    const { transactionalId } = this;
    const topics = [{ name: topic, partitions: [{ partitionIndex: 0, committedOffset }] }];
    const body = { transactionalId, groupId, ...this.identity, topics };
    const { topics: committed } = await this.scene.send(Apis.TxnOffsetCommit, body, version);
    return nameOf(committed[0].partitions[0].errorCode);
  }

  async addOffsets(groupId: string): Promise<string> {
    const { transactionalId } = this;
    const { errorCode } = await this.scene.send(Apis.AddOffsetsToTxn, { transactionalId, ...this.identity, groupId });
    return nameOf(errorCode);
  }

  /** With transactions v2 the producer takes over the epoch that it is answered. */
  async end(type: 'commit' | 'abort', options: { version?: number; keepsEpoch?: boolean } = {}): Promise<string> {
    const { version = this.version === 2 ? 5 : 4, keepsEpoch = version < 5 } = options;
    const { transactionalId } = this;
    const request = { transactionalId, ...this.identity, committed: type === 'commit' };
    const { errorCode, producerId, producerEpoch } = await this.scene.send(Apis.EndTxn, request, version);
    if (errorCode === 0 && !keepsEpoch) {
      Object.assign(this, { producerId, producerEpoch });
      this.#sequences.clear();
    }
    return nameOf(errorCode);
  }

  /** What the coordinator says of it. */
  async state(): Promise<string> {
    const request = { transactionalIds: [this.transactionalId] };
    const { transactionStates } = await this.scene.send(Apis.DescribeTransactions, request);
    const [{ errorCode, transactionState, producerEpoch, topics }] = transactionStates;
    if (errorCode !== 0) return nameOf(errorCode);
    const partitions = topics.flatMap(({ topic, partitions }) => partitions.map((index) => `${topic}-${index}`));
    return [`${transactionState} epoch ${producerEpoch}`, ...partitions.sort()].join(' ');
  }

  /** Asks until the answer is another than that the transaction before is being completed. */
  async patiently(ask: () => Promise<string>): Promise<string> {
    for (let i = 0; i < 100; i++) {
      const answer = await ask();
      if (answer !== 'CONCURRENT_TRANSACTIONS') return answer;
      await this.scene.clock.advance(20);
    }
    return 'CONCURRENT_TRANSACTIONS';
  }
}

export interface SendOptions {
  readonly partition?: number;
  readonly baseSequence?: number;
  readonly isTransactional?: boolean;
  readonly version?: number;
}

export function nameOf(code: number): string {
  return errorByCode(code).name;
}

/** Values that a reader of committed records, or of all, gets of partition 0. */
export async function readValues(scene: Scene, topic: string, isolationLevel: 0 | 1, partition = 0): Promise<string[]> {
  const values: string[] = [];
  for (let fetchOffset = 0; ; ) {
    const asked = { partition, fetchOffset, partitionMaxBytes: 10_000_000 };
    const request = {
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: 10_000_000,
      isolationLevel,
      topics: [{ topic, partitions: [asked] }],
    };
    const { responses } = await scene.send(Apis.Fetch, request, 12);
    const { records, abortedTransactions } = responses[0].partitions[0];
    let next = fetchOffset;
    const aborted = new Set<number>();
    const pending = [...(abortedTransactions ?? [])];
    for (const { position, header } of batches(records ?? Buffer.alloc(0))) {
      next = header.lastOffset + 1;
      for (const { producerId, firstOffset } of pending) if (firstOffset <= header.lastOffset) aborted.add(producerId);
      if (header.isControl) {
        aborted.delete(header.producerId);
        for (const [index, { producerId, firstOffset }] of [...pending.entries()].reverse())
          if (producerId === header.producerId && firstOffset <= header.lastOffset) pending.splice(index, 1);
        continue;
      }
      if (header.isTransactional && aborted.has(header.producerId)) continue;
      const cursor = readRecords(records as Buffer, position, { decompressedBytesMax: 1_000_000 });
      for (let record = cursor.next(); record !== undefined; record = cursor.next()) values.push(String(record.value));
    }
    if (next === fetchOffset) return values;
    fetchOffset = next;
  }
}
