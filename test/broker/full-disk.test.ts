/** What clients of a real broker see of a disk that is full, or broken. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { KafkaProducer, ProducerRecord, type RecordMetadata } from '#client';
import { Apis, batches, Errors } from '#protocol';
import { type SimulatedDisk, simulatedDisk } from '#storage';
import { batchOf, Scene } from './scene.ts';

let scene: Scene;
let disk: SimulatedDisk;

afterEach(() => scene?.close());

async function start(topics: Record<string, number> = { t: 1 }): Promise<void> {
  disk = simulatedDisk(3);
  scene = await Scene.start({ disk, topics, config: { 'springtide.broker.durability': 'sync' } });
}

function fill(): void {
  disk.faults.capacityBytes = disk.usedBytes;
}

async function empty(): Promise<void> {
  disk.faults.capacityBytes = Number.POSITIVE_INFINITY;
  await scene.clock.advance(1000);
}

async function commit(offset: number): Promise<number> {
  const partitions = [
    { partitionIndex: 0, committedOffset: offset, committedLeaderEpoch: -1, committedMetadata: null },
  ];
  const topics = [{ name: 't', partitions }];
  const response = await scene.send(Apis.OffsetCommit, { groupId: 'g', generationIdOrMemberEpoch: -1, topics }, 8);
  return response.topics[0].partitions[0].errorCode;
}

async function committed(): Promise<number> {
  const groups = [{ groupId: 'g', topics: [{ name: 't', partitionIndexes: [0] }] }];
  const response = await scene.send(Apis.OffsetFetch, { groups }, 8);
  return response.groups[0].topics[0].partitions[0].committedOffset;
}

describe('a full disk', () => {
  it('is a retriable error to a producer, and no reason to stop: sending goes on when there is room', async () => {
    await start();
    expect(await scene.produce('t', batchOf(['a']))).toMatchObject({ errorCode: 0, baseOffset: 0 });
    fill();
    const refused = await scene.produce('t', batchOf(['b']));
    expect(refused.errorCode).toBe(Errors.KAFKA_STORAGE_ERROR.code);
    expect(Errors.KAFKA_STORAGE_ERROR.retriable).toBe(true);
    const again = await scene.produce('t', batchOf(['b']));
    expect(again.errorMessage).toContain('no space left on device');
    await empty();
    expect(await scene.produce('t', batchOf(['c']))).toMatchObject({ errorCode: 0, baseOffset: 1 });
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }];
    const { responses } = await scene.send(Apis.Fetch, { maxWaitMs: 0, topics: [{ topic: 't', partitions }] }, 12);
    expect(responses[0].partitions[0]).toMatchObject({ highWatermark: 2, errorCode: 0 });
    expect([...batches(responses[0].partitions[0].records!)]).toHaveLength(2);
    expect(scene.book.at('error').join()).toContain('takes no records for the moment');
    expect(scene.book.at('fatal')).toEqual([]);
  });

  it('costs an idempotent producer time and nothing else', async () => {
    await start({ t: 3 });
    const producer = new KafkaProducer<null, string>(
      {
        'bootstrap.servers': scene.broker.bootstrapServers,
        'linger.ms': 0,
        'key.serializer': 'string',
        'value.serializer': 'string',
      },
      { transport: scene.broker.connect(), clock: scene.clock },
    );
    const acknowledged: string[] = [];
    const errors: unknown[] = [];
    const send = (value: number): void => {
      const record = new ProducerRecord<null, string>('t', value % 3, null, `${value}`);
      producer.send(record, (metadata: RecordMetadata | null, error: unknown) => {
        if (metadata === null) errors.push(error);
        else acknowledged.push(`${metadata.partition}@${metadata.offset}=${value}`);
      });
    };
    for (let value = 0; value < 90; value++) {
      if (value === 30) fill();
      send(value);
      if (value % 6 === 0) await scene.clock.advance(20);
    }
    await scene.clock.advance(3000);
    expect(acknowledged.length).toBeLessThan(60);
    await empty();
    for (let second = 0; second < 10; second++) await scene.clock.advance(1000);
    expect(errors).toEqual([]);
    const expected = Array.from({ length: 90 }, (_, value) => `${value % 3}@${Math.floor(value / 3)}=${value}`);
    expect(acknowledged.toSorted()).toEqual(expected.toSorted());
    const closing = producer.close();
    await scene.clock.advance(100);
    await closing;
  });

  it('makes coordinators forget what was not written, and no more', async () => {
    await start();
    await scene.send(Apis.FindCoordinator, { keyType: 0, coordinatorKeys: ['g'] });
    expect(await commit(5)).toBe(0);
    fill();
    const refused = await commit(9);
    expect(Object.values(Errors).find(({ code }) => code === refused)?.retriable).toBe(true);
    await scene.clock.advance(5000);
    expect(await committed()).toBe(5);
    await empty();
    expect(await commit(9)).toBe(0);
    expect(await committed()).toBe(9);
  });

  it('refuses new topics until there is room', async () => {
    await start();
    fill();
    await expect(scene.createTopics({ late: 1 })).rejects.toThrow();
    await empty();
    await scene.clock.advance(1000);
    await scene.createTopics({ late: 1 });
    expect(await scene.produce('late', batchOf(['a']))).toMatchObject({ errorCode: 0 });
  });
});

describe('a start on a full disk', () => {
  const refusal =
    /^The disk of the log directory \/data is full, .*no space left on device.* Make room on the disk of \/data, or/;

  it.each(['new', 'used'])('of a %s folder says so, names the folder, and leaves nothing locked', async (kind) => {
    const life = simulatedDisk(3);
    if (kind === 'used') {
      await (await Scene.start({ disk: life, topics: { t: 1 } })).close();
    }
    let refusedCount = 0;
    for (let roomBytes = 0; ; roomBytes += 16) {
      disk = life.kill();
      disk.faults.capacityBytes = disk.usedBytes + roomBytes;
      const started = await Scene.start({ disk }).catch((error: Error) => error);
      if (started instanceof Scene) {
        scene = started;
        break;
      }
      expect(started.message).toMatch(refusal);
      expect(started).toMatchObject({ code: 'STORAGE_FAILED', action: expect.stringContaining('Make room') });
      refusedCount++;
    }
    expect(refusedCount).toBeGreaterThan(3);
  });

  it('goes well once there is room, with everything that was acknowledged', async () => {
    await start();
    expect(await scene.produce('t', batchOf(['a']))).toMatchObject({ errorCode: 0 });
    await scene.close();
    const full = disk.kill();
    full.faults.capacityBytes = full.usedBytes;
    await expect(Scene.start({ disk: full })).rejects.toThrow(refusal);
    full.faults.capacityBytes = Number.POSITIVE_INFINITY;
    scene = await Scene.start({ disk: full });
    expect(await scene.produce('t', batchOf(['b']))).toMatchObject({ errorCode: 0, baseOffset: 1 });
  });
});

it('a start whose metadata log cannot be written says what the disk said', async () => {
  disk = simulatedDisk(3);
  disk.faults.inject({ step: 'sync', code: 'EIO', path: /__cluster_metadata-0\/.*\.log$/ });
  await expect(Scene.start({ disk })).rejects.toThrow(/cannot sync \/data\/__cluster_metadata-0.*i\/o error/);
});

it('a topic whose log cannot be opened for want of file handles works as soon as there are some', async () => {
  await start();
  const end = disk.faults.inject({ step: 'open', code: 'EMFILE', path: /late-0/ });
  await scene.createTopics({ late: 1 });
  expect((await scene.produce('late', batchOf(['a']))).errorCode).toBe(Errors.KAFKA_STORAGE_ERROR.code);
  end();
  await scene.clock.advance(1000);
  expect(await scene.produce('late', batchOf(['a']))).toMatchObject({ errorCode: 0, baseOffset: 0 });
});

it('after a failed fdatasync every partition of the log directory answers KAFKA_STORAGE_ERROR, and nothing is tried again', async () => {
  await start({ t: 2 });
  expect(await scene.produce('t', batchOf(['a']))).toMatchObject({ errorCode: 0 });
  let syncCount = 0;
  disk.before = (step, path) => {
    if (step === 'sync' && path.includes('t-0')) syncCount++;
  };
  disk.faults.inject({ step: 'sync', code: 'EIO', path: /t-0\/.*\.log$/, failCount: 1 });
  expect((await scene.produce('t', batchOf(['b']))).errorCode).toBe(Errors.KAFKA_STORAGE_ERROR.code);
  await scene.clock.advance(60_000);
  for (const partition of [0, 1]) {
    const { errorCode } = await scene.produce('t', batchOf(['c']), { partition });
    expect(errorCode).toBe(Errors.KAFKA_STORAGE_ERROR.code);
  }
  expect(syncCount).toBe(1);
  expect(scene.book.at('fatal').join()).toContain('offline');
});
