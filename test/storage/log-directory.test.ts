import { describe, expect, test } from '@jest/globals';
import { isUuid, ManualClock } from '#core';
import type { MemoryDisk } from '#storage';
import { diskError, FailingDisk } from './failing-disk.ts';
import { fileBytes, fileNames, putFile } from './golden-folder.ts';
import { appendValues, batchOf, createLog, openScene, readValues, START_MS, smallConfig, TOPIC_ID } from './scene.ts';

const OTHER_ID = 'C1Ao3MDxTFmdIhtxZNjT2w';

describe('a new log directory', () => {
  test('says whose it is in the words of Kafka', async () => {
    const { disk, directory } = await openScene({
      clusterId: '_P5qSVg7TMSk7xRD7SPo_A',
      clock: new ManualClock(1795252096000),
    });
    expect((await fileBytes(disk, '/data/meta.properties')).toString()).toBe(
      `#\n#Sat Nov 21 09:08:16 UTC 2026\nnode.id=1\ndirectory.id=${directory.directoryId}\nversion=1\ncluster.id=_P5qSVg7TMSk7xRD7SPo_A\n`,
    );
    expect(isUuid(directory.directoryId)).toBe(true);
  });

  test('keeps its identity, and gets one of its own when none is given', async () => {
    const { disk, directory } = await openScene();
    await directory.close();
    const again = await openScene({ disk });
    expect(isUuid(directory.clusterId)).toBe(true);
    expect(again.directory.clusterId).toBe(directory.clusterId);
    expect(again.directory.directoryId).toBe(directory.directoryId);
  });

  test('makes the folder of a partition as Kafka does', async () => {
    const scene = await openScene();
    appendValues(createLog(scene), ['a']);
    const names = await fileNames(scene.disk, '/data/orders-0');
    expect(names).toEqual(['00000000000000000000.log', 'partition.metadata']);
    await scene.directory.close();
    expect(await fileNames(scene.disk, '/data/orders-0')).toEqual([
      '00000000000000000000.index',
      '00000000000000000000.log',
      '00000000000000000000.timeindex',
      '00000000000000000001.snapshot',
      'leader-epoch-checkpoint',
      'partition.metadata',
    ]);
  });
});

describe('a log directory refuses', () => {
  const meta = (text: string) => async () => {
    const { disk, directory } = await openScene();
    await directory.close();
    putFile(disk as MemoryDisk, '/data/meta.properties', Buffer.from(text));
    return openScene({ disk, clusterId: 'mine' });
  };

  test('the data of another cluster, naming file and both ids', async () => {
    await expect(meta('version=1\ncluster.id=theirs\nnode.id=1\n')()).rejects.toThrow(/meta\.properties.*theirs.*mine/);
  });

  test('the data of another node', async () => {
    await expect(meta('version=1\ncluster.id=mine\nnode.id=4\n')()).rejects.toThrow(/node 4.*node\.id is 1/);
  });

  test.each(['', 'version=0\nbroker.id=1\n', 'version=1\nnode.id=1\n'])(
    'a meta.properties that says nothing (%j)',
    async (text) => {
      await expect(meta(text)()).rejects.toMatchObject({ code: 'CORRUPT_MESSAGE' });
    },
  );

  test('partitions without meta.properties', async () => {
    const scene = await openScene();
    createLog(scene);
    await scene.directory.close();
    await scene.disk.remove('/data/meta.properties');
    await expect(openScene({ disk: scene.disk })).rejects.toThrow(/orders-0.*meta\.properties/);
  });

  test('a partition of the same name with another topic id', async () => {
    const scene = await openScene();
    createLog(scene);
    const other = 'C1Ao3MDxTFmdIhtxZNjT2w';
    expect(() => scene.directory.create('orders', 0, other, smallConfig())).toThrow(
      expect.objectContaining({ code: 'INCONSISTENT_TOPIC_ID' }),
    );
  });
});

