/** What clients of a real broker see of several log directories, and of one that fails. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Deferred } from '#core';
import { Apis, batches, decodeMetadataRecord, Errors, readRecords } from '#protocol';
import { type SimulatedDisk, simulatedDisk } from '#storage';
import { batchOf, Scene } from './scene.ts';

const STORAGE_ERROR = Errors.KAFKA_STORAGE_ERROR.code;

let scene: Scene | undefined;
let disk: SimulatedDisk;

afterEach(async () => {
  await scene?.close();
  scene = undefined;
});

type Config = Record<string, unknown>;

async function start(on: SimulatedDisk = simulatedDisk(3), config: Config = {}): Promise<Scene> {
  disk = on;
  scene = await Scene.start({
    disk,
    config: { 'log.dirs': '/a,/b', 'springtide.broker.durability': 'sync', ...config },
  });
  return scene;
}

/** Starts again on what the disk holds. */
async function restart(config: Config = {}): Promise<Scene> {
  await scene!.close();
  return start(disk.kill(), config);
}

async function folders(path: string): Promise<string[]> {
  return (await disk.list(path))
    .map(({ name }) => name)
    .filter((name) => /^[a-z]+-\d+$/.test(name))
    .sort();
}

/** The next sync in `path` fails, and with it the directory. */
async function breakDirectory(path: string, topic: string, partition: number): Promise<void> {
  disk.faults.inject({ step: 'sync', code: 'EIO', path: new RegExp(`^${path}/`) });
  const { errorCode } = await scene!.produce(topic, batchOf(['lost']), { partition });
  expect(errorCode).toBe(STORAGE_ERROR);
  await scene!.clock.settle();
}

/** `partition leader isr offline error` of each. */
async function described(topic: string): Promise<string[]> {
  const { topics } = await scene!.send(Apis.Metadata, { topics: [{ name: topic }], allowAutoTopicCreation: false });
  return topics[0].partitions.map(
    ({ partitionIndex, leaderId, isrNodes, offlineReplicas, errorCode }) =>
      `${partitionIndex} leader=${leaderId} isr=${isrNodes} offline=${offlineReplicas} error=${errorCode}`,
  );
}

async function fetched(topic: string, partition: number) {
  const partitions = [{ partition, fetchOffset: 0, partitionMaxBytes: 10_000 }];
  const { responses } = await scene!.send(Apis.Fetch, { maxWaitMs: 0, topics: [{ topic, partitions }] }, 12);
  const { errorCode, records, highWatermark } = responses[0].partitions[0];
  return { errorCode, highWatermark, values: errorCode === 0 ? valuesOf(records ?? Buffer.alloc(0)) : [] };
}

function valuesOf(records: Buffer): string[] {
  const values: string[] = [];
  for (const { position } of batches(records)) {
    const cursor = readRecords(records, position, { decompressedBytesMax: 1_000_000 });
    for (let record = cursor.next(); record !== undefined; record = cursor.next()) values.push(String(record.value));
  }
  return values;
}

/** Every metadata record of a type, as it stands in the log. */
async function metadataRecords(type: string, path = '/a'): Promise<Record<string, unknown>[]> {
  const bytes = (await disk.readFile(`${path}/__cluster_metadata-0/00000000000000000000.log`))!;
  const found: Record<string, unknown>[] = [];
  for (const { position, header } of batches(bytes)) {
    if (header.isControl) continue;
    const cursor = readRecords(bytes, position, { decompressedBytesMax: 1_000_000 });
    for (let record = cursor.next(); record !== undefined; record = cursor.next()) {
      const { name, body } = decodeMetadataRecord(record.value!);
      if (name === type) found.push(body as Record<string, unknown>);
    }
  }
  return found;
}

async function directoryId(path: string): Promise<string> {
  const text = (await disk.readFile(`${path}/meta.properties`))!.toString();
  return /directory\.id=(.*)/.exec(text)![1];
}

