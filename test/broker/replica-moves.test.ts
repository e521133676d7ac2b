/** AlterReplicaLogDirs: replicas go from one log directory to another while they are used, and a broker that stops anywhere on the way finds each once. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Apis, batches, decodeMetadataRecord, Errors, readRecords } from '#protocol';
import { type SimulatedDisk, simulatedDisk } from '#storage';
import { batchOf, Scene } from './scene.ts';
import { nameOf, readValues, TestProducer } from './test-producer.ts';

const config = {
  'log.dirs': '/a,/b',
  'springtide.broker.durability': 'sync',
  'transaction.state.log.num.partitions': 1,
  'offsets.topic.num.partitions': 1,
};
const ROUNDS = 20;

let scene: Scene;

afterEach(() => scene?.close());

async function start(disk: SimulatedDisk = simulatedDisk(3), topics: Record<string, number> = {}): Promise<void> {
  scene = await Scene.start({ disk, topics, config });
}

async function move(path: string, topic = 't', partition = 0): Promise<string> {
  const dirs = [{ path, topics: [{ name: topic, partitions: [partition] }] }];
  const { results } = await scene.send(Apis.AlterReplicaLogDirs, { dirs });
  return nameOf(results[0].partitions[0].errorCode);
}

async function settled(): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) await scene.clock.advance(10);
}

/** `folder` or `folder (coming)` of each log of the topic. */
async function places(topic = 't'): Promise<string[]> {
  const { results } = await scene.send(Apis.DescribeLogDirs, { topics: null });
  return results.flatMap(({ logDir, topics }) =>
    topics
      .filter(({ name }) => name === topic)
      .flatMap(({ partitions }) => partitions.map(({ isFutureKey }) => `${logDir}${isFutureKey ? ' (coming)' : ''}`)),
  );
}

async function folders(disk: SimulatedDisk, path: string): Promise<string[]> {
  const names = (await disk.list(path)).map(({ name }) => name);
  return names.filter((name) => name.startsWith('t-')).map((name) => name.replace(/[0-9a-f]{32}/, 'hex'));
}

async function values(count: number): Promise<string[]> {
  const sent = Array.from({ length: count }, (_, n) => `v${n}`);
  for (const value of sent) expect((await scene.produce('t', batchOf([value]))).errorCode).toBe(0);
  return sent;
}

