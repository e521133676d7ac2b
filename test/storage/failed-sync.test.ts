/**
 * A failed fdatasync leaves bytes that programs see and that are not on the disk, called clean: the next fdatasync of the same file
 * succeeds and writes none of them, whoever asks for it. So a start that finds them must not count on them, and a power cut later must
 * not take with them what was acknowledged on top.
 */
import { expect, test } from '@jest/globals';
import { METADATA_TOPIC_ID } from '#core';
import { type Durability, type PartitionLog, simulatedDisk } from '#storage';
import { batchOf, openScene, readValues, type Scene, smallConfig, TOPIC_ID } from './scene.ts';

const config = smallConfig({ 'segment.bytes': 4000 });

function append(log: PartitionLog, value: string): void {
  const options = { leaderEpoch: 0, origin: 'coordinator', requiresSync: true } as const;
  expect(log.append(batchOf([value.padEnd(1200)]), options).error).toBeUndefined();
}

async function isDurable({ clock }: Scene, log: PartitionLog): Promise<boolean> {
  let answer = false;
  log.whenDurable(log.logEndOffset, (error) => {
    answer = error === undefined;
  });
  await clock.advance(10);
  return answer;
}

async function values(log: PartitionLog): Promise<string[]> {
  return (await readValues(log)).map((value) => value.trim());
}

const cases: [what: string, topic: string, topicId: string, durability: Durability, lostCount: number][] = [
  ['a batch', 'orders', TOPIC_ID, 'sync', 1],
  ['many segments', 'orders', TOPIC_ID, 'sync', 20],
  ['a batch of the metadata log, among logs that are not synced', '__cluster_metadata', METADATA_TOPIC_ID, 'os', 1],
];

test.each(cases)(
  'what is acknowledged behind %s that no sync took is there after a power cut',
  async (_what, topic, topicId, durability, lostCount) => {
    const disk = simulatedDisk(7);
    const scene = await openScene({ disk, durability });
    const log = scene.directory.create(topic, 0, topicId, config);
    for (const value of ['a', 'b']) append(log, value);
    expect(await isDurable(scene, log)).toBe(true);
    await scene.clock.advance(6000);
    disk.faults.inject({ step: 'sync', code: 'EIO', path: /\.log$/ });
    for (let n = 0; n < lostCount; n++) append(log, `lost ${n}`);
    expect(await isDurable(scene, log)).toBe(false);
    expect(scene.directory.failure).toBeDefined();

    const nextDisk = disk.kill();
    const next = await openScene({ disk: nextDisk, durability });
    const found = next.directory.create(topic, 0, topicId, config);
    const before = await values(found);
    append(found, 'acknowledged');
    expect(await isDurable(next, found)).toBe(true);

    const last = await openScene({ disk: nextDisk.crash(), durability });
    const expected = [...before, `${before.length}=acknowledged`];
    expect(await values(last.directory.create(topic, 0, topicId, config))).toEqual(expected);
  },
);

test('a start writes nothing anew of a log that is durable to its end, and little of another', async () => {
  const disk = simulatedDisk(7);
  const scene = await openScene({ disk, durability: 'sync' });
  const [idle, busy] = ['idle', 'busy'].map((topic) => scene.directory.create(topic, 0, TOPIC_ID, smallConfig()));
  for (const log of [idle, busy]) for (let n = 0; n < 100; n++) append(log, `durable ${n}`);
  await scene.clock.advance(2000);
  append(busy, 'last');
  await scene.clock.settle();
  const killed = disk.kill();
  const written: string[] = [];
  killed.before = (step, path) => {
    if (step === 'write' && path.endsWith('.log')) written.push(path);
  };
  await openScene({ disk: killed, durability: 'sync' });
  expect(written).toEqual(['/data/busy-0/00000000000000000000.log']);
});
