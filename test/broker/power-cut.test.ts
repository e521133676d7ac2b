/**
 * Idempotent producers and committing consumers on a broker whose power is cut, or that is killed, at any moment, life after life. Every
 * other one has two log directories, of which one may fail before.
 */
import { describe, expect, it } from '@jest/globals';
import { type Random, seededRandom } from '#core';
import type { RequestChannel } from '#net';
import { Apis, batches, buildBatch, Errors, readRecords } from '#protocol';
import { simulatedDisk } from '#storage';
import { FailingDisk } from '../storage/failing-disk.ts';
import { Scene } from './scene.ts';

const LIVES = 4;
const STEPS = 120;
/** A sync takes up to so many turns of the loop: longer than an answer takes to its client. */
const SYNC_TURNS_MAX = 15;
const IN_FLIGHT_MAX = 5;
const TOPIC = 't';

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** What a client library does: batches in order, five in flight, all that are not acknowledged again after a lost connection. */
class Producer {
  readonly id: number;
  readonly partition: number;
  /** Batches made so far; the sequence of each is its index. */
  made = 0;
  /** The first batch that is not acknowledged. */
  acknowledged = 0;
  readonly offsets: number[] = [];
  #sent = 0;
  #channel: RequestChannel | undefined;

  constructor(id: number, partition: number) {
    this.id = id;
    this.partition = partition;
  }

  async connect(scene: Scene): Promise<void> {
    this.#channel?.close();
    this.#channel = await scene.client();
    this.#sent = this.acknowledged;
  }

  send(isAlive: () => boolean): void {
    if (this.#channel === undefined || this.#channel.isClosed) return;
    const channel = this.#channel;
    while (this.#sent < this.made && this.#sent - this.acknowledged < IN_FLIGHT_MAX) {
      const sequence = this.#sent++;
      void this.#sendOne(channel, sequence).then(
        (offset) => {
          if (offset === undefined || !isAlive() || channel.isClosed) return;
          expect(sequence).toBe(this.acknowledged);
          this.offsets[sequence] = offset;
          this.acknowledged = sequence + 1;
        },
        () => {},
      );
    }
  }

  async #sendOne(channel: RequestChannel, sequence: number): Promise<number | undefined> {
    const record = { key: null, value: Buffer.from(`${this.id}:${sequence}`), timestamp: Date.UTC(2026, 0, 1) };
    const records = buildBatch([record], { producerId: this.id, producerEpoch: 0, baseSequence: sequence });
    const topicData = [{ name: TOPIC, partitionData: [{ index: this.partition, records }] }];
    const body = { acks: -1, timeoutMs: 60_000, topicData };
    const { responses } = await channel.send(Apis.Produce, 9, body, { timeoutMs: 600_000 });
    const { errorCode, baseOffset } = responses[0].partitionResponses[0];
    if (errorCode === 0) return baseOffset;
    expect([Errors.KAFKA_STORAGE_ERROR.code, Errors.NOT_LEADER_OR_FOLLOWER.code]).toContain(errorCode);
    return undefined;
  }
}

async function readAll(scene: Scene, partition: number): Promise<string[]> {
  const values: string[] = [];
  for (;;) {
    const asked = [{ partition, fetchOffset: values.length, partitionMaxBytes: 500 }];
    const topics = [{ topic: TOPIC, partitions: asked }];
    const { responses } = await scene.send(Apis.Fetch, { maxWaitMs: 0, minBytes: 0, maxBytes: 500, topics }, 12);
    const { records, errorCode, highWatermark } = responses[0].partitions[0];
    expect(errorCode).toBe(0);
    for (const { position } of batches(records ?? Buffer.alloc(0))) {
      const cursor = readRecords(records!, position, { decompressedBytesMax: 1000 });
      for (let record = cursor.next(); record !== undefined; record = cursor.next()) {
        expect(record.offset).toBe(values.length);
        values.push(record.value!.toString());
      }
    }
    if (values.length >= highWatermark) return values;
  }
}

function check(producers: readonly Producer[], partition: number, values: readonly string[]): void {
  for (const producer of producers.filter((one) => one.partition === partition)) {
    const own = values.filter((value) => value.startsWith(`${producer.id}:`));
    expect(own).toEqual(own.map((_, sequence) => `${producer.id}:${sequence}`));
    expect(own.length).toBeGreaterThanOrEqual(producer.acknowledged);
    for (const [sequence, offset] of producer.offsets.entries())
      expect(values[offset]).toBe(`${producer.id}:${sequence}`);
  }
}