describe('a broker with two log directories', () => {
  it('spreads partitions over them, serves all, and finds all again', async () => {
    await start();
    await scene!.createTopics({ t: 4 });
    expect(await folders('/a')).toEqual(['t-0', 't-2']);
    expect(await folders('/b')).toEqual(['t-1', 't-3']);
    for (let partition = 0; partition < 4; partition++) {
      expect(await scene!.produce('t', batchOf([`p${partition}`]), { partition })).toMatchObject({ errorCode: 0 });
    }
    await restart();
    for (let partition = 0; partition < 4; partition++) {
      expect(await fetched('t', partition)).toMatchObject({ values: [`p${partition}`] });
    }
    expect(await described('t')).toEqual(
      [0, 1, 2, 3].map((partition) => `${partition} leader=1 isr=1 offline= error=0`),
    );
  });

  it('takes them as a list too, and has the metadata log where it is told', async () => {
    await start(simulatedDisk(3), { 'log.dirs': ['/a', '/b'], 'metadata.log.dir': '/b/' });
    expect((await disk.list('/b')).map(({ name }) => name)).toContain('__cluster_metadata-0');
    expect((await disk.list('/a')).map(({ name }) => name)).not.toContain('__cluster_metadata-0');
    await scene!.createTopics({ t: 1 });
    expect(await folders('/a')).toEqual(['t-0']);
  });

  it('writes the ids of the directories to the metadata log, as Kafka does', async () => {
    await start();
    await scene!.createTopics({ t: 2 });
    await scene!.clock.advance(10);
    const [a, b] = [await directoryId('/a'), await directoryId('/b')];
    expect(await metadataRecords('RegisterBrokerRecord')).toMatchObject([{ logDirs: [a, b] }]);
    const unassigned = ['AAAAAAAAAAAAAAAAAAAAAQ'];
    expect((await metadataRecords('PartitionRecord')).map(({ directories }) => directories)).toEqual([
      unassigned,
      unassigned,
    ]);
    expect(await metadataRecords('PartitionChangeRecord')).toMatchObject([
      { partitionId: 0, leader: -2, directories: [a] },
      { partitionId: 1, leader: -2, directories: [b] },
    ]);
  });

  it('refuses log.dirs that name nothing, or a folder twice', async () => {
    const refusal = async (dirs: unknown) => expect(Scene.start({ config: { 'log.dirs': dirs } })).rejects;
    await (await refusal('')).toThrow('must name data folders');
    await (await refusal('/a,,/b')).toThrow('log.dirs=/a,,/b must name data folders');
    await (await refusal('/a,/./a/')).toThrow('names /./a/ twice');
    await (await refusal(['./a', 'a'])).toThrow('names a twice');
  });
});

