/** Markers that an operator has written, as `kafka-transactions.sh abort` asks for it. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Apis, batches, readTransactionMarker } from '#protocol';
import { memoryDisk } from '#storage';
import { batchOf, Scene } from './scene.ts';
import { nameOf, readValues, TestProducer } from './test-producer.ts';

let scene: Scene;

afterEach(() => scene?.close());

async function write(producerId: number, producerEpoch: number, topic: string): Promise<string> {
  const topics = [{ name: topic, partitionIndexes: [0] }];
  const marker = { producerId, producerEpoch, transactionResult: true, coordinatorEpoch: 3, topics };
  const { markers } = await scene.send(Apis.WriteTxnMarkers, { markers: [marker] });
  return nameOf(markers[0].topics[0].partitions[0].errorCode);
}

/** Every batch of the partition in words. */
async function stored(topic: string): Promise<string[]> {
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }];
  const asked = { maxWaitMs: 0, minBytes: 1, maxBytes: 1_000_000, topics: [{ topic, partitions }] };
  const { records } = (await scene.send(Apis.Fetch, asked, 12)).responses[0].partitions[0];
  return [...batches(records ?? Buffer.alloc(0))].map(({ position, header }) => {
    const marker = header.isControl ? readTransactionMarker(records!, position, header)?.type : 'records';
    return `${header.lastOffset} ${marker} of ${header.producerId}`;
  });
}

async function producersOf(topic: string): Promise<number> {
  const { topics } = await scene.send(Apis.DescribeProducers, { topics: [{ name: topic, partitionIndexes: [0] }] });
  return topics[0].partitions[0].activeProducers.length;
}