describe('a deleted partition', () => {
  test('is renamed at once and removed after file.delete.delay.ms; its name is free at once', async () => {
    const scene = await openScene();
    const log = createLog(scene, { 'file.delete.delay.ms': 60_000 });
    appendValues(log, ['a']);
    let heard: Error | undefined;
    log.whenDurable(5, (error) => {
      heard = error;
    });
    await scene.directory.delete('orders', 0);
    expect(heard).toBeInstanceOf(Error);
    const deleted = async () =>
      (await fileNames(scene.disk, '/data')).filter((name) => /^orders-0\.[0-9a-f]{32}-delete$/.test(name));
    expect(await deleted()).toHaveLength(1);
    const again = createLog(scene);
    expect(again.logEndOffset).toBe(0);
    await scene.clock.advance(59_999);
    expect(await deleted()).toHaveLength(1);
    await scene.clock.advance(1);
    expect(await deleted()).toEqual([]);
    expect(await fileNames(scene.disk, '/data')).toContain('orders-0');
  });

  test('is removed by the next start when the delay had no time to pass', async () => {
    const scene = await openScene();
    createLog(scene);
    await scene.directory.delete('orders', 0);
    await scene.directory.close();
    const again = await openScene({ disk: scene.disk });
    await again.clock.advance(0);
    expect((await fileNames(again.disk, '/data')).filter((name) => name.startsWith('orders'))).toEqual([]);
  });

  test('with a sync under way does not take the directory offline', async () => {
    for (let turns = 0; turns < 6; turns++) {
      const scene = await openScene({ durability: 'sync' });
      appendValues(createLog(scene, { 'segment.bytes': 200 }), ['a']);
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      if (turns % 2 === 1) await new Promise((resolve) => setImmediate(resolve));
      appendValues(createLog(scene, { 'segment.bytes': 200 }), ['b'.repeat(60)]);
      await scene.directory.delete('orders', 0);
      await scene.clock.advance(2000);
      expect(scene.directory.failure).toBeUndefined();
      await scene.directory.close();
    }
  });

  test('leaves no checkpoint to the next one of its name', async () => {
    const scene = await openScene({ durability: 'sync' });
    const old = createLog(scene);
    for (let i = 0; i < 9; i++) appendValues(old, [`old-${i}`]);
    await scene.clock.advance(1000);
    await scene.directory.delete('orders', 0);
    const log = scene.directory.create('orders', 0, OTHER_ID, smallConfig());
    appendValues(log, ['new-0']);
    await scene.clock.settle();
    appendValues(log, ['torn']);
    await scene.clock.settle();
    const killed = (scene.disk as MemoryDisk).kill();
    const bytes = Buffer.from(await fileBytes(killed, '/data/orders-0/00000000000000000000.log'));
    bytes[bytes.length - 1] ^= 1;
    putFile(killed, '/data/orders-0/00000000000000000000.log', bytes);
    const again = await openScene({ disk: killed, durability: 'sync' });
    const reopened = again.directory.create('orders', 0, OTHER_ID, smallConfig());
    expect(reopened.logEndOffset).toBe(1);
    expect(await readValues(reopened)).toEqual(['0=new-0']);
    expect(again.warnings.join()).not.toContain('lost');
  });

  test('that cannot be renamed takes the directory offline: its files must not become those of the next one', async () => {
    const disk = new FailingDisk();
    const scene = await openScene({ disk });
    appendValues(createLog(scene), ['a']);
    disk.before = (step) => {
      if (step === 'rename') throw diskError('rename');
    };
    await expect(scene.directory.delete('orders', 0)).rejects.toThrow('rename');
    expect(scene.directory.failure?.code).toBe('KAFKA_STORAGE_ERROR');
  });

  test('of a long name keeps within what file systems take', async () => {
    const scene = await openScene();
    const topic = 't'.repeat(249);
    scene.directory.create(topic, 0, TOPIC_ID, smallConfig());
    await scene.directory.delete(topic, 0);
    const [name] = (await fileNames(scene.disk, '/data')).filter((each) => each.startsWith('ttt'));
    expect(name.length).toBeLessThanOrEqual(255);
    expect(name).toMatch(/-0\.[0-9a-f]{32}-delete$/);
  });
});