describe('when one of two log directories fails', () => {
  async function withTwo(): Promise<void> {
    await start();
    await scene!.createTopics({ t: 2 });
    for (const partition of [0, 1]) await scene!.produce('t', batchOf([`p${partition}`]), { partition });
    await scene!.clock.advance(10);
    await breakDirectory('/b', 't', 1);
  }

  it('its partitions answer KAFKA_STORAGE_ERROR and have no leader; the others go on', async () => {
    await withTwo();
    expect((await scene!.produce('t', batchOf(['x']), { partition: 1 })).errorCode).toBe(STORAGE_ERROR);
    expect((await fetched('t', 1)).errorCode).toBe(STORAGE_ERROR);
    expect(await described('t')).toEqual([
      '0 leader=1 isr=1 offline= error=0',
      `1 leader=-1 isr=1 offline=1 error=${Errors.LEADER_NOT_AVAILABLE.code}`,
    ]);
    const { topics } = await scene!.send(Apis.DescribeTopicPartitions, { topics: [{ name: 't' }], cursor: null });
    expect(topics[0].partitions[1]).toMatchObject({ errorCode: 0, leaderId: -1, offlineReplicas: [1] });
    expect(await scene!.produce('t', batchOf(['more']))).toMatchObject({ errorCode: 0, baseOffset: 1 });
    expect(await fetched('t', 0)).toMatchObject({ errorCode: 0, values: ['p0', 'more'] });
    expect(scene!.book.at('error').join()).toContain('in /b answer KAFKA_STORAGE_ERROR');
  });

  it('the controller writes what Kafka writes', async () => {
    await withTwo();
    const [a] = [await directoryId('/a')];
    expect((await metadataRecords('PartitionChangeRecord')).at(-1)).toMatchObject({
      partitionId: 1,
      leader: -1,
      isr: null,
    });
    expect((await metadataRecords('BrokerRegistrationChangeRecord')).at(-1)).toMatchObject({ logDirs: [a], fenced: 0 });
  });

  it('new topics go to the other, and a topic may be deleted and made again', async () => {
    await withTwo();
    await scene!.createTopics({ u: 3 });
    expect(await folders('/a')).toEqual(['t-0', 'u-0', 'u-1', 'u-2']);
    const topicId = await scene!.topicId('t');
    await scene!.send(Apis.DeleteTopics, { topics: [{ name: null, topicId }], timeoutMs: 1000 });
    await scene!.createTopics({ t: 2 });
    expect(await scene!.produce('t', batchOf(['new']), { partition: 1 })).toMatchObject({
      errorCode: 0,
      baseOffset: 0,
    });
    await restart();
    await scene!.clock.advance(100);
    expect(await fetched('t', 1)).toMatchObject({ values: ['new'] });
    expect(await folders('/b')).toEqual([]);
  });

  it('a start without it serves the rest, and one with it serves everything', async () => {
    await withTwo();
    await scene!.close();
    const left = disk.kill();
    left.faults.inject({ step: 'read', code: 'EIO', path: /^\/b/ });
    await start(left);
    expect((await scene!.produce('t', batchOf(['x']), { partition: 1 })).errorCode).toBe(STORAGE_ERROR);
    expect((await fetched('t', 1)).errorCode).toBe(STORAGE_ERROR);
    expect((await described('t'))[1]).toContain('leader=-1 isr=1 offline=1');
    expect(await scene!.produce('t', batchOf(['y']))).toMatchObject({ errorCode: 0 });
    expect(scene!.book.at('error').join()).toMatch(
      /\/b cannot be opened.*1 partitions are in the log directory with directory\.id=/,
    );
    await restart();
    expect((await fetched('t', 1)).values[0]).toBe('p1');
    expect(await fetched('t', 0)).toMatchObject({ values: ['p0', 'y'] });
    expect(await described('t')).toEqual(['0 leader=1 isr=1 offline= error=0', '1 leader=1 isr=1 offline= error=0']);
    expect(await scene!.produce('t', batchOf(['z']), { partition: 1 })).toMatchObject({ errorCode: 0 });
  });

  it('a directory that is empty in its place gets none of its partitions: they wait for the right one', async () => {
    await withTwo();
    await scene!.close();
    const withB = disk.kill();
    const without = disk.kill();
    await without.remove('/b');
    await start(without);
    expect((await fetched('t', 1)).errorCode).toBe(STORAGE_ERROR);
    expect((await described('t'))[1]).toContain('leader=-1 isr=1 offline=1');
    expect(await folders('/b')).toEqual([]);
    await scene!.createTopics({ u: 1 });
    expect(await folders('/b')).toEqual(['u-0']);
    await scene!.close();
    await start(withB);
    expect((await fetched('t', 1)).values[0]).toBe('p1');
  });

  it('unclean.leader.election.enable lets what it held begin anew, empty, but not while it is only away', async () => {
    await withTwo();
    await scene!.close();
    const allow = () => {
      const configs = [{ name: 'unclean.leader.election.enable', configOperation: 0, value: 'true' }];
      const resources = [{ resourceType: 2, resourceName: 't', configs }];
      return scene!.send(Apis.IncrementalAlterConfigs, { resources, validateOnly: false });
    };
    const [away, goneToo] = [disk.kill(), disk.kill()];
    away.faults.inject({ step: 'read', code: 'EIO', path: /^\/b/ });
    await start(away);
    await allow();
    expect((await scene!.produce('t', batchOf(['x']), { partition: 1 })).errorCode).toBe(STORAGE_ERROR);
    await scene!.close();
    const gone = away.kill();
    for (const each of [gone, goneToo]) await each.remove('/b');
    // Allowed before the start, and while it runs.
    await start(gone, { 'log.dirs': '/a' });
    await scene!.clock.advance(10);
    expect(await fetched('t', 1)).toMatchObject({ errorCode: 0, values: [] });
    await scene!.close();
    await start(goneToo, { 'log.dirs': '/a,/c' });
    expect((await fetched('t', 1)).errorCode).toBe(STORAGE_ERROR);
    await allow();
    await scene!.clock.advance(10);
    expect(await described('t')).toEqual(['0 leader=1 isr=1 offline= error=0', '1 leader=1 isr=1 offline= error=0']);
    expect(await scene!.produce('t', batchOf(['new']), { partition: 1 })).toMatchObject({
      errorCode: 0,
      baseOffset: 0,
    });
    expect(await fetched('t', 0)).toMatchObject({ values: ['p0'] });
    expect(scene!.book.at('error').join()).toContain('t-1 begins anew, empty');
  });

  it('a partition that it held, and that the controller was not told of in time, is not made anew elsewhere', async () => {
    await start();
    const held = new Deferred<void>();
    let isHeld = false;
    disk.before = (step, path) => {
      if (step === 'makeDirectory' && path === '/b/t-1') isHeld = true;
      return isHeld && step === 'sync' && path.startsWith('/a/__cluster') ? held.promise : undefined;
    };
    await scene!.createTopics({ t: 2 });
    expect(await scene!.produce('t', batchOf(['kept']), { partition: 1 })).toMatchObject({ errorCode: 0 });
    const cut = disk.crash();
    held.resolve();
    await scene!.close();
    const left = cut.kill();
    left.faults.inject({ step: 'read', code: 'EIO', path: /^\/b/ });
    await start(left);
    expect(await metadataRecords('PartitionChangeRecord')).not.toContainEqual(
      expect.objectContaining({ partitionId: 1, directories: expect.anything() }),
    );
    expect((await scene!.produce('t', batchOf(['x']), { partition: 1 })).errorCode).toBe(STORAGE_ERROR);
    expect(await folders('/a')).not.toContain('t-1');
    await restart();
    expect(await fetched('t', 1)).toMatchObject({ values: ['kept'] });
  });

  it('the controller hears of it as soon as the metadata log can be written', async () => {
    await start();
    await scene!.createTopics({ t: 2 });
    await scene!.clock.advance(10);
    const end = disk.faults.inject({ step: 'write', code: 'ENOSPC', path: /^\/a\/__cluster/ });
    await breakDirectory('/b', 't', 1);
    await scene!.clock.advance(5000);
    expect((await described('t'))[1]).toContain('leader=1');
    end();
    for (let second = 0; second < 4; second++) await scene!.clock.advance(1000);
    expect((await described('t'))[1]).toContain('leader=-1 isr=1 offline=1');
  });

  it('groups whose coordinator lay there find none, others go on', async () => {
    await start(simulatedDisk(3), { 'offsets.topic.num.partitions': 2 });
    await scene!.createTopics({ t: 1 });
    const find = async () => {
      const keys = Array.from({ length: 8 }, (_, index) => `group-${index}`);
      const { coordinators } = await scene!.send(Apis.FindCoordinator, { keyType: 0, coordinatorKeys: keys });
      return coordinators.map(({ errorCode }) => errorCode);
    };
    expect(new Set(await find())).toEqual(new Set([0]));
    disk.faults.inject({ step: 'sync', code: 'EIO', path: /^\/b\// });
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 1 }] }];
    for (let index = 0; index < 8; index++) {
      await scene!.send(Apis.OffsetCommit, { groupId: `group-${index}`, generationIdOrMemberEpoch: -1, topics }, 8);
    }
    await scene!.clock.settle();
    expect(new Set(await find())).toEqual(new Set([0, Errors.COORDINATOR_NOT_AVAILABLE.code]));
  });

  it('nothing is served any more when it has the metadata log, and the log says so', async () => {
    await start();
    await scene!.createTopics({ t: 2 });
    await breakDirectory('/a', 't', 0);
    expect((await scene!.produce('t', batchOf(['x']), { partition: 1 })).errorCode).toBe(STORAGE_ERROR);
    await expect(scene!.createTopics({ u: 1 })).rejects.toThrow();
    expect(scene!.book.at('fatal').join()).toContain('/a holds the metadata log: nothing is served any more');
  });
});

