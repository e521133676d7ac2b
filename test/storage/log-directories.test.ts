import { describe, expect, test } from '@jest/globals';
import { Deferred, ManualClock, METADATA_TOPIC_ID, seededRandom } from '#core';
import {
  LogDirectories,
  type LogDirectoriesOptions,
  LogDirectory,
  type PartitionLog,
  type SimulatedDisk,
  simulatedDisk,
} from '#storage';
import { BACKOFF_MS, CLEANER } from './compaction/scene.ts';
import { fileBytes, fileNames } from './golden-folder.ts';
import { appendValues, readValues, recordingLogger, START_MS, smallConfig, TOPIC_ID } from './scene.ts';

const OTHER_ID = 'C1Ao3MDxTFmdIhtxZNjT2w';

interface Opened {
  readonly disk: SimulatedDisk;
  readonly clock: ManualClock;
  readonly directories: LogDirectories;
  readonly warnings: string[];
}

type Options = Partial<Omit<LogDirectoriesOptions, 'disk'>> & { disk?: SimulatedDisk };

async function open(options: Options = {}): Promise<Opened> {
  const disk = options.disk ?? simulatedDisk(5);
  const clock = new ManualClock(START_MS);
  const warnings: string[] = [];
  const { paths = ['/a', '/b'] } = options;
  const directories = await LogDirectories.open({
    metadataPath: paths[0],
    nodeId: 1,
    durability: 'sync',
    random: seededRandom(2),
    clock,
    ...options,
    paths,
    logger: recordingLogger(warnings),
    disk,
  });
  return { disk, clock, directories, warnings };
}

function create(directories: LogDirectories, topic: string, partition = 0, topicId = TOPIC_ID): PartitionLog {
  return directories.create(topic, partition, topicId, smallConfig());
}

async function failing(disk: SimulatedDisk, clock: ManualClock, log: PartitionLog): Promise<() => void> {
  const end = disk.faults.inject({ step: 'sync', code: 'EIO', path: new RegExp(`^${log.folder}/`) });
  appendValues(log, ['lost']);
  await clock.advance(100);
  return end;
}

const folders = async (disk: SimulatedDisk, path: string): Promise<string[]> =>
  (await fileNames(disk, path)).filter((name) => /-\d+$/.test(name));