describe('a replica that is to lie in another directory', () => {
  it('goes there with its records, its start, its transactions and its producers', async () => {
    await start(undefined, { t: 1 });
    expect(await places()).toEqual(['/a']);
    await values(5);
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0, offset: 2 }] }];
    await scene.send(Apis.DeleteRecords, { topics, timeoutMs: 1000 });
    const [done, open] = [new TestProducer(scene, 'done'), new TestProducer(scene, 'open')];
    for (const producer of [done, open]) expect(await producer.init()).toBe('NONE');
    expect(await done.send('t', ['aborted'])).toBe('NONE');
    expect(await done.end('abort')).toBe('NONE');
    expect(await open.send('t', ['open'])).toBe('NONE');
    expect(await move('/b')).toBe('NONE');
    await settled();
    expect(await places()).toEqual(['/b']);
    expect(await folders(scene.disk as SimulatedDisk, '/b')).toEqual(['t-0']);
    expect(await open.send('t', ['open too'], { baseSequence: 1 })).toBe('NONE');
    expect(await open.send('t', ['open too'], { baseSequence: 1 })).toBe('NONE');
    const earliest = { topic: 't', partitions: [{ partitionIndex: 0, timestamp: -2 }] };
    const offsets = await scene.send(Apis.ListOffsets, {
      replicaId: -1,
      topics: [{ name: earliest.topic, partitions: earliest.partitions }],
    });
    expect(offsets.topics[0].partitions[0].offset).toBe(2);
    expect(await open.end('commit')).toBe('NONE');
    await settled();
    const committed = async () => (await fetchFrom(2)).filter((value) => !value.startsWith('aborted'));
    expect(await committed()).toEqual(['v2', 'v3', 'v4', 'open', 'open too']);
    expect((await scene.produce('t', batchOf(['more']))).errorCode).toBe(0);
    const { disk } = scene;
    await scene.close();
    await start(disk as SimulatedDisk);
    expect(await places()).toEqual(['/b']);
    expect(await fetchFrom(2)).toEqual(['v2', 'v3', 'v4', 'aborted', 'open', 'open too', 'more']);
    expect([scene.book.at('warn'), scene.book.at('error')]).toEqual([[], []]);
  });

  it('takes nothing twice and loses nothing while it is written to', async () => {
    await start(undefined, { t: 1 });
    const { producerId, producerEpoch } = await scene.send(Apis.InitProducerId, {
      transactionalId: null,
      transactionTimeoutMs: 1,
    });
    const sent: string[] = [];
    const errors = new Set<string>();
    for (let sequence = 0; sequence < 60; sequence++) {
      if (sequence === 20) expect(await move('/b')).toBe('NONE');
      const value = `v${sequence} ${'x'.repeat(100_000)}`;
      const batch = batchOf([value], { producerId, producerEpoch, baseSequence: sequence });
      for (let error = 'none yet'; error !== 'NONE'; errors.add(error))
        error = nameOf((await scene.produce('t', Buffer.from(batch))).errorCode);
      sent.push(value);
    }
    await settled();
    expect(await places()).toEqual(['/b']);
    expect(await readValues(scene, 't', 0)).toEqual(sent);
    const expected = ['NONE', 'KAFKA_STORAGE_ERROR', 'NOT_LEADER_OR_FOLLOWER'];
    expect([...errors].filter((error) => !expected.includes(error))).toEqual([]);
  });

  it('is told of to the controller, and to its coordinator when it is one of its own', async () => {
    await start(undefined, { t: 1 });
    const producer = new TestProducer(scene, 'tx');
    expect(await producer.init()).toBe('NONE');
    expect(await producer.send('t', ['before'])).toBe('NONE');
    const [from] = await places('__transaction_state');
    const to = from === '/a' ? '/b' : '/a';
    expect(await move(to, '__transaction_state')).toBe('NONE');
    await settled();
    expect(await places('__transaction_state')).toEqual([to]);
    expect(await producer.send('t', ['after'])).toBe('NONE');
    expect(await producer.end('commit')).toBe('NONE');
    await settled();
    expect(await readValues(scene, 't', 1)).toEqual(['before', 'after']);
    const id = /directory\.id=(.*)/.exec((await scene.disk.readFile(`${to}/meta.properties`))!.toString())![1];
    expect((await lastChange()).directories).toEqual([id]);
  });

  it('is shown as coming while it is copied, and stays when it is called back', async () => {
    const disk = simulatedDisk(3);
    await start(disk, { t: 1 });
    const sent = await values(3);
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    disk.before = (step, path) => (step === 'sync' && path.includes('-future/') ? held : undefined);
    expect(await move('/b')).toBe('NONE');
    await settled();
    expect(await places()).toEqual(['/a', '/b (coming)']);
    expect(await move('/a')).toBe('NONE');
    release();
    await settled();
    expect(await places()).toEqual(['/a']);
    expect(await folders(disk, '/b')).toEqual([]);
    expect(await fetchFrom(0)).toEqual(sent);
    expect(scene.book.at('warn')).toEqual([]);
  });

  it('is not shown as coming any more when it is there, though the old one is not yet gone', async () => {
    const disk = simulatedDisk(3);
    await start(disk, { t: 1 });
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    disk.before = (step, path) => (step === 'rename' && path === '/a/t-0' ? held : undefined);
    expect(await move('/b')).toBe('NONE');
    await settled();
    expect(await places()).toEqual(['/b']);
    release();
    await settled();
    expect(await places()).toEqual(['/b']);
  });

  it('goes with its topic when that is deleted on the way', async () => {
    const disk = simulatedDisk(3);
    await start(disk, { t: 1 });
    await values(3);
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    disk.before = (step, path) => (step === 'sync' && path.includes('-future/') ? held : undefined);
    expect(await move('/b')).toBe('NONE');
    await settled();
    const deleted = scene.send(Apis.DeleteTopics, { topics: [{ name: 't' }], timeoutMs: 1000 });
    await settled();
    release();
    await deleted;
    await settled();
    expect(await places()).toEqual([]);
    expect(
      [...(await folders(disk, '/a')), ...(await folders(disk, '/b'))].filter((name) => !name.endsWith('-delete')),
    ).toEqual([]);
    expect([scene.book.at('warn'), scene.book.at('error')]).toEqual([[], []]);
  });

  it('stays where it is when the other directory fails', async () => {
    const disk = simulatedDisk(3);
    await start(disk, { t: 1 });
    const sent = await values(3);
    disk.faults.inject({ step: 'sync', code: 'EIO', path: /^\/b\// });
    expect(await move('/b')).toBe('NONE');
    await settled();
    expect(await places()).toEqual(['/a']);
    expect(await fetchFrom(0)).toEqual(sent);
    expect(scene.book.at('warn').join()).toContain('t-0 cannot be moved to /b');
    expect(await move('/b')).toBe('KAFKA_STORAGE_ERROR');
  });
});

describe('a replica whose copy is complete, when the directory fails that it goes to', () => {
  it.each(['rename', 'syncDirectory'] as const)(
    'is served by nobody before the next start finds it once (%s)',
    async (step) => {
      const disk = simulatedDisk(3);
      await start(disk, { t: 1 });
      const sent = await values(3);
      const fault = { step, code: 'EIO', failCount: 1, path: step === 'rename' ? /-future$/ : /^\/b$/ } as const;
      disk.before = (next, path) => {
        if (next !== 'rename' || !/-future$/.test(path)) return;
        disk.before = () => {};
        disk.faults.inject(fault);
      };
      expect(await move('/b')).toBe('NONE');
      await settled();
      expect(nameOf((await scene.produce('t', batchOf(['lost']))).errorCode)).toBe('KAFKA_STORAGE_ERROR');
      expect(scene.book.at('error').join()).toContain(
        'It answers KAFKA_STORAGE_ERROR until the broker is started again',
      );
      await scene.close();
      await start(disk.kill());
      expect((await places()).length).toBe(1);
      expect(await fetchFrom(0)).toEqual(sent);
      expect((await scene.produce('t', batchOf(['next']))).errorCode).toBe(0);
    },
  );
});

