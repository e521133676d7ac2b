/** Files that Apache Kafka 4.4.0 wrote: we read them, and from the same batches write the same bytes. */
import { describe, expect, test } from '@jest/globals';
import { ManualClock } from '#core';
import { fileBytes, fileNames, goldenDisk, goldenFile } from './golden-folder.ts';
import { openScene, readValues, smallConfig } from './scene.ts';

const SEGMENTS = ['00000000000000000000', '00000000000000000019', '00000000000000000038'];
/** When Kafka wrote them. */
const WRITTEN_MS = 1795252130000;
const GOLDEN_CONFIG = smallConfig({ 'segment.ms': 1500, 'index.interval.bytes': 300, 'segment.index.bytes': 1200 });

async function openGolden(name: 'clean' | 'running') {
  const disk = goldenDisk(name);
  const scene = await openScene({ disk, clock: new ManualClock(WRITTEN_MS) });
  const log = scene.directory.get('golden', 0);
  if (log === undefined) throw new Error('the partition golden-0 was not opened');
  return { ...scene, disk, log };
}

describe.each(['clean', 'running'] as const)('a data folder of Kafka (%s)', (name) => {
  test('is read completely and in order', async () => {
    const { log, warnings, directory } = await openGolden(name);
    const values = await readValues(log);
    expect(values).toHaveLength(57);
    expect(values[0]).toBe(`0=round-1-batch-1-value-1-${'x'.repeat(30)}`);
    expect(values[18]).toBe('18=gzip round 1');
    expect(values[56]).toBe('56=gzip round 3');
    expect(warnings).toEqual([]);
    expect(directory.clusterId).toBe('_P5qSVg7TMSk7xRD7SPo_A');
    expect(directory.directoryId).toBe('C1Ao3MDxTFmdIhtxZNjT2w');
    expect(log.topicId).toBe('BFW8RU_yRPugVunx2YS_IA');
    expect(log.leaderEpochs.entries).toEqual([{ epoch: 0, startOffset: 0 }]);
  });

  test('gives the same record by its offset from every place', async () => {
    const { log } = await openGolden(name);
    const values = await readValues(log);
    for (let offset = 0; offset < 57; offset++) {
      expect((await readValues(log, offset, 1))[0]).toBe(values[offset]);
    }
  });

  test('gives offsets by timestamp through the indexes of Kafka', async () => {
    const { log } = await openGolden(name);
    expect(await log.offsetForTimestamp(0)).toMatchObject({ offset: 0, timestamp: 1795252120998 });
    expect(await log.offsetForTimestamp(1795252121590)).toMatchObject({
      offset: 6,
      timestamp: 1795252121590,
      leaderEpoch: 0,
    });
    expect(await log.offsetForTimestamp(1795252121591)).toMatchObject({ offset: 9, timestamp: 1795252121621 });
    expect(await log.offsetForTimestamp(1795252123732)).toMatchObject({ offset: 19 });
    expect((await log.maxTimestampOffset())?.offset).toBe(56);
    expect(await log.offsetForTimestamp(1895252123732)).toBeUndefined();
  });

  test('knows its producers: the last batch of each is a duplicate when it comes again', async () => {
    const { log } = await openGolden(name);
    expect(log.producers.producerCount).toBe(18);
    const segment = goldenFile('clean', `golden-0/${SEGMENTS[2]}.log`);
    const batch = Buffer.from(segment.subarray(0, segment.readInt32BE(8) + 12));
    batch.writeBigInt64BE(0n, 0);
    const result = log.append(batch, { leaderEpoch: 0, origin: 'client' });
    expect(result).toMatchObject({ error: undefined, isDuplicate: true, baseOffset: 38, lastOffset: 40 });
    expect(log.logEndOffset).toBe(57);
  });
});

describe('the files that we write from the same batches', () => {
  test('are the bytes that Kafka wrote: segments, indexes, snapshots, epochs, topic id, checkpoints', async () => {
    const scene = await openScene({ disk: goldenDisk('clean', '/kafka'), clusterId: 'c' });
    const log = scene.directory.create('golden', 0, 'BFW8RU_yRPugVunx2YS_IA', GOLDEN_CONFIG);
    log.assignEpoch(0);
    for (const name of SEGMENTS) {
      const segment = goldenFile('clean', `golden-0/${name}.log`);
      for (let at = 0; at < segment.length; at += segment.readInt32BE(at + 8) + 12) {
        const batch = segment.subarray(at, at + segment.readInt32BE(at + 8) + 12);
        expect(log.append(Buffer.from(batch), { leaderEpoch: 0, origin: 'log' }).error).toBeUndefined();
      }
    }
    await scene.directory.close({ brokerEpoch: 13 });
    expect(await fileNames(scene.disk, '/data/golden-0')).toEqual(await fileNames(scene.disk, '/kafka/golden-0'));
    for (const name of await fileNames(scene.disk, '/kafka/golden-0')) {
      const ours = await fileBytes(scene.disk, `/data/golden-0/${name}`);
      expect([name, ours.toString('hex')]).toEqual([name, goldenFile('clean', `golden-0/${name}`).toString('hex')]);
    }
    for (const name of ['.kafka_cleanshutdown', 'recovery-point-offset-checkpoint', 'replication-offset-checkpoint']) {
      expect((await fileBytes(scene.disk, `/data/${name}`)).toString()).toBe(goldenFile('clean', name).toString());
    }
  });

  test('an index rebuilt after a crash is the index that Kafka wrote', async () => {
    const { directory, disk } = await openGolden('running');
    directory.get('golden', 0)?.updateConfig(GOLDEN_CONFIG);
    await directory.close();
    // The default index interval of 4096 bytes is larger than these segments, so the rebuilt indexes hold the last timestamp only.
    const index = await fileBytes(disk, `/data/golden-0/${SEGMENTS[2]}.timeindex`);
    expect(index.toString('hex')).toBe(
      goldenFile('clean', `golden-0/${SEGMENTS[2]}.timeindex`).subarray(24).toString('hex'),
    );
    const untouched = await fileBytes(disk, `/data/golden-0/${SEGMENTS[0]}.index`);
    expect(untouched.equals(goldenFile('clean', `golden-0/${SEGMENTS[0]}.index`))).toBe(true);
  });
});