describe('log directories of one broker', () => {
  test('have one cluster and node, and an id each, that stay', async () => {
    const { disk, directories } = await open();
    const ids = directories.onlineIds;
    expect(new Set(ids).size).toBe(2);
    for (const [index, path] of ['/a', '/b'].entries()) {
      const text = (await fileBytes(disk, `${path}/meta.properties`)).toString();
      expect(text).toContain(`cluster.id=${directories.clusterId}\n`);
      expect(text).toContain('node.id=1\n');
      expect(text).toContain(`directory.id=${ids[index]}\n`);
    }
    await directories.close();
    const again = await open({ disk });
    expect(again.directories.onlineIds).toEqual(ids);
    expect(again.directories.clusterId).toBe(directories.clusterId);
    expect(again.warnings).toEqual([]);
  });

  test('take a new, empty one among them', async () => {
    const { disk, directories } = await open({ paths: ['/a'] });
    await directories.close();
    const again = await open({ disk, paths: ['/a', '/new'] });
    expect(again.directories.onlineIds).toHaveLength(2);
    expect((await fileBytes(disk, '/new/meta.properties')).toString()).toContain(
      `cluster.id=${directories.clusterId}\n`,
    );
  });

  test('are locked, each', async () => {
    const { disk, directories } = await open();
    await expect(open({ disk })).rejects.toMatchObject({ code: 'LOCKED' });
    await directories.close({ brokerEpoch: 7 });
    for (const path of ['/a', '/b']) {
      expect((await fileBytes(disk, `${path}/.kafka_cleanshutdown`)).toString()).toBe('{"version":0,"brokerEpoch":7}');
    }
  });

  test('get a new log where the fewest are, the first of equals, and keep it there', async () => {
    const { disk, directories } = await open({ paths: ['/a', '/b', '/c'] });
    directories.metadata.create('__cluster_metadata', 0, METADATA_TOPIC_ID, smallConfig());
    for (let partition = 0; partition < 4; partition++) create(directories, 't', partition);
    expect(await folders(disk, '/a')).toEqual(['__cluster_metadata-0', 't-0', 't-3']);
    expect(await folders(disk, '/b')).toEqual(['t-1']);
    expect(await folders(disk, '/c')).toEqual(['t-2']);
    await directories.delete(directories.find('t', 0, TOPIC_ID)!);
    await directories.delete(directories.find('t', 3, TOPIC_ID)!);
    expect(create(directories, 't', 1).folder).toBe('/b/t-1');
    expect(create(directories, 'u').folder).toBe('/a/u-0');
    await directories.close();
    const again = await open({ disk, paths: ['/c', '/b', '/a'], metadataPath: '/a' });
    expect(create(again.directories, 'u').folder).toBe('/a/u-0');
    expect([...again.directories.logs()].map(({ folder }) => folder)).toEqual(['/c/t-2', '/b/t-1', '/a/u-0']);
  });

  test('keep the limits of the process together', async () => {
    const { disk, directories } = await open({ openFilesMax: 6, durability: 'os' });
    const logs = Array.from({ length: 20 }, (_, partition) => create(directories, 't', partition));
    for (const log of logs) appendValues(log, ['x'.repeat(1000)]);
    for (const log of logs) await readValues(log);
    expect(disk.openFileCount).toBeLessThanOrEqual(6);
    expect(directories.metadata.memoryBytes).toBeGreaterThan(20_000);
  });

  test('compact one log at a time', async () => {
    const { disk, clock, directories } = await open({ durability: 'os', tailBytesPerLogMax: 0, cleaner: CLEANER });
    for (const partition of [0, 1]) {
      const config = smallConfig({
        'cleanup.policy': ['compact'],
        'segment.bytes': 300,
        'min.cleanable.dirty.ratio': 0,
      });
      const log = directories.create('t', partition, TOPIC_ID, config);
      for (let n = 0; n < 20; n++) appendValues(log, [`v${n}`.padEnd(100)]);
      await clock.settle();
      log.highWatermark = log.logEndOffset;
    }
    const held = new Deferred<void>();
    const cleaned = new Set<string>();
    disk.before = (step, path) => {
      if (!path.includes('.cleaned')) return undefined;
      cleaned.add(path.slice(0, 2));
      return step === 'sync' ? held.promise : undefined;
    };
    const clean = async (): Promise<void> => {
      await clock.advance(BACKOFF_MS);
      for (let i = 0; i < 10; i++) await clock.settle();
    };
    await clean();
    expect([...cleaned]).toHaveLength(1);
    held.resolve();
    await clean();
    expect([...cleaned].sort()).toEqual(['/a', '/b']);
  });

  test('may have one for the metadata log alone, which gets no partitions', async () => {
    const { disk, directories } = await open({ paths: ['/a', '/b'], metadataPath: '/meta' });
    for (let partition = 0; partition < 4; partition++) create(directories, 't', partition);
    expect(await folders(disk, '/meta')).toEqual([]);
    expect(directories.onlineIds).toHaveLength(2);
    expect(directories.onlineIds).not.toContain(directories.metadata.directoryId);
  });

  test('find a log that was moved from one to another while nobody used them', async () => {
    const { disk, directories } = await open();
    appendValues(create(directories, 't'), ['a']);
    await directories.close();
    await disk.rename('/a/t-0', '/b/t-0');
    const again = await open({ disk });
    const log = create(again.directories, 't');
    expect(log.folder).toBe('/b/t-0');
    expect(again.directories.idOf(log)).toBe(again.directories.onlineIds[1]);
    expect(await readValues(log)).toEqual(['0=a']);
  });

  test('may hold logs of one name and different topics', async () => {
    const { directories } = await open();
    const old = create(directories, 't', 0, OTHER_ID);
    const log = create(directories, 't');
    expect([old.folder, log.folder]).toEqual(['/a/t-0', '/b/t-0']);
    expect(directories.find('t', 0, OTHER_ID)).toBe(old);
    expect(directories.find('t', 0, TOPIC_ID)).toBe(log);
    await directories.delete(old);
    expect([...directories.logs()]).toEqual([log]);
  });
});

