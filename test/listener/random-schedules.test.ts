/**
 * Real containers under random schedules of outcomes, waits, rebalances, pauses, seekless restarts and crashes. Held after every
 * step: an offset is committed only when every record below it was handled or recovered; the records of a partition are first
 * handled in order; never two calls at once; none without owning the partition. At the end nothing is missing.
 */
import { expect, test } from '@jest/globals';
import { KafkaError, type Random, seededRandom } from '#core';
import {
  type AckMode,
  Acknowledgment,
  BatchListenerFailedException,
  DefaultErrorHandler,
  FixedBackOff,
  Header,
  KafkaListener,
  Payload,
} from '#listener';
import { KafkaHeaders } from '#message';
import { PartitionMap, TopicPartition } from '#serde';
import { FakeTemplate, Scene } from './scene.ts';

const PARTITIONS = [0, 1, 2].map((partition) => new TopicPartition('orders', partition));
const MODES: readonly AckMode[] = ['record', 'batch', 'count', 'time', 'count_time', 'manual', 'manual_immediate'];

class World {
  readonly random: Random;
  readonly scene: Scene;
  readonly done = new PartitionMap<Set<number>>(PARTITIONS.map((of) => [of, new Set<number>()] as const));
  readonly template = new FakeTemplate();
  readonly ackMode: AckMode;
  /** Manual modes: the work goes on after the listener has returned, and is acknowledged in any order. */
  readonly isLate: boolean;
  /** The listener takes lists. */
  readonly isBatch: boolean;
  runningCount = 0;
  /** What was broken inside a call, where an error would only be a failed record. */
  readonly broken: string[] = [];

  constructor(seed: number) {
    this.random = seededRandom(seed);
    this.ackMode = this.pick(MODES);
    this.isLate = isManual(this.ackMode) && this.below(2) === 0;
    this.isBatch = !this.isLate && this.ackMode !== 'record' && this.below(3) === 0;
    this.scene = new Scene({
      batchListener: this.isBatch,
      template: this.template,
      errorHandler: new DefaultErrorHandler(undefined, new FixedBackOff(this.pick([0, 50]), 2)),
      properties: {
        asyncAcks: this.isLate,
        syncCommits: this.below(3) > 0,
        subBatchPerPartition: this.below(2) === 0,
        unackedRecordsMax: 20,
        keepAliveMs: 30,
        pollTimeoutMs: 100,
        ackCount: 3,
        ackTimeMs: 120,
        shutdownTimeoutMs: 500,
      },
    });
    this.scene.kafka.pollRecordsMax = 1 + this.below(10);
    for (const { topic, partition } of PARTITIONS) this.scene.kafka.add(topic, partition);
  }

  below(limit: number): number {
    return this.random.uint32() % limit;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }

  bean(): object {
    if (this.isLate) return this.lateBean();
    if (this.isBatch) return isManual(this.ackMode) ? this.manualBatchBean() : this.batchBean();
    return isManual(this.ackMode) ? this.manualBean() : this.plainBean();
  }

  /** One call of the listener: some fail, some wait, the rest return at once. */
  handle(of: TopicPartition, offset: number): void | Promise<void> {
    if (++this.runningCount !== 1) this.broken.push(`${this.runningCount} calls at once`);
    if (!this.scene.consumer.assignment().some((one) => one.equals(of))) this.broken.push(`${of} is not ours`);
    for (let below = 0; below < offset; below++) {
      if (!this.isDone(of, below)) this.broken.push(`${of}: ${offset} is delivered before ${below} is handled`);
    }
    const fate = this.below(10);
    if (fate === 0) {
      this.runningCount--;
      throw new Error('no');
    }
    if (fate > 3) {
      this.finish(of, offset);
      return undefined;
    }
    return this.scene.clock.sleep(this.below(100)).then(() => {
      if (fate === 1) {
        this.runningCount--;
        throw new Error('later no');
      }
      this.finish(of, offset);
    });
  }

  /** One call of the batch listener: some fail as a whole, some at a record, the rest take them all; how many were taken. */
  async handleBatch(values: readonly string[]): Promise<number> {
    if (++this.runningCount !== 1) this.broken.push(`${this.runningCount} calls at once`);
    const fate = this.below(12);
    const end = fate < 4 ? this.below(values.length) : values.length;
    if (this.below(3) === 0) await this.scene.clock.sleep(this.below(60));
    for (const value of values.slice(0, end)) {
      const [partition, offset] = value.split(':').map(Number);
      for (let below = 0; below < offset; below++) {
        if (!this.isDone(PARTITIONS[partition], below)) this.broken.push(`${value} before ${below} is handled`);
      }
      this.done.get(PARTITIONS[partition])?.add(offset);
    }
    this.runningCount--;
    if (fate === 0) throw new Error('no');
    if (fate === 1) throw new BatchListenerFailedException('not this one', end);
    return end;
  }

  private finish(of: TopicPartition, offset: number): void {
    this.runningCount--;
    this.done.get(of)?.add(offset);
  }

  /** Records that went to the dead letter topic count as handled. */
  isDone(of: TopicPartition, offset: number): boolean {
    if (this.done.get(of)?.has(offset) === true) return true;
    return this.template.sent.some(({ value }) => value === `${of.partition}:${offset}`);
  }

  check(): void {
    expect(this.broken).toEqual([]);
    for (const of of PARTITIONS) {
      const committed = this.scene.kafka.committed.get(of) ?? 0;
      for (let offset = 0; offset < committed; offset++) {
        if (!this.isDone(of, offset)) throw new Error(`${of}: ${committed} is committed and ${offset} is not handled`);
      }
    }
  }