describe('WriteTxnMarkers', () => {
  it('ends a transaction that hangs, once an operator has found it', async () => {
    scene = await Scene.start({ topics: { t: 2 }, config: { 'transaction.partition.verification.enable': false } });
    const late = new TestProducer(scene, 'tx', 1);
    expect(await late.init()).toBe('NONE');
    await late.send('t', ['hanging'], { version: 11 });
    const topics = [
      { name: 't', partitionIndexes: [0, 1, 9] },
      { name: 'nowhere', partitionIndexes: [0] },
    ];
    const described = await scene.send(Apis.DescribeProducers, { topics });
    const [{ partitions }, nowhere] = described.topics;
    expect(partitions.map(({ errorCode }) => nameOf(errorCode))).toEqual([
      'NONE',
      'NONE',
      'UNKNOWN_TOPIC_OR_PARTITION',
    ]);
    expect(nameOf(nowhere.partitions[0].errorCode)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    const [active] = partitions[0].activeProducers;
    const { producerId, producerEpoch } = late.identity;
    expect(active).toMatchObject({
      producerId,
      producerEpoch,
      lastSequence: 0,
      coordinatorEpoch: -1,
      currentTxnStartOffset: 0,
    });
    expect(partitions[1].activeProducers).toEqual([]);
    const write = async (marker: object) => {
      const topics = [{ name: 't', partitionIndexes: [0] }];
      const body = { producerId, producerEpoch, transactionResult: false, topics, coordinatorEpoch: 0, ...marker };
      const { markers } = await scene.send(Apis.WriteTxnMarkers, { markers: [body] });
      return nameOf(markers[0].topics[0].partitions[0].errorCode);
    };
    expect(await write({ producerEpoch: -1 })).toBe('INVALID_PRODUCER_EPOCH');
    expect(await write({ topics: [{ name: 't', partitionIndexes: [9] }] })).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    const again = { producerId: 9, producerEpoch: 0, transactionResult: true, coordinatorEpoch: 0 };
    const missing = { name: 't', partitionIndexes: [9, 9] };
    const repeated = [
      { ...again, topics: [missing, missing] },
      { ...again, topics: [missing] },
    ];
    const { markers: told } = await scene.send(Apis.WriteTxnMarkers, { markers: repeated });
    expect(told.map(({ topics }) => topics.map(({ partitions }) => partitions.length))).toEqual([[1]]);
    const nothing = [{ producerId: 9, producerEpoch: 0, transactionResult: true, coordinatorEpoch: 0, topics: [] }];
    expect(await scene.send(Apis.WriteTxnMarkers, { markers: nothing })).toMatchObject({ markers: [] });
    expect(await write({ coordinatorEpoch: 5 })).toBe('NONE');
    expect(await write({ coordinatorEpoch: 4 })).toBe('TRANSACTION_COORDINATOR_FENCED');
    expect(
      (await scene.send(Apis.DescribeProducers, { topics })).topics[0].partitions[0].activeProducers[0],
    ).toMatchObject({
      coordinatorEpoch: 5,
      currentTxnStartOffset: -1,
    });
    expect(await readValues(scene, 't', 1)).toEqual([]);
  });

  it('is taken for an id that no producer can have, and leaves a marker that ends nothing', async () => {
    const disk = memoryDisk();
    scene = await Scene.start({ disk, topics: { t: 1 } });
    await scene.send(Apis.FindCoordinator, { keyType: 0, coordinatorKeys: ['g'] });
    const open = new TestProducer(scene, 'tx', 2);
    await open.init();
    expect(await write(-2, 0, 't')).toBe('NONE');
    expect(await open.send('t', ['undecided'])).toBe('NONE');
    expect([await write(-77, 5, 't'), await write(-2, 0, '__consumer_offsets')]).toEqual(['NONE', 'NONE']);
    const [before, known] = [await stored('t'), await producersOf('t')];
    expect(before).toEqual(['0 commit of -2', `1 records of ${open.producerId}`, '2 commit of -77']);
    expect([await readValues(scene, 't', 1), known]).toEqual([[], 1]);
    // A log without its snapshots is read from its first batch on.
    const killed = disk.kill();
    await scene.close();
    for (const { name } of await killed.list('/data/t-0'))
      if (name.endsWith('.snapshot')) await killed.remove(`/data/t-0/${name}`);
    scene = await Scene.start({ disk: killed });
    await scene.send(Apis.FindCoordinator, { keyType: 0, coordinatorKeys: ['g'] });
    expect([await stored('t'), await producersOf('t')]).toEqual([before, known]);
    const again = Object.assign(new TestProducer(scene, 'tx', 2), open.identity);
    expect(await again.end('commit')).toBe('NONE');
    await scene.clock.settle();
    expect(await readValues(scene, 't', 1)).toEqual(['undecided']);
    expect(scene.book.at('error')).toEqual([]);
  });

  it('leaves nothing that keeps the partition from going to another directory', async () => {
    scene = await Scene.start({ config: { 'log.dirs': '/a,/b' }, topics: { t: 1 } });
    expect(await write(-2, 0, 't')).toBe('NONE');
    const places = async () => {
      const { results } = await scene.send(Apis.DescribeLogDirs, { topics: [{ topic: 't', partitions: [0] }] });
      return results.flatMap(({ logDir, topics }) => (topics.length > 0 ? [logDir] : []));
    };
    const [from] = await places();
    const to = from === '/a' ? '/b' : '/a';
    await scene.send(Apis.AlterReplicaLogDirs, { dirs: [{ path: to, topics: [{ name: 't', partitions: [0] }] }] });
    for (let round = 0; round < 20; round++) await scene.clock.advance(10);
    expect([await places(), await stored('t')]).toEqual([[to], ['0 commit of -2']]);
  });

  it('is refused for the id and the epoch of nobody', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.produce('t', batchOf(['a']));
    expect([await write(-1, 0, 't'), await write(-1, -1, 't'), await write(-2, -1, 't')]).toEqual([
      'INVALID_RECORD',
      'INVALID_RECORD',
      'INVALID_PRODUCER_EPOCH',
    ]);
    expect(await stored('t')).toEqual(['0 records of -1']);
  });
});