describe('log directories that do not belong together are refused', () => {
  async function twoClosed(): Promise<SimulatedDisk> {
    const { disk, directories } = await open();
    await directories.close();
    return disk;
  }

  async function put(disk: SimulatedDisk, path: string, change: (text: string) => string): Promise<void> {
    const text = (await fileBytes(disk, path)).toString();
    const file = disk.openSync(path, { create: true });
    file.truncateSync(0);
    file.writeSync([Buffer.from(change(text))], 0);
    file.close();
  }

  test('of two clusters, naming both files', async () => {
    const disk = await twoClosed();
    await put(disk, '/b/meta.properties', (text) => text.replace(/cluster\.id=.*/, 'cluster.id=theirs'));
    const refusal = open({ disk });
    await expect(refusal).rejects.toMatchObject({ code: 'INCONSISTENT_CLUSTER_ID' });
    await expect(refusal).rejects.toThrow(
      /\/a\/meta\.properties belongs to cluster .*\/b\/meta\.properties to cluster theirs\. Take/,
    );
  });

  test('of two nodes, naming both files', async () => {
    const disk = await twoClosed();
    await put(disk, '/b/meta.properties', (text) => text.replace('node.id=1', 'node.id=2'));
    await expect(open({ disk })).rejects.toThrow(/\/a\/meta.* node 1, \/b\/meta.* node 2\. Take/);
  });

  test('of one id: one is a copy, or both are one', async () => {
    const disk = await twoClosed();
    const original = (await fileBytes(disk, '/a/meta.properties')).toString();
    await put(disk, '/b/meta.properties', () => original);
    await expect(open({ disk })).rejects.toThrow(/\/a\/meta.* and \/b\/meta.* the same directory\.id=.*copy/);
  });

  test('when the metadata log lies in another than the one named for it', async () => {
    const { disk, directories } = await open();
    directories.metadata.create('__cluster_metadata', 0, METADATA_TOPIC_ID, smallConfig());
    await directories.close();
    await expect(open({ disk, paths: ['/b', '/a'] })).rejects.toThrow(
      /\/a\/__cluster_metadata-0 .* is \/b\. Set metadata\.log\.dir=\/a/,
    );
    await expect(open({ disk, paths: ['/new', '/a', '/b'] })).rejects.toThrow('Set metadata.log.dir=/a');
    expect(await fileNames(disk, '/new')).toEqual([]);
  });

  test('when the metadata directory is new and others are not: a disk may not be mounted', async () => {
    const { disk, directories } = await open();
    await directories.close();
    await disk.remove('/a/meta.properties');
    await expect(open({ disk })).rejects.toThrow(/\/a has no meta\.properties, yet \/b\/meta.properties .*Mount/);
  });

  test('when a partition with records lies in two, naming both folders; nothing stays locked', async () => {
    const disk = await twoClosed();
    for (const path of ['/a', '/b']) {
      const alone = await LogDirectory.open({
        disk,
        path,
        nodeId: 1,
        durability: 'sync',
        clock: new ManualClock(START_MS),
        random: seededRandom(2),
        logger: recordingLogger([]),
      });
      appendValues(alone.create('t', 0, TOPIC_ID, smallConfig()), ['a']);
      await alone.close();
    }
    for (let round = 0; round < 2; round++) {
      await expect(open({ disk })).rejects.toThrow(/t-0 lies in two .*\/a\/t-0 and \/b\/t-0\. Move/);
    }
  });
});