it('a folder that was moved to another log directory while the broker was stopped is served from there', async () => {
  await start();
  await scene!.createTopics({ t: 2 });
  await scene!.produce('t', batchOf(['a']));
  await scene!.clock.advance(10);
  await scene!.close();
  await disk.rename('/a/t-0', '/b/t-0');
  await start(disk.kill());
  await scene!.clock.advance(10);
  expect(await fetched('t', 0)).toMatchObject({ values: ['a'] });
  const { partitionId, directories } = (await metadataRecords('PartitionChangeRecord')).at(-1)!;
  expect({ partitionId, directories }).toEqual({ partitionId: 0, directories: [await directoryId('/b')] });
});

it('one data folder becomes two: what was there stays, what is new goes to the new one', async () => {
  await start(simulatedDisk(3), { 'log.dirs': '/a' });
  await scene!.createTopics({ t: 2 });
  await scene!.produce('t', batchOf(['a']));
  await restart();
  await scene!.createTopics({ u: 2 });
  expect(await folders('/a')).toEqual(['t-0', 't-1']);
  expect(await folders('/b')).toEqual(['u-0', 'u-1']);
  expect(await fetched('t', 0)).toMatchObject({ values: ['a'] });
});

it('a folder whose meta.properties was written again by hand, without its directory.id, is served', async () => {
  await start(simulatedDisk(3), { 'log.dirs': '/a' });
  await scene!.createTopics({ t: 1 });
  await scene!.produce('t', batchOf(['a']));
  await scene!.close();
  const file = disk.openSync('/a/meta.properties', { create: false });
  file.truncateSync(0);
  file.writeSync([Buffer.from(`version=1\ncluster.id=${scene!.broker.clusterId}\nnode.id=1\n`)], 0);
  file.close();
  await start(disk.kill(), { 'log.dirs': '/a' });
  await scene!.clock.advance(10);
  expect(await fetched('t', 0)).toMatchObject({ values: ['a'] });
  expect(await described('t')).toEqual(['0 leader=1 isr=1 offline= error=0']);
  expect(await scene!.produce('t', batchOf(['b']))).toMatchObject({ errorCode: 0, baseOffset: 1 });
});