async function commit(channel: RequestChannel, group: string, offset: number): Promise<boolean> {
  const partitions = [{ partitionIndex: 0, committedOffset: offset, committedMetadata: '' }];
  const body = { groupId: group, generationIdOrMemberEpoch: -1, memberId: '', topics: [{ name: TOPIC, partitions }] };
  const { topics } = await channel.send(Apis.OffsetCommit, 8, body, { timeoutMs: 600_000 });
  return topics[0].partitions[0].errorCode === 0;
}

async function committed(scene: Scene, group: string): Promise<number> {
  for (let round = 0; round < 50; round++) {
    const groups = [{ groupId: group, topics: [{ name: TOPIC, partitionIndexes: [0] }] }];
    const answer = (await scene.send(Apis.OffsetFetch, { groups }, 9)).groups[0];
    if (answer.errorCode === 0) return answer.topics[0].partitions[0].committedOffset;
    await scene.clock.settle();
  }
  throw new Error('the coordinator never came');
}

async function live(scene: Scene, producers: readonly Producer[], groups: Map<string, number>, random: Random) {
  let isOver = false;
  const isAlive = () => !isOver;
  const committer = await scene.client();
  for (const producer of producers) await producer.connect(scene);
  const steps = Math.floor(random.float() * STEPS);
  for (let step = 0; step < steps; step++) {
    const producer = producers[Math.floor(random.float() * producers.length)];
    producer.made += Math.floor(random.float() * 4);
    producer.send(isAlive);
    const dice = random.float();
    if (dice < 0.08) await producer.connect(scene);
    else if (dice < 0.2) {
      const group = `g${Math.floor(random.float() * 3)}`;
      const offset = step + 1 + (groups.get(group) ?? 0);
      void commit(committer, group, offset).then(
        (isTaken) => {
          if (isTaken && isAlive()) groups.set(group, Math.max(offset, groups.get(group) ?? 0));
        },
        () => {},
      );
    } else if (dice < 0.7) await nextTurn();
    else if (dice < 0.72) await scene.clock.advance(1000);
  }
  isOver = true;
}

describe('whatever was acknowledged', () => {
  const seeds = Array.from({ length: Number(process.env.SEEDS ?? 12) }, (_, seed) => seed);

  it.each(seeds)('is there, once and in order, after every power cut and kill (seed %i)', async (seed) => {
    const random = seededRandom(seed);
    let disk = simulatedDisk(seed);
    const groups = new Map<string, number>();
    let producers: Producer[] = [];
    const dirs = seed % 2 === 0 ? '/data' : '/a,/b';
    const config = { 'log.dirs': dirs, 'log.segment.bytes': 1024 * 1024, 'offsets.topic.num.partitions': 2 };
    for (let life = 0; life <= LIVES; life++) {
      const gated = new FailingDisk(disk);
      const scene = await Scene.start({ disk: gated, config });
      if (life === 0) {
        await scene.createTopics({ [TOPIC]: 2 });
        await scene.send(Apis.FindCoordinator, { key: 'g0' }, 0);
        producers = [];
        for (const partition of [0, 0, 1]) {
          const body = { transactionalId: null, transactionTimeoutMs: 1 };
          producers.push(new Producer((await scene.send(Apis.InitProducerId, body)).producerId, partition));
        }
      }
      for (const partition of [0, 1]) check(producers, partition, await readAll(scene, partition));
      for (const [group, offset] of groups) expect(await committed(scene, group)).toBeGreaterThanOrEqual(offset);
      if (life === LIVES) return;
      gated.before = async (step) => {
        if (step !== 'sync' && step !== 'syncDirectory') return;
        for (let turns = Math.floor(random.float() * SYNC_TURNS_MAX); turns > 0; turns--) await nextTurn();
      };
      if (random.float() < 0.3) {
        const skipCount = Math.floor(random.float() * 30);
        disk.faults.inject({ step: 'sync', code: 'EIO', path: /^\/b\//, skipCount });
      }
      await live(scene, producers, groups, random);
      disk = random.float() < 0.6 ? disk.crash(random.uint32()) : disk.kill();
    }
  });
});