describe('closing', () => {
  test('waits for what was appended, is idempotent, and refuses appends afterwards', async () => {
    const scene = await openScene({ durability: 'sync' });
    const log = createLog(scene);
    appendValues(log, ['a', 'b']);
    let isDurable = false;
    log.whenDurable(2, (error) => {
      isDurable = error === undefined;
    });
    await Promise.all([scene.directory.close(), scene.directory.close()]);
    expect(isDurable).toBe(true);
    expect(log.append(Buffer.alloc(70), { leaderEpoch: 0, origin: 'client' }).error?.name).toBe('KAFKA_STORAGE_ERROR');
    expect(() => createLog(scene, {}, 'new')).toThrow(expect.objectContaining({ code: 'CLOSED' }));
    expect(scene.clock.pendingTimerCount).toBe(0);
  });

  test('refuses what is appended while it is under way, and still ends cleanly', async () => {
    for (let turns = 0; turns < 80; turns++) {
      const scene = await openScene({ durability: 'sync' });
      const log = createLog(scene);
      appendValues(log, ['a']);
      const closing = scene.directory.close();
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      const late = log.append(batchOf(['late']), { leaderEpoch: 0, origin: 'client' });
      let lateError: Error | undefined;
      if (late.error === undefined) log.whenDurable(2, (error) => (lateError = error));
      await closing;
      const again = await openScene({ disk: scene.disk, durability: 'sync' });
      const isKept = late.error === undefined && lateError === undefined;
      expect(await readValues(createLog(again))).toEqual(isKept ? ['0=a', '1=late'] : ['0=a']);
      expect(again.warnings).toEqual([]);
      await again.directory.close();
    }
  });

  test('writes and syncs nothing for a partition that was not written to since the last stop, but for its checkpoints', async () => {
    const disk = new FailingDisk();
    const scene = await openScene({ disk, durability: 'sync' });
    for (const topic of ['idle', 'busy', 'rolled']) appendValues(createLog(scene, {}, topic), ['a', 'b']);
    await scene.directory.close();
    const again = await openScene({ disk, durability: 'sync', clock: scene.clock });
    const steps: string[] = [];
    disk.before = (step, path) => void (step !== 'read' && steps.push(`${step} ${path}`));
    createLog(again, {}, 'idle').assignEpoch(7);
    appendValues(createLog(again, {}, 'busy'), ['c']);
    createLog(again, { 'retention.bytes': 0 }, 'rolled');
    await again.clock.advance(300_000);
    await again.directory.close();
    expect(steps.filter((step) => step.includes('idle'))).toEqual([]);
    expect(steps.join()).toContain('sync /data/busy-0/00000000000000000000.index');
    const third = await openScene({ disk, durability: 'sync' });
    expect(third.warnings).toEqual([]);
    expect([...third.directory.logs()].map(({ topic, logEndOffset }) => `${topic} ${logEndOffset}`).sort()).toEqual([
      'busy 3',
      'idle 2',
      'rolled 2',
    ]);
  });

  test('writes a producer snapshot that was damaged anew, though nothing else has changed', async () => {
    const scene = await openScene();
    appendValues(createLog(scene), ['a', 'b'], { producerId: 7, producerEpoch: 0, baseSequence: 0 });
    await scene.directory.close();
    const path = '/data/orders-0/00000000000000000002.snapshot';
    const good = await fileBytes(scene.disk, path);
    putFile(scene.disk as MemoryDisk, path, Buffer.from('damaged'));
    await (await openScene({ disk: scene.disk })).directory.close();
    expect(await fileBytes(scene.disk, path)).toEqual(good);
  });

  test('stores the checkpoints and the marker in the form of Kafka', async () => {
    const scene = await openScene();
    const log = createLog(scene);
    appendValues(log, ['a', 'b']);
    await scene.clock.settle();
    log.highWatermark = 1;
    await scene.directory.close({ brokerEpoch: 42 });
    const text = async (name: string) => (await fileBytes(scene.disk, `/data/${name}`)).toString();
    expect(await text('recovery-point-offset-checkpoint')).toBe('0\n1\norders 0 2\n');
    expect(await text('replication-offset-checkpoint')).toBe('0\n1\norders 0 1\n');
    expect(await text('log-start-offset-checkpoint')).toBe('0\n0\n');
    expect(await text('.kafka_cleanshutdown')).toBe('{"version":0,"brokerEpoch":42}');
  });

  test('many partitions are there again after a start', async () => {
    const scene = await openScene();
    for (let partition = 0; partition < 60; partition++) {
      appendValues(scene.directory.create('many', partition, TOPIC_ID, smallConfig()), [`p${partition}`]);
    }
    await scene.directory.close();
    const again = await openScene({ disk: scene.disk, clock: new ManualClock(START_MS) });
    expect([...again.directory.logs()]).toHaveLength(60);
    for (const log of again.directory.logs()) expect(await readValues(log)).toEqual([`0=p${log.partition}`]);
  });
});