describe('a log directory that fails', () => {
  test('goes offline alone, and serves all that it acknowledged after the next start', async () => {
    const { disk, clock, directories, warnings } = await open();
    const [one, two] = [create(directories, 't', 0), create(directories, 't', 1)];
    const failed: string[] = [];
    directories.onFailure(({ path }) => failed.push(path));
    appendValues(two, ['kept']);
    await clock.advance(100);
    const [, lostId] = directories.onlineIds;
    const end = await failing(disk, clock, two);
    expect(failed).toEqual(['/b']);
    expect(directories.failure).toBeUndefined();
    expect(directories.hasOffline).toBe(true);
    expect(directories.onlineIds).not.toContain(lostId);
    expect(warnings.join()).toMatch(/The 1 partitions in \/b answer KAFKA_STORAGE_ERROR; those in other/);
    expect(directories.find('t', 1, TOPIC_ID)).toBeUndefined();
    appendValues(one, ['a']);
    await clock.advance(100);
    expect(await readValues(one)).toEqual(['0=a']);
    expect(create(directories, 't', 2).folder).toBe('/a/t-2');
    await directories.delete(two);
    expect(await folders(disk, '/b')).toEqual(['t-1']);
    await directories.close();
    end();
    const again = await open({ disk });
    expect(again.directories.onlineIds).toContain(lostId);
    expect((await readValues(create(again.directories, 't', 1)))[0]).toBe('0=kept');
    expect(await readValues(create(again.directories, 't', 0))).toEqual(['0=a']);
  });

  test('gives its files and memory back while the others go on', async () => {
    const { disk, clock, directories } = await open({ durability: 'sync' });
    const two = [0, 1, 2, 3]
      .map((partition) => create(directories, 't', partition))
      .filter(({ folder }) => folder.startsWith('/b'));
    for (const log of two) appendValues(log, ['x'.repeat(10_000)]);
    await clock.advance(100);
    await failing(disk, clock, two[0]);
    await clock.settle();
    expect(directories.metadata.memoryBytes).toBe(0);
    await directories.close();
    expect(disk.openFileCount).toBe(0);
  });

  test('takes all down when it has the metadata log, or is the last; the log says so', async () => {
    const { disk, clock, directories, warnings } = await open();
    await failing(disk, clock, create(directories, 't'));
    expect(directories.failure?.code).toBe('KAFKA_STORAGE_ERROR');
    expect(warnings.join()).toContain('/a holds the metadata log: nothing is served any more');
    const alone = await open({ metadataPath: '/meta' });
    for (const partition of [0, 1]) {
      expect(alone.directories.failure).toBeUndefined();
      await failing(alone.disk, alone.clock, create(alone.directories, 't', partition));
    }
    expect(alone.directories.failure?.code).toBe('KAFKA_STORAGE_ERROR');
    expect(alone.warnings.join()).toContain('/b was the last log directory: nothing is served any more');
    expect(() => create(alone.directories, 'u')).toThrow(expect.objectContaining({ code: 'KAFKA_STORAGE_ERROR' }));
  });

  test('when a log is made in it, leaves the log to another one, and the half of it that is there to the next start', async () => {
    const { disk, directories } = await open({ paths: ['/a', '/b', '/c'] });
    create(directories, 't', 0);
    const end = disk.faults.inject({ step: 'open', code: 'EIO', path: /^\/b\/t-1\/.*\.log$/ });
    const log = create(directories, 't', 1);
    expect(log.folder).toBe('/c/t-1');
    appendValues(log, ['a']);
    await directories.close();
    end();
    expect(await folders(disk, '/b')).toEqual(['t-1']);
    const again = await open({ disk, paths: ['/a', '/b', '/c'] });
    expect(await readValues(create(again.directories, 't', 1))).toEqual(['0=a']);
    expect(await folders(disk, '/b')).toEqual([]);
    expect(again.warnings.join()).toContain('/b/t-1 has no records');
  });

  test('that is full gets no new log while another one has room', async () => {
    const { disk, clock, directories } = await open();
    const [one, two] = [create(directories, 't', 0), create(directories, 't', 1)];
    const end = disk.faults.inject({ step: 'write', code: 'ENOSPC', path: /^\/b\// });
    appendValues(two, ['a']);
    await clock.settle();
    expect(create(directories, 't', 2).folder).toBe('/a/t-2');
    expect(create(directories, 't', 3).folder).toBe('/a/t-3');
    expect(directories.hasOffline).toBe(false);
    end();
    await clock.advance(1000);
    expect(create(directories, 't', 4).folder).toBe('/b/t-4');
    expect(one.folder).toBe('/a/t-0');
  });
});

describe('a log directory that cannot be opened', () => {
  const cases = [
    [
      'it is a file',
      (disk: SimulatedDisk) => void disk.faults.inject({ step: 'makeDirectory', code: 'EEXIST', path: /^\/b/ }),
    ],
    [
      'its device gives errors',
      (disk: SimulatedDisk) => void disk.faults.inject({ step: 'read', code: 'EIO', path: /^\/b/ }),
    ],
    [
      'nothing may be written',
      (disk: SimulatedDisk) => void disk.faults.inject({ step: 'open', code: 'EACCES', path: /^\/b/ }),
    ],
    [
      'a partition cannot be read',
      (disk: SimulatedDisk) => void disk.faults.inject({ step: 'open', code: 'EIO', path: /t-1/ }),
    ],
  ] as const;

  test.each(cases)('because %s is offline alone, and back at the next start', async (_why, breakIt) => {
    const { disk: life, clock, directories } = await open();
    for (const partition of [0, 1]) appendValues(create(directories, 't', partition), [`p${partition}`]);
    await clock.advance(100);
    const disk = life.kill();
    const broken = disk.kill();
    breakIt(broken);
    const { directories: left, warnings } = await open({ disk: broken });
    expect(left.onlineIds).toEqual([left.metadata.directoryId]);
    expect(left.hasOffline).toBe(true);
    expect(warnings.join()).toContain('The log directory /b cannot be opened: cannot');
    expect(await readValues(create(left, 't', 0))).toEqual(['0=p0']);
    expect(left.find('t', 1, TOPIC_ID)).toBeUndefined();
    await left.close();
    const again = await open({ disk: broken.kill() });
    expect(again.directories.hasOffline).toBe(false);
    for (const partition of [0, 1]) {
      expect(await readValues(create(again.directories, 't', partition))).toEqual([`0=p${partition}`]);
    }
  });

  test('is not one that is full: it is read', async () => {
    const { disk: life, clock, directories } = await open();
    for (const partition of [0, 1]) appendValues(create(directories, 't', partition), [`p${partition}`]);
    await clock.advance(100);
    const disk = life.kill();
    disk.faults.inject({ step: 'write', code: 'ENOSPC', path: /^\/b/ });
    const again = await open({ disk });
    expect(await readValues(again.directories.find('t', 1, TOPIC_ID)!)).toEqual(['0=p1']);
  });

  test('ends the start when it has the metadata log, or no other can be opened', async () => {
    const disk = simulatedDisk(1);
    disk.faults.inject({ step: 'read', code: 'EIO', path: /^\/a/ });
    await expect(open({ disk })).rejects.toThrow('cannot read /a/meta.properties');
    expect(await fileNames(disk, '/b')).toEqual([]);
    disk.faults.inject({ step: 'read', code: 'EIO', path: /^\/b/ });
    await expect(open({ disk, metadataPath: '/meta' })).rejects.toThrow('None of log.dirs=/a,/b can be opened');
    await (await open({ disk, paths: ['/c'], metadataPath: '/meta' })).directories.close();
  });

  test('for want of room or of file handles says so, and what to do', async () => {
    const full = simulatedDisk(1);
    full.faults.capacityBytes = 0;
    await expect(open({ disk: full })).rejects.toThrow(
      /The disk of the log directory \/a is full.*Make room on the disk/,
    );
    const poor = simulatedDisk(1);
    poor.faults.openFilesMax = 0;
    await expect(open({ disk: poor })).rejects.toThrow(/may open no more files.*ulimit -n/);
  });
});
