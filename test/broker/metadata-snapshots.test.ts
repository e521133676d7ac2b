/** Our own snapshots of the metadata log: when they come, what they replace, and that no power cut loses what was answered. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '#core';
import { Apis, batches, decodeMetadataRecord, readRecords } from '#protocol';
import { type Disk, memoryDisk, type SimulatedDisk, simulatedDisk } from '#storage';
import { features } from '../../src/broker/controller/index.ts';
import { Scene } from './scene.ts';

const FOLDER = '/data/__cluster_metadata-0';
const OFTEN = { 'metadata.log.max.record.bytes.between.snapshots': 1000 };
const NARROW = {
  ...OFTEN,
  'metadata.max.retention.bytes': 1000,
  'metadata.log.segment.ms': 1000,
  'log.retention.check.interval.ms': 1000,
  'file.delete.delay.ms': 1000,
};
const HOUR_MS = 3_600_000;

let scene: Scene | undefined;

afterEach(async () => {
  await scene?.close();
  scene = undefined;
});

async function snapshots(disk: Disk): Promise<string[]> {
  const names = (await disk.list(FOLDER)).map(({ name }) => name);
  return names.filter((name) => name.includes('checkpoint') && name !== 'leader-epoch-checkpoint').sort();
}

async function topicNames(from: Scene): Promise<string[]> {
  const { topics } = await from.send(Apis.Metadata, { topics: null });
  return topics.map(({ name }) => name!).sort();
}

async function createMany(target: Scene, count: number, prefix = 't'): Promise<string[]> {
  const names = Array.from({ length: count }, (_, index) => `${prefix}${index}`);
  for (const name of names) {
    await target.createTopics({ [name]: 1 });
    await target.clock.settle();
  }
  return names.sort();
}

async function restart(): Promise<void> {
  const { disk } = scene!;
  await scene!.close();
  scene = await Scene.start({ disk, config: OFTEN });
}

describe('a snapshot', () => {
  it('is written when enough records have come, and again after as many', async () => {
    scene = await Scene.start({ config: OFTEN });
    expect(await snapshots(scene.disk)).toEqual([]);
    await createMany(scene, 30);
    const [first, ...others] = await snapshots(scene.disk);
    expect(first).toMatch(/^0{18}\d\d-0000000001\.checkpoint$/);
    expect(others.length).toBeGreaterThan(0);
    expect(scene.book.at('warn')).toEqual([]);
  });

  it('is written after the interval when anything is new, and not again when nothing is', async () => {
    scene = await Scene.start();
    await scene.clock.advance(HOUR_MS + 1);
    await scene.clock.settle();
    const first = await snapshots(scene.disk);
    expect(first).toHaveLength(1);
    await scene.clock.advance(10 * HOUR_MS);
    await scene.clock.settle();
    expect(await snapshots(scene.disk)).toEqual(first);
    await scene.createTopics({ more: 1 });
    await scene.clock.advance(HOUR_MS + 1);
    await scene.clock.settle();
    expect(await snapshots(scene.disk)).toHaveLength(2);
  });

  it('is never written by time when the interval is 0', async () => {
    scene = await Scene.start({ config: { 'metadata.log.max.snapshot.interval.ms': 0 } });
    await scene.clock.advance(5 * HOUR_MS);
    await scene.clock.settle();
    expect(await snapshots(scene.disk)).toEqual([]);
  });

  it('gives the next start all that the log gave: topics, configs, features, producer ids', async () => {
    scene = await Scene.start({ config: OFTEN });
    const names = await createMany(scene, 20);
    const configs = [{ name: 'retention.ms', value: '77', configOperation: 0 }];
    const resources = [{ resourceType: 2, resourceName: 't3', configs }];
    await scene.send(Apis.IncrementalAlterConfigs, { resources });
    await scene.send(Apis.DeleteTopics, { topics: [{ name: 't4' }], timeoutMs: 1000 });
    const ids = await scene.topicId('t5');
    const { producerId } = await scene.send(Apis.InitProducerId, { transactionalId: null, transactionTimeoutMs: 1 });
    await createMany(scene, 12, 'u');
    await restart();
    expect(await topicNames(scene)).toEqual(
      [...names.filter((name) => name !== 't4'), ...Array.from({ length: 12 }, (_, n) => `u${n}`)].sort(),
    );
    expect(await scene.topicId('t5')).toBe(ids);
    const later = await scene.send(Apis.InitProducerId, { transactionalId: null, transactionTimeoutMs: 1 });
    expect(later.producerId).toBeGreaterThan(producerId);
    const { results } = await scene.send(Apis.DescribeConfigs, {
      resources: [{ resourceType: 2, resourceName: 't3', configurationKeys: ['retention.ms'] }],
    });
    expect(results[0].configs[0].value).toBe('77');
  });

  it('begins with its header, ends with its footer, and has each topic before its partitions', async () => {
    scene = await Scene.start({ config: OFTEN });
    await createMany(scene, 12);
    const [name] = await snapshots(scene.disk);
    const bytes = (await scene.disk.readFile(`${FOLDER}/${name}`))!;
    const kinds: string[] = [];
    let offset = 0;
    for (const { position, header } of batches(bytes)) {
      expect(header.baseOffset).toBe(offset);
      expect(header.partitionLeaderEpoch).toBe(1);
      const cursor = readRecords(bytes, position, { decompressedBytesMax: 100_000 });
      for (let record = cursor.next(); record !== undefined; record = cursor.next(), offset++) {
        kinds.push(
          header.isControl ? `control ${record.key!.readInt16BE(2)}` : decodeMetadataRecord(record.value!).name,
        );
      }
    }
    expect(kinds.slice(0, 4 + features.length)).toEqual([
      'control 3',
      ...features.map(() => 'FeatureLevelRecord'),
      'RegisterBrokerRecord',
      'TopicRecord',
      'PartitionRecord',
    ]);
    expect(kinds.at(-1)).toBe('control 4');
  });

  it('that a stop left unfinished is taken away', async () => {
    const disk = memoryDisk();
    scene = await Scene.start({ disk });
    await scene.close();
    disk.openSync(`${FOLDER}/00000000000000000009-0000000001.checkpoint.part`, { create: true }).close();
    scene = await Scene.start({ disk });
    expect(await snapshots(disk)).toEqual([]);
  });

  it('that the disk refuses is told once, and comes with the next occasion', async () => {
    const disk = simulatedDisk();
    scene = await Scene.start({ disk, config: OFTEN });
    const heal = disk.faults.inject({ step: 'rename', code: 'EIO', path: /checkpoint\.part$/, failCount: 1 });
    await createMany(scene, 30);
    heal();
    expect(scene.book.at('warn')).toEqual([
      expect.stringMatching(/^No snapshot of the metadata could be written in .*i\/o error/),
    ]);
    expect((await snapshots(disk)).length).toBeGreaterThan(0);
  });
});

describe('what snapshots cover', () => {
  it('goes from the log: it starts at the oldest snapshot that is left', async () => {
    scene = await Scene.start({ config: NARROW });
    const names: string[] = [];
    for (const prefix of ['a', 'b', 'c']) {
      names.push(...(await createMany(scene, 20, prefix)));
      await scene.clock.advance(61_000);
      await scene.clock.settle();
    }
    const files = (await scene.disk.list(FOLDER)).map(({ name }) => name).filter((name) => name.endsWith('.log'));
    expect(files.length).toBeGreaterThan(0);
    expect(files).not.toContain(`${'0'.repeat(20)}.log`);
    const kept = await snapshots(scene.disk);
    expect(kept.length).toBeLessThan(4);
    await restart();
    expect(await topicNames(scene)).toEqual(names);
    expect(Number(kept[0].slice(0, 20))).toBeGreaterThan(30);
  });

  it('stays while it is neither too old nor too much', async () => {
    scene = await Scene.start({
      config: { ...OFTEN, 'metadata.max.retention.ms': -1, 'metadata.max.retention.bytes': -1 },
    });
    await createMany(scene, 60);
    await scene.clock.advance(5 * HOUR_MS);
    await scene.clock.settle();
    expect((await snapshots(scene.disk)).length).toBeGreaterThan(5);
  });

  it('goes by age, but for the newest snapshot', async () => {
    scene = await Scene.start({ config: { 'metadata.max.retention.ms': 3 * HOUR_MS } });
    for (let hour = 0; hour < 12; hour++) {
      await scene.createTopics({ [`t${hour}`]: 1 });
      await scene.clock.advance(HOUR_MS + 1);
      await scene.clock.settle();
    }
    expect((await snapshots(scene.disk)).length).toBeLessThan(6);
    await restart();
    expect(await topicNames(scene!)).toHaveLength(12);
  });
});

describe('a power cut at any step of the disk, while topics come and go and snapshots are written', () => {
  interface Cut {
    readonly disk: SimulatedDisk;
    readonly created: readonly string[];
    readonly begun: readonly string[];
    readonly deleted: readonly string[];
    readonly deleting: readonly string[];
  }

  it('loses no topic that was answered, brings none back, and leaves a folder that starts', async () => {
    const disk = simulatedDisk(3);
    const clock = new ManualClock();
    const cuts: Cut[] = [];
    const state = { created: [] as string[], begun: [] as string[], deleted: [] as string[], deleting: [] as string[] };
    let step = 0;
    scene = await Scene.start({ disk, clock, config: NARROW });
    disk.before = (_, path) => {
      if (!path.startsWith(FOLDER) && !path.includes('log-start-offset')) return;
      const { created, begun, deleted, deleting } = state;
      cuts.push({
        disk: disk.crash(step++),
        created: [...created],
        begun: [...begun],
        deleted: [...deleted],
        deleting: [...deleting],
      });
    };
    for (let index = 0; index < 18; index++) {
      const name = `t${index}`;
      state.begun.push(name);
      await scene.createTopics({ [name]: 1 });
      state.created.push(name);
      if (index % 5 === 4) {
        const gone = `t${index - 2}`;
        state.deleting.push(gone);
        await scene.send(Apis.DeleteTopics, { topics: [{ name: gone }], timeoutMs: 1000 });
        state.deleted.push(gone);
      }
      if (index % 7 === 6) await clock.advance(2000);
      await clock.settle();
    }
    disk.before = () => {};
    await scene.close();
    scene = undefined;
    const kinds = new Set<string>();
    for (const cut of cuts) {
      const again = await Scene.start({ disk: cut.disk, config: NARROW });
      const names = await topicNames(again);
      for (const name of cut.created) if (!cut.deleting.includes(name)) expect(names).toContain(name);
      for (const name of names) expect(cut.begun).toContain(name);
      for (const name of cut.deleted) expect(names).not.toContain(name);
      const folders = (await cut.disk.list('/data')).map((entry) => entry.name);
      for (const name of cut.deleted) expect(folders).not.toContain(`${name}-0`);
      kinds.add(`${(await snapshots(cut.disk)).length}`);
      await again.close();
    }
    expect(cuts.length).toBeGreaterThan(100);
    expect(kinds.size).toBeGreaterThan(2);
  }, 600_000);
});