  async step(): Promise<void> {
    const { scene } = this;
    const container = scene.registry.getListenerContainer('orders');
    switch (this.below(10)) {
      case 0:
      case 1:
      case 2: {
        const { topic, partition } = this.pick(PARTITIONS);
        const next = scene.kafka.logs.get({ topic, partition })?.length ?? 0;
        scene.kafka.add(topic, partition, `${partition}:${next}`);
        break;
      }
      case 3:
        scene.consumer.rebalance(
          PARTITIONS.filter(() => this.below(2) === 0),
          { lost: this.below(3) === 0 },
        );
        break;
      case 4:
        this.template.failure = this.template.failure === undefined ? new Error('dlt is down') : undefined;
        break;
      case 5:
        if (this.below(2) === 0) container?.pause();
        else container?.resume();
        break;
      case 6:
        scene.kafka.commitErrors.push(new KafkaError('REBALANCE_IN_PROGRESS', 'rebalancing', { retriable: true }));
        break;
      case 7:
        scene.kafka.pollErrors.push(new KafkaError('NETWORK_EXCEPTION', 'gone', { retriable: true }));
        break;
      case 8:
        if (this.below(4) === 0) await this.restart();
        break;
      default:
        await scene.pass(this.below(150));
    }
    await scene.settle();
    this.check();
  }

  /** A stop whose commits fail is a crash as far as the group knows. */
  private async restart(): Promise<void> {
    const { scene } = this;
    const isCrash = this.below(2) === 0;
    if (isCrash)
      scene.kafka.commitErrors.push(...Array.from({ length: 20 }, () => new KafkaError('COMMIT_FAILED', 'dead')));
    const stopping = scene.registry.stop();
    await scene.pass(1000);
    await stopping;
    scene.kafka.commitErrors.length = 0;
    await scene.registry.start();
  }

  async finishAll(): Promise<void> {
    const { scene } = this;
    this.template.failure = undefined;
    scene.kafka.commitErrors.length = 0;
    scene.kafka.pollErrors.length = 0;
    scene.registry.getListenerContainer('orders')?.resume();
    scene.consumer.rebalance(PARTITIONS);
    for (let round = 0; round < 400 && !this.isAllCommitted(); round++) await scene.pass(150);
    this.check();
    expect(this.isAllCommitted()).toBe(true);
    const stopping = scene.registry.stop();
    await scene.pass(1000);
    await stopping;
    await scene.pass(300);
    expect(scene.clock.pendingTimerCount).toBe(0);
  }

  private isAllCommitted(): boolean {
    const { kafka } = this.scene;
    return PARTITIONS.every((of) => (kafka.committed.get(of) ?? 0) === (kafka.logs.get(of)?.length ?? 0));
  }

  private plainBean(): object {
    const world = this;
    class Plain {
      @KafkaListener({ id: 'orders', topics: 'orders', ackMode: world.ackMode })
      on(
        @Payload() _value: string,
        @Header(KafkaHeaders.RECEIVED_PARTITION) partition: number,
        @Header(KafkaHeaders.OFFSET) offset: number,
      ): void | Promise<void> {
        return world.handle(PARTITIONS[partition], offset);
      }
    }
    return new Plain();
  }

  private batchBean(): object {
    const world = this;
    class Batch {
      @KafkaListener({ id: 'orders', topics: 'orders', ackMode: world.ackMode })
      async on(values: string[]): Promise<void> {
        const count = await world.handleBatch(values);
        if (count < values.length) throw new BatchListenerFailedException('from here', count);
      }
    }
    return new Batch();
  }

  private manualBatchBean(): object {
    const world = this;
    class ManualBatch {
      @KafkaListener({ id: 'orders', topics: 'orders', ackMode: world.ackMode })
      async on(values: string[], ack: Acknowledgment): Promise<void> {
        const count = await world.handleBatch(values);
        if (count < values.length) return ack.nack(count, world.below(60));
        if (world.ackMode === 'manual_immediate' && world.below(2) === 0) {
          await ack.acknowledge(world.below(values.length)).catch(() => {});
        }
        await ack.acknowledge().catch(() => {});
      }
    }
    return new ManualBatch();
  }

  private lateBean(): object {
    const world = this;
    class Late {
      @KafkaListener({ id: 'orders', topics: 'orders', ackMode: world.ackMode })
      on(
        @Payload() _value: string,
        @Header(KafkaHeaders.RECEIVED_PARTITION) partition: number,
        @Header(KafkaHeaders.OFFSET) offset: number,
        ack: Acknowledgment,
      ): void {
        void world.scene.clock.sleep(world.below(200)).then(() => {
          world.done.get(PARTITIONS[partition])?.add(offset);
          return ack.acknowledge().catch(() => {});
        });
      }
    }
    return new Late();
  }

  private manualBean(): object {
    const world = this;
    class Manual {
      @KafkaListener({ id: 'orders', topics: 'orders', ackMode: world.ackMode })
      async on(
        @Payload() _value: string,
        @Header(KafkaHeaders.RECEIVED_PARTITION) partition: number,
        @Header(KafkaHeaders.OFFSET) offset: number,
        ack: Acknowledgment,
      ): Promise<void> {
        if (world.below(12) === 0) return ack.nack(world.below(60));
        await world.handle(PARTITIONS[partition], offset);
        // A commit that fails rejects the acknowledgment; the listener does not mind, the next commit includes it.
        await ack.acknowledge().catch(() => {});
      }
    }
    return new Manual();
  }
}

function isManual(mode: AckMode): boolean {
  return mode === 'manual' || mode === 'manual_immediate';
}

test.each(Array.from({ length: 60 }, (_, seed) => [seed]))('schedule %i keeps every promise', async (seed) => {
  const world = new World(seed);
  await world.scene.run(world.bean());
  for (let step = 0; step < 60; step++) await world.step();
  await world.finishAll();
});