describe('what is asked', () => {
  it.each([
    ['/a', 't', 0, 'NONE'],
    ['/a', 't', 7, 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['/a', 'nope', 0, 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['/nowhere', 't', 0, 'LOG_DIR_NOT_FOUND'],
    ['/a/', 't', 0, 'LOG_DIR_NOT_FOUND'],
    ['/a', '__cluster_metadata', 0, 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['/a', 'x'.repeat(215), 0, 'INVALID_TOPIC_EXCEPTION'],
  ])('for %s and %s-%d gets what Apache Kafka answers', async (path, topic, partition, error) => {
    await start(undefined, { t: 1 });
    expect(await move(path, topic, partition)).toBe(error);
  });
});

it('a directory that is cordoned gets none, and of a partition that is named twice the last one counts', async () => {
  const cordoned = { ...config, 'cordoned.log.dirs': '/b' };
  scene = await Scene.start({ disk: simulatedDisk(3), topics: { t: 1 }, config: cordoned });
  expect([await move('/b'), await move('/a')]).toEqual(['INVALID_REPLICA_ASSIGNMENT', 'NONE']);
  const topics = [{ name: 't', partitions: [0] }];
  const dirs = ['/a', '/nowhere'].map((path) => ({ path, topics }));
  const { results } = await scene.send(Apis.AlterReplicaLogDirs, { dirs });
  expect(results).toMatchObject([{ topicName: 't', partitions: [{ errorCode: Errors.LOG_DIR_NOT_FOUND.code }] }]);
  expect(results[0].partitions).toHaveLength(1);
});

describe('a broker that ends on the way', () => {
  it.each(['killed', 'cut off its power'])(
    'finds the replica once, with all its records, wherever it is %s',
    async (how) => {
      const disk = simulatedDisk(3);
      await start(disk, { t: 1 });
      const sent = await values(3);
      const disks: SimulatedDisk[] = [];
      disk.before = (step, path) => {
        if (step !== 'read' && step !== 'open' && /\/t-0|\/b\//.test(path))
          disks.push(how === 'killed' ? disk.kill() : disk.crash(disks.length));
      };
      expect(await move('/b')).toBe('NONE');
      await settled();
      disk.before = () => {};
      expect(await places()).toEqual(['/b']);
      const found = new Set<string>();
      for (const [step, left] of [...disks, disk.kill()].entries()) {
        await scene.close();
        await start(left);
        await settled();
        const [place, ...more] = await places();
        expect([step, more, await fetchFrom(0)]).toEqual([step, [], sent]);
        found.add(place);
        expect(scene.book.at('error')).toEqual([]);
        expect(
          [...(await folders(left, '/a')), ...(await folders(left, '/b'))].filter((name) => /future/.test(name)),
        ).toEqual([]);
      }
      expect([...found]).toEqual(['/a', '/b']);
      expect(disks.length).toBeGreaterThan(20);
    },
  );
});

/** Values of all records from an offset on. */
async function fetchFrom(fetchOffset: number): Promise<string[]> {
  const topics = [{ topic: 't', partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1_000_000 }] }];
  const { responses } = await scene.send(Apis.Fetch, { maxWaitMs: 0, topics }, 12);
  const { errorCode, records } = responses[0].partitions[0];
  expect(errorCode).toBe(Errors.NONE.code);
  const found: string[] = [];
  for (const { position, header } of batches(records ?? Buffer.alloc(0))) {
    if (header.isControl) continue;
    const cursor = readRecords(records!, position, { decompressedBytesMax: 1_000_000 });
    for (let record = cursor.next(); record !== undefined; record = cursor.next()) found.push(String(record.value));
  }
  return found;
}

/** The last change of a partition in the metadata log. */
async function lastChange(): Promise<{ directories?: unknown }> {
  const bytes = (await scene.disk.readFile('/a/__cluster_metadata-0/00000000000000000000.log'))!;
  let last: { directories?: unknown } = {};
  for (const { position, header } of batches(bytes)) {
    if (header.isControl) continue;
    const cursor = readRecords(bytes, position, { decompressedBytesMax: 1_000_000 });
    for (let record = cursor.next(); record !== undefined; record = cursor.next()) {
      const { name, body } = decodeMetadataRecord(record.value!);
      if (name === 'PartitionChangeRecord') last = body as { directories?: unknown };
    }
  }
  return last;
}
