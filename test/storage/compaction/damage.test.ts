/** The cleaner and damage: what cannot be read is not rewritten, what comes after it is compacted, and nothing that was deleted comes back. */
import { expect, test } from '@jest/globals';
import type { PartitionLog, SimulatedDisk } from '#storage';
import { readOnwards } from '../damage-scene.ts';
import { abortedFrom, endTransaction } from '../transaction-scene.ts';
import { appendKeyed, BACKOFF_MS, clean, compactedLog, keyedBatch, openCompacted } from './scene.ts';

const FOLDER = '/data/orders-0';

async function segmentContents(disk: SimulatedDisk): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { name } of await disk.list(FOLDER)) {
    if (name.endsWith('.log')) found.set(name, (await disk.readFile(`${FOLDER}/${name}`))?.toString('hex') ?? '');
  }
  return found;
}

/** `offset=value` of what can be read; a consumer steps over what is damaged. */
const readable = (log: PartitionLog): Promise<string[]> => readOnwards(log, 700);

test('a damaged segment, and those before it, stay as they are; those behind it are compacted, and it is told once', async () => {
  let scene = await openCompacted();
  const disk = scene.disk as SimulatedDisk;
  let log = compactedLog(scene, { 'delete.retention.ms': 0 });
  for (let i = 0; i < 40; i++) appendKeyed(log, [{ key: `k${i % 3}`, value: `v${i}` }]);
  await scene.directory.close();
  const names = [...(await segmentContents(disk)).keys()].sort();
  expect(names.length).toBeGreaterThan(6);
  const [, , damaged] = names;
  const base = Number.parseInt(damaged, 10);
  const file = disk.openSync(`${FOLDER}/${damaged}`, { create: false });
  file.writeSync([Buffer.from([0xee])], 80);
  file.close();
  const before = await segmentContents(disk);
  scene = await openCompacted({ disk });
  log = compactedLog(scene, { 'delete.retention.ms': 0 });
  for (let round = 0; round < 3; round++) await clean(scene);
  const after = await segmentContents(disk);
  for (const name of names.slice(0, 3)) expect(after.get(name)).toBe(before.get(name));
  const sizeOf = (contents: Map<string, string>): number => [...contents.values()].join('').length;
  expect(sizeOf(after)).toBeLessThan(sizeOf(before) / 1.5);
  const told = scene.warnings.filter((text) => text.includes('damaged'));
  expect(told).toHaveLength(1);
  expect(scene.warnings.filter((text) => text.includes('not compacted'))).toEqual([]);
  const [{ startOffset, endOffset }] = log.damage;
  expect([startOffset, endOffset - startOffset]).toEqual([expect.any(Number), 1]);
  const asked = { bytesMax: 1, endOffsetMax: 40, atLeastOneBatch: true };
  expect((await log.read(startOffset, asked)).error?.name).toBe('CORRUPT_MESSAGE');
  // What is left of each key is its last value, and all that was readable of the segments that were left alone.
  const values = await readable(log);
  for (const last of ['39=v39', '38=v38', '37=v37']) expect(values).toContain(last);
  expect(values.filter((text) => Number.parseInt(text, 10) < base)).toHaveLength(base);
  // What comes later is compacted too.
  const countBefore = values.length;
  for (let i = 40; i < 80; i++) appendKeyed(log, [{ key: `k${i % 3}`, value: `v${i}` }]);
  for (let round = 0; round < 3; round++) await clean(scene, BACKOFF_MS);
  expect((await readable(log)).length).toBeLessThan(countBefore + 20);
  expect(scene.directory.failure).toBeUndefined();
});

test('a deleted key whose old value lies in a segment that is left alone stays deleted', async () => {
  let scene = await openCompacted();
  const disk = scene.disk as SimulatedDisk;
  let log = compactedLog(scene, { 'delete.retention.ms': 0 });
  appendKeyed(log, [{ key: 'gone', value: 'old' }]);
  for (let i = 1; i < 12; i++) appendKeyed(log, [{ key: 'k', value: `v${i}` }]);
  appendKeyed(log, [{ key: 'gone', value: null }]);
  for (let i = 13; i < 30; i++) appendKeyed(log, [{ key: 'k', value: `v${i}` }]);
  await scene.directory.close();
  const [, damaged] = [...(await segmentContents(disk)).keys()].sort();
  const file = disk.openSync(`${FOLDER}/${damaged}`, { create: false });
  file.writeSync([Buffer.from([0xee])], 80);
  file.close();
  scene = await openCompacted({ disk });
  log = compactedLog(scene, { 'delete.retention.ms': 0 });
  for (let round = 0; round < 5; round++) {
    appendKeyed(log, [{ key: 'k', value: `more ${round}` }]);
    log.segmentWork.roll(scene.clock.now().wallMs);
    await clean(scene, BACKOFF_MS + 60_000);
  }
  const values = await readable(log);
  expect(values).toContain('0=old');
  // The tombstone: `undefined` is how a value of null reads.
  expect(values).toContain('12=undefined');
});

test('a transaction whose records lie in a segment that is left alone stays aborted', async () => {
  let scene = await openCompacted();
  const disk = scene.disk as SimulatedDisk;
  let log = compactedLog(scene, { 'delete.retention.ms': 0 });
  const records = keyedBatch([{ key: 'k', value: 'aborted' }], {
    producerId: 5,
    producerEpoch: 0,
    baseSequence: 0,
    isTransactional: true,
  });
  expect(log.append(records, { leaderEpoch: 0, origin: 'client' }).error).toBeUndefined();
  for (let i = 1; i < 12; i++) appendKeyed(log, [{ key: 'k', value: `v${i}` }]);
  expect(endTransaction(log, 'abort', 5).error).toBeUndefined();
  for (let i = 13; i < 30; i++) appendKeyed(log, [{ key: 'k', value: `v${i}` }]);
  await scene.directory.close();
  const [, damaged] = [...(await segmentContents(disk)).keys()].sort();
  const file = disk.openSync(`${FOLDER}/${damaged}`, { create: false });
  file.writeSync([Buffer.from([0xee])], 80);
  file.close();
  scene = await openCompacted({ disk });
  log = compactedLog(scene, { 'delete.retention.ms': 0 });
  for (let round = 0; round < 4; round++) {
    appendKeyed(log, [{ key: 'k', value: `more ${round}` }]);
    log.segmentWork.roll(scene.clock.now().wallMs);
    await clean(scene, BACKOFF_MS + 60_000);
    expect(await abortedFrom(log, 0, 1)).toEqual(['5 0..12']);
  }
  expect(
    (await log.readCommitted(0, { bytesMax: 1, endOffsetMax: 1, atLeastOneBatch: true })).sizeInBytes,
  ).toBeGreaterThan(0);
});
