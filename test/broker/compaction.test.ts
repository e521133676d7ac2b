/** The cleaner inside of a whole broker: the topic of offsets shrinks, and coordinators that read it again know the same. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Apis, errorByCode } from '#protocol';
import { type MemoryDisk, memoryDisk } from '#storage';
import { Scene } from './scene.ts';

let scene: Scene;

afterEach(() => scene?.close());

const CONFIG = {
  'offsets.topic.num.partitions': 1,
  // The least that a topic may have.
  'offsets.topic.segment.bytes': 1_048_576,
  'log.cleaner.min.cleanable.ratio': 0,
  'log.cleaner.backoff.ms': 1000,
};

/** Long, so that segments fill soon. */
function metadataOf(offset: number): string {
  return `${offset} `.padEnd(4000, 'm');
}

async function commit(groupId: string, offset: number): Promise<void> {
  const partitions = [{ partitionIndex: 0, committedOffset: offset, committedMetadata: metadataOf(offset) }];
  const response = await scene.send(Apis.OffsetCommit, { groupId, topics: [{ name: 't', partitions }] }, 9);
  expect(errorByCode(response.topics[0].partitions[0].errorCode).name).toBe('NONE');
}

async function committed(groupId: string): Promise<{ committedOffset: number; metadata: string | null }> {
  const groups = [{ groupId, topics: [{ name: 't', partitionIndexes: [0] }] }];
  const response = await scene.send(Apis.OffsetFetch, { groups }, 9);
  const { committedOffset, metadata } = response.groups[0].topics[0].partitions[0];
  return { committedOffset, metadata };
}

async function bytesOf(disk: MemoryDisk, folder: string): Promise<number> {
  let sum = 0;
  for (const { name } of await disk.list(folder)) {
    if (name.endsWith('.log')) sum += (await disk.readFile(`${folder}/${name}`))?.length ?? 0;
  }
  return sum;
}

async function clean(): Promise<void> {
  await scene.clock.advance(1000);
  for (let i = 0; i < 10; i++) await scene.clock.settle();
}

describe('the topic of offsets', () => {
  it.each(['stopped', 'killed'])(
    'is compacted, and a broker that was %s then knows every committed offset',
    async (how) => {
      const disk = memoryDisk();
      scene = await Scene.start({ disk, config: CONFIG, topics: { t: 1 } });
      await scene.send(Apis.FindCoordinator, { keyType: 0, coordinatorKeys: ['g0'] });
      for (let i = 0; i < 580; i++) await commit(`g${i % 7}`, i);
      const before = await bytesOf(disk, '/data/__consumer_offsets-0');
      await clean();
      const after = await bytesOf(disk, '/data/__consumer_offsets-0');
      expect(after).toBeLessThan(before / 3);
      await commit('g0', 1000);
      expect(scene.book.at('error')).toEqual([]);
      const left = how === 'killed' ? disk.kill() : disk;
      await scene.close();
      scene = await Scene.start({ disk: left, config: CONFIG });
      await scene.send(Apis.FindCoordinator, { keyType: 0, coordinatorKeys: ['g0'] });
      expect(await committed('g0')).toEqual({ committedOffset: 1000, metadata: metadataOf(1000) });
      for (let group = 1; group < 7; group++) {
        const last = 579 - ((579 - group) % 7);
        expect(await committed(`g${group}`)).toEqual({ committedOffset: last, metadata: metadataOf(last) });
      }
    },
  );

  it('stays as it is with log.cleaner.enable=false', async () => {
    const disk = memoryDisk();
    scene = await Scene.start({ disk, config: { ...CONFIG, 'log.cleaner.enable': false }, topics: { t: 1 } });
    await scene.send(Apis.FindCoordinator, { keyType: 0, coordinatorKeys: ['g0'] });
    for (let i = 0; i < 400; i++) await commit('g0', i);
    const before = await bytesOf(disk, '/data/__consumer_offsets-0');
    await clean();
    expect(await bytesOf(disk, '/data/__consumer_offsets-0')).toBe(before);
  });
});
