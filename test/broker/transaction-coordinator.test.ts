/** Transactions on a whole broker, as producers of both versions, readers and operators see them. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Apis } from '#protocol';
import { memoryDisk } from '#storage';
import { GatedDisk } from './gated-disk.ts';
import { batchOf, Scene, type SceneOptions } from './scene.ts';
import { nameOf, readValues, TestProducer } from './test-producer.ts';

let scene: Scene;

afterEach(() => scene?.close());

async function start(config: Record<string, unknown> = {}, options: Partial<SceneOptions> = {}): Promise<void> {
  scene = await Scene.start({
    topics: { t: 2 },
    config: { 'transaction.state.log.num.partitions': 3, ...config },
    ...options,
  });
}

async function begun(transactionalId: string, version: 1 | 2 = 2): Promise<TestProducer> {
  const producer = new TestProducer(scene, transactionalId, version);
  expect(await producer.init()).toBe('NONE');
  return producer;
}

async function offsetOf(groupId: string, topic: string, requireStable: boolean): Promise<number | string> {
  const topics = [{ name: topic, partitionIndexes: [0] }];
  const { groups } = await scene.send(Apis.OffsetFetch, { groups: [{ groupId, topics }], requireStable }, 9);
  const [{ errorCode, committedOffset }] = groups[0].topics[0].partitions;
  return errorCode === 0 ? committedOffset : nameOf(errorCode);
}

describe.each([1, 2] as const)('a producer of transactions v%i', (version) => {
  it('commits and aborts; readers of committed records see what was committed alone', async () => {
    await start();
    const producer = await begun('tx', version);
    for (const [n, type] of (['commit', 'abort', 'commit'] as const).entries()) {
      if (version === 1) expect(await producer.patiently(() => producer.add('t', [0, 1]))).toBe('NONE');
      for (const partition of [0, 1]) expect(await producer.send('t', [`${n}`], { partition })).toBe('NONE');
      expect(await producer.send('t', [`${n}+`])).toBe('NONE');
      expect(await readValues(scene, 't', 1)).toEqual(n < 2 ? ['0', '0+'].slice(0, n * 2) : ['0', '0+']);
      expect(await producer.end(type)).toBe('NONE');
      await scene.clock.settle();
    }
    expect(await readValues(scene, 't', 1)).toEqual(['0', '0+', '2', '2+']);
    expect(await readValues(scene, 't', 0)).toEqual(['0', '0+', '1', '1+', '2', '2+']);
    expect(await readValues(scene, 't', 1, 1)).toEqual(['0', '2']);
    expect(await producer.state()).toBe(`CompleteCommit epoch ${version === 1 ? 0 : 3}`);
  });

  it('commits offsets of a group with what it writes; who wants stable ones waits', async () => {
    await start();
    const producer = await begun('tx', version);
    await scene.send(Apis.FindCoordinator, { coordinatorKeys: ['g'] });
    const commit = async (offset: number) => {
      if (version === 1) expect(await producer.patiently(() => producer.addOffsets('g'))).toBe('NONE');
      expect(await producer.patiently(() => producer.commitOffset('g', 't', offset))).toBe('NONE');
    };
    await commit(5);
    expect(await producer.state()).toMatch(/^Ongoing epoch 0 __consumer_offsets-\d$/);
    expect([await offsetOf('g', 't', false), await offsetOf('g', 't', true)]).toEqual([-1, 'UNSTABLE_OFFSET_COMMIT']);
    await producer.end('commit');
    await scene.clock.settle();
    expect([await offsetOf('g', 't', false), await offsetOf('g', 't', true)]).toEqual([5, 5]);
    await commit(9);
    await producer.end('abort');
    await scene.clock.settle();
    expect(await offsetOf('g', 't', true)).toBe(5);
  });

  it('is fenced by another one with its id, and what it left open is aborted', async () => {
    await start();
    const old = await begun('tx', version);
    if (version === 1) await old.add('t');
    expect(await old.send('t', ['lost'])).toBe('NONE');
    const next = new TestProducer(scene, 'tx', version);
    expect(await next.init()).toBe('CONCURRENT_TRANSACTIONS');
    expect(await next.patiently(() => next.init())).toBe('NONE');
    expect(await old.send('t', ['late'])).toBe('INVALID_PRODUCER_EPOCH');
    expect(await old.end('commit')).toBe('PRODUCER_FENCED');
    if (version === 1) await next.add('t');
    expect(await next.send('t', ['kept'])).toBe('NONE');
    expect(await next.end('commit')).toBe('NONE');
    await scene.clock.settle();
    expect(await readValues(scene, 't', 1)).toEqual(['kept']);
  });

  it('is aborted when its time is over', async () => {
    await start();
    const producer = new TestProducer(scene, 'tx', version);
    await producer.init({ transactionTimeoutMs: 15_000 });
    if (version === 1) await producer.add('t');
    await producer.send('t', ['late']);
    await scene.produce('t', (await begun('other')).batch(['plain'], { baseSequence: 0, isTransactional: false }));
    await scene.clock.advance(10_000);
    expect(await readValues(scene, 't', 1)).toEqual([]);
    await scene.clock.advance(10_000);
    expect(await readValues(scene, 't', 1)).toEqual(['plain']);
    expect(await producer.state()).toBe('CompleteAbort epoch 1');
    expect(await producer.send('t', ['later'])).toBe('INVALID_PRODUCER_EPOCH');
  });
});

describe('a batch of a transaction', () => {
  it('needs a transactional id, and one producer in the request', async () => {
    await start();
    const [one, two] = [await begun('one'), await begun('two')];
    const produce = async (transactionalId: string | null, records: Buffer[]) => {
      const partitionData = records.map((bytes, index) => ({ index, records: bytes }));
      const body = { transactionalId, acks: -1, timeoutMs: 1000, topicData: [{ name: 't', partitionData }] };
      const { responses } = await scene.send(Apis.Produce, body, 12);
      return responses[0].partitionResponses.map(({ errorCode }) => nameOf(errorCode));
    };
    const batches = [one, two].map((producer) => producer.batch(['a'], { baseSequence: 0 }));
    const plain = one.batch(['p'], { baseSequence: 0, isTransactional: false });
    const refused = 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED';
    expect(await produce(null, [plain, batches[0]])).toEqual([refused, refused]);
    const other = 'INVALID_PRODUCER_ID_MAPPING';
    expect(await produce('one', batches)).toEqual([other, other]);
    expect(await produce('one', [plain, batches[0]])).toEqual(['NONE', 'NONE']);
  });

  it('of v1 is refused where its partition was not added, in the words of the version', async () => {
    await start();
    const producer = await begun('tx', 1);
    expect(await producer.send('t', ['a'], { version: 11 })).toBe('TRANSACTION_ABORTABLE');
    expect(await producer.send('t', ['a'], { version: 10 })).toBe('INVALID_TXN_STATE');
    expect(await producer.add('t', [1])).toBe('NONE');
    expect(await producer.send('t', ['a'], { version: 11 })).toBe('TRANSACTION_ABORTABLE');
    expect(await producer.send('t', ['a'], { version: 11, partition: 1 })).toBe('NONE');
    expect(await producer.commitOffset('g', 't', 1, 4)).toBe('NOT_COORDINATOR');
    await scene.send(Apis.FindCoordinator, { coordinatorKeys: ['g'] });
    expect(await producer.commitOffset('g', 't', 1, 4)).toBe('TRANSACTION_ABORTABLE');
    expect(await producer.commitOffset('g', 't', 1, 3)).toBe('INVALID_TXN_STATE');
  });

  it('of v1 is taken unasked when verification is off, but not of v2', async () => {
    await start({ 'transaction.partition.verification.enable': false });
    const producer = await begun('tx', 1);
    expect(await producer.send('t', ['a'], { version: 11 })).toBe('NONE');
    expect(await producer.state()).toBe('Empty epoch 0');
    const nobody = new TestProducer(scene, 'nobody');
    Object.assign(nobody, { producerId: 77, producerEpoch: 0 });
    expect(await nobody.send('t', ['a'])).toBe('INVALID_PRODUCER_ID_MAPPING');
  });

  it('of v2 begins with sequence 0, of v1 with any', async () => {
    await start();
    const two = await begun('two');
    expect(await two.send('t', ['a'], { baseSequence: 3 })).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(await two.send('t', ['a'])).toBe('NONE');
    const one = await begun('one', 1);
    await one.add('t');
    expect(await one.send('t', ['a'], { baseSequence: 3 })).toBe('NONE');
  });

  it('keeps others of its producer out that are none', async () => {
    await start();
    const producer = await begun('tx');
    expect(await producer.send('t', ['a'])).toBe('NONE');
    expect(await producer.send('t', ['b'], { isTransactional: false })).toBe('INVALID_TXN_STATE');
  });

  it('is taken once though it is sent again, before and after the end', async () => {
    await start();
    const producer = await begun('tx');
    expect(await producer.send('t', ['a'], { baseSequence: 0 })).toBe('NONE');
    expect(await producer.send('t', ['a'], { baseSequence: 0 })).toBe('NONE');
    await producer.end('commit', { keepsEpoch: true });
    await scene.clock.settle();
    expect(await producer.send('t', ['a'], { baseSequence: 0 })).toBe('INVALID_PRODUCER_EPOCH');
    expect(await readValues(scene, 't', 1)).toEqual(['a']);
  });

  it('waits for the end of the transaction before, and those behind it on the connection wait with it', async () => {
    const disk = new GatedDisk(memoryDisk());
    await start({}, { disk });
    const producer = await begun('tx');
    expect(await producer.send('t', ['first'])).toBe('NONE');
    disk.shut();
    const ended = producer.end('commit');
    await scene.clock.settle();
    producer.producerEpoch++;
    const client = await scene.client();
    const answers: string[] = [];
    const send = (n: number) => {
      const records = producer.batch([`next ${n}`], { baseSequence: n });
      const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }];
      const body = { transactionalId: 'tx', acks: -1, timeoutMs: 1000, topicData };
      void client.send(Apis.Produce, 12, body, { timeoutMs: 600_000 }).then(({ responses }) => {
        answers.push(nameOf(responses[0].partitionResponses[0].errorCode));
      });
      return scene.clock.settle();
    };
    await send(0);
    disk.open();
    await scene.clock.settle();
    // The transaction before is complete now, but the first batch is still waiting to ask again.
    for (const n of [1, 2, 3]) await send(n);
    expect([await ended, answers]).toEqual(['NONE', []]);
    await scene.clock.advance(20);
    expect(answers).toEqual(['NONE', 'NONE', 'NONE', 'NONE']);
    expect(await producer.end('commit')).toBe('NONE');
    await scene.clock.settle();
    expect(await readValues(scene, 't', 1)).toEqual(['first', 'next 0', 'next 1', 'next 2', 'next 3']);
  });

  it('gives up waiting, and its producer sends it again', async () => {
    const disk = new GatedDisk(memoryDisk());
    await start({ 'add.partitions.to.txn.retry.backoff.max.ms': 0 }, { disk });
    const producer = await begun('tx');
    await producer.send('t', ['first']);
    disk.shut();
    const ended = producer.end('commit');
    await scene.clock.settle();
    producer.producerEpoch++;
    const sent = producer.send('t', ['next']);
    await scene.clock.settle();
    disk.open();
    expect([await ended, await sent]).toEqual(['NONE', 'CONCURRENT_TRANSACTIONS']);
  });
});

describe('an open transaction', () => {
  it('is there after a restart, and may go on', async () => {
    const disk = memoryDisk();
    await start({}, { disk });
    const producer = await begun('tx');
    await producer.send('t', ['a']);
    await scene.close();
    await start({}, { disk, topics: {} });
    const again = Object.assign(new TestProducer(scene, 'tx'), producer.identity);
    expect(await again.state()).toBe('Ongoing epoch 0 t-0');
    expect(await again.send('t', ['b'], { baseSequence: 1 })).toBe('NONE');
    expect(await again.send('t', ['c'], { partition: 1 })).toBe('NONE');
    expect(await readValues(scene, 't', 1)).toEqual([]);
    expect(await again.end('commit')).toBe('NONE');
    await scene.clock.settle();
    expect(await readValues(scene, 't', 1)).toEqual(['a', 'b']);
    expect(await readValues(scene, 't', 1, 1)).toEqual(['c']);
  });

  it('ends though one of its topics was deleted', async () => {
    await start({}, { topics: { t: 2, gone: 1 } });
    const producer = await begun('tx');
    await producer.send('gone', ['a']);
    await producer.send('t', ['b']);
    await scene.send(Apis.DeleteTopics, { topics: [{ name: 'gone' }], timeoutMs: 1000 });
    expect(await producer.end('commit')).toBe('NONE');
    await scene.clock.settle();
    expect(await producer.state()).toBe('CompleteCommit epoch 1');
    expect(await readValues(scene, 't', 1)).toEqual(['b']);
  });
});

describe('the coordinator', () => {
  it('lists what it knows, by state, producer and age', async () => {
    await start();
    const [one, two] = [await begun('one'), await begun('two')];
    await two.send('t', ['a']);
    await scene.clock.advance(5000);
    const list = async (filters: object) => {
      const answer = await scene.send(Apis.ListTransactions, filters);
      const rows = answer.transactionStates.map((row) => `${row.transactionalId} ${row.transactionState}`);
      return [nameOf(answer.errorCode), ...rows.sort(), ...answer.unknownStateFilters.map((state) => `? ${state}`)];
    };
    expect(await list({})).toEqual(['NONE', 'one Empty', 'two Ongoing']);
    expect(await list({ stateFilters: ['Ongoing', 'Asleep'] })).toEqual(['NONE', 'two Ongoing', '? Asleep']);
    expect(await list({ producerIdFilters: [one.producerId] })).toEqual(['NONE', 'one Empty']);
    expect(await list({ stateFilters: ['Ongoing'], durationFilter: 5000 })).toEqual(['NONE']);
    expect(await list({ stateFilters: ['Ongoing'], durationFilter: 4999 })).toEqual(['NONE', 'two Ongoing']);
    expect(await list({ transactionalIdPattern: 't.*' })).toEqual(['NONE', 'two Ongoing']);
    expect(await list({ transactionalIdPattern: 'w' })).toEqual(['NONE']);
    expect(await list({ transactionalIdPattern: '(' })).toEqual(['INVALID_REGULAR_EXPRESSION']);
    const unknown = new TestProducer(scene, 'nobody');
    expect([await unknown.state(), await new TestProducer(scene, '').state()]).toEqual([
      'TRANSACTIONAL_ID_NOT_FOUND',
      'INVALID_REQUEST',
    ]);
  });

  it('keeps all partitions out when one of them cannot join', async () => {
    await start();
    const producer = await begun('tx', 1);
    const add = async (topics: { name: string; partitions: number[] }[], transactionalId = 'tx') => {
      const { resultsByTopicV3AndBelow: results } = await scene.send(
        Apis.AddPartitionsToTxn,
        {
          v3AndBelowTransactionalId: transactionalId,
          v3AndBelowProducerId: producer.producerId,
          v3AndBelowProducerEpoch: producer.producerEpoch,
          v3AndBelowTopics: topics,
        },
        3,
      );
      return results.flatMap(({ resultsByPartition }) =>
        resultsByPartition.map((row) => nameOf(row.partitionErrorCode)),
      );
    };
    expect(await add([{ name: 't', partitions: [0, 9] }])).toEqual([
      'OPERATION_NOT_ATTEMPTED',
      'UNKNOWN_TOPIC_OR_PARTITION',
    ]);
    const internal = { name: '__transaction_state', partitions: [0] };
    expect(await add([{ name: 't', partitions: [0] }, internal])).toEqual([
      'OPERATION_NOT_ATTEMPTED',
      'TOPIC_AUTHORIZATION_FAILED',
    ]);
    expect(await add([{ name: 't', partitions: [0] }], '')).toEqual(['INVALID_REQUEST']);
    const missing = { name: 't', partitions: [9, 9] };
    // What is missing counts before the name, and each partition is told once.
    expect(await add([missing, missing], '')).toEqual(['UNKNOWN_TOPIC_OR_PARTITION']);
    expect(await producer.state()).toBe('Empty epoch 0');
    expect(await add([{ name: 't', partitions: [0, 1] }])).toEqual(['NONE', 'NONE']);
    expect(await producer.state()).toBe('Ongoing epoch 0 t-0 t-1');
  });

  it('answers brokers for many transactions at once', async () => {
    await start();
    const [one, two] = [await begun('one', 1), await begun('two')];
    await one.add('t', [0]);
    const topics = [{ name: 't', partitions: [0, 1] }];
    const ask = async (transactions: object[]) => {
      const answer = await scene.send(Apis.AddPartitionsToTxn, { transactions: transactions as never });
      return answer.resultsByTransaction.map(({ transactionalId, topicResults }) => [
        transactionalId,
        ...topicResults[0].resultsByPartition.map((row) => nameOf(row.partitionErrorCode)),
      ]);
    };
    expect(
      await ask([
        { transactionalId: 'one', ...one.identity, verifyOnly: true, topics },
        { transactionalId: 'two', ...two.identity, verifyOnly: false, topics },
      ]),
    ).toEqual([
      ['one', 'NONE', 'TRANSACTION_ABORTABLE'],
      ['two', 'NONE', 'NONE'],
    ]);
    expect(await two.state()).toBe('Ongoing epoch 0 t-0 t-1');
  });

  it('tells producers of old versions that they are fenced in words they know', async () => {
    await start();
    const old = await begun('tx', 1);
    await begun('tx', 1);
    const { transactionalId } = old;
    expect([await old.add('t', [0], 1), await old.add('t', [0], 2)]).toEqual([
      'INVALID_PRODUCER_EPOCH',
      'PRODUCER_FENCED',
    ]);
    expect([await old.end('abort', { version: 1 }), await old.end('abort', { version: 2 })]).toEqual([
      'INVALID_PRODUCER_EPOCH',
      'PRODUCER_FENCED',
    ]);
    expect([await old.init({ isRecovering: true, version: 3 }), await old.init({ isRecovering: true })]).toEqual([
      'INVALID_PRODUCER_EPOCH',
      'PRODUCER_FENCED',
    ]);
    const added = await scene.send(Apis.AddOffsetsToTxn, { transactionalId, ...old.identity, groupId: 'g' }, 1);
    expect(nameOf(added.errorCode)).toBe('INVALID_PRODUCER_EPOCH');
  });

  it('refuses transactions without a name in what is written, after what is missing', async () => {
    await start();
    const batch = batchOf(['a'], { producerId: 77, producerEpoch: 0, baseSequence: 0, isTransactional: true });
    const produce = async (name: string, records: Buffer) => {
      const topicData = [{ name, partitionData: [{ index: 0, records }] }];
      const body = { transactionalId: '', acks: -1, timeoutMs: 1000, topicData };
      const { responses } = await scene.send(Apis.Produce, body, 12);
      return nameOf(responses[0].partitionResponses[0].errorCode);
    };
    expect(await produce('t', batch)).toBe('INVALID_REQUEST');
    expect(await produce('nowhere', batch)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    await scene.send(Apis.FindCoordinator, { keyType: 0, coordinatorKeys: ['g'] });
    const plain = batchOf(['a']);
    expect(await produce('__consumer_offsets', plain)).toBe('INVALID_TOPIC_EXCEPTION');
    expect(await produce('__consumer_offsets', plain.subarray(0, 65))).toBe('INVALID_RECORD');
    const partitions = [0, 9].map((partitionIndex) => ({ partitionIndex, committedOffset: 1, committedMetadata: '' }));
    const commit = { transactionalId: '', groupId: 'g', producerId: 77, producerEpoch: 0 };
    const answer = await scene.send(Apis.TxnOffsetCommit, { ...commit, topics: [{ name: 't', partitions }] }, 3);
    expect(answer.topics[0].partitions.map(({ errorCode }) => nameOf(errorCode))).toEqual([
      'INVALID_REQUEST',
      'UNKNOWN_TOPIC_OR_PARTITION',
    ]);
  });

  it('refuses what InitProducerId cannot mean', async () => {
    await start();
    const init = async (request: object) => {
      const body = { transactionalId: 'tx', transactionTimeoutMs: 1000, ...request };
      return nameOf((await scene.send(Apis.InitProducerId, body)).errorCode);
    };
    expect(await init({ transactionalId: '' })).toBe('INVALID_REQUEST');
    expect(await init({ producerId: 5 })).toBe('INVALID_REQUEST');
    expect(await init({ producerEpoch: 5 })).toBe('INVALID_REQUEST');
    expect(await init({})).toBe('NOT_COORDINATOR');
    await scene.send(Apis.FindCoordinator, { keyType: 1, coordinatorKeys: ['tx'] });
    expect(await init({ transactionTimeoutMs: 900_001 })).toBe('INVALID_TRANSACTION_TIMEOUT');
    expect(await init({ transactionTimeoutMs: 900_000 })).toBe('NONE');
  });

  it('makes its topic when it is first asked for, as configured', async () => {
    await start({ 'transaction.state.log.num.partitions': 7, 'transaction.state.log.segment.bytes': 2_000_000 });
    await begun('tx');
    const { topics } = await scene.send(Apis.Metadata, { topics: [{ name: '__transaction_state' }] });
    expect([topics[0].isInternal, topics[0].partitions.length]).toEqual([true, 7]);
    const resources = [{ resourceType: 2, resourceName: '__transaction_state', configurationKeys: null }];
    const { results } = await scene.send(Apis.DescribeConfigs, { resources });
    const set = results[0].configs
      .filter(({ configSource }) => configSource === 1)
      .map(({ name, value }) => `${name}=${value}`);
    expect(set.sort()).toEqual([
      'cleanup.policy=compact',
      'compression.type=uncompressed',
      'min.insync.replicas=1',
      'segment.bytes=2000000',
      'unclean.leader.election.enable=false',
    ]);
  });

  it('forgets ids that nobody uses', async () => {
    await start({
      'transactional.id.expiration.ms': 1000,
      'transaction.remove.expired.transaction.cleanup.interval.ms': 500,
    });
    const producer = await begun('tx');
    await scene.clock.advance(999);
    expect(await producer.state()).toBe('Empty epoch 0');
    await scene.clock.advance(600);
    expect(await producer.state()).toBe('TRANSACTIONAL_ID_NOT_FOUND');
    expect(await producer.send('t', ['a'])).toBe('INVALID_PRODUCER_ID_MAPPING');
  });
});

describe('the feature transaction.version', () => {
  it('is 2 in a new cluster, and announced', async () => {
    await start();
    const { supportedFeatures, finalizedFeatures } = await scene.send(Apis.ApiVersions, {
      clientSoftwareName: 'test',
      clientSoftwareVersion: '1',
    });
    expect(supportedFeatures).toContainEqual({ name: 'transaction.version', minVersion: 0, maxVersion: 2 });
    expect(finalizedFeatures).toContainEqual({ name: 'transaction.version', minVersionLevel: 2, maxVersionLevel: 2 });
  });

  it('decides how a producer is fenced, as soon as it is changed', async () => {
    await start();
    const lower = async (maxVersionLevel: number) => {
      const featureUpdates = [{ feature: 'transaction.version', maxVersionLevel, upgradeType: 2 }];
      const { errorCode } = await scene.send(Apis.UpdateFeatures, { timeoutMs: 1000, featureUpdates });
      expect(nameOf(errorCode)).toBe('NONE');
    };
    const producer = await begun('tx');
    await producer.send('t', ['a']);
    await lower(0);
    expect(await producer.init()).toBe('CONCURRENT_TRANSACTIONS');
    await scene.clock.settle();
    const marker = await lastProducer();
    expect(marker).toEqual({ producerEpoch: 1, currentTxnStartOffset: -1 });
  });
});

async function lastProducer() {
  const { topics } = await scene.send(Apis.DescribeProducers, { topics: [{ name: 't', partitionIndexes: [0] }] });
  const [{ producerEpoch, currentTxnStartOffset }] = topics[0].partitions[0].activeProducers;
  return { producerEpoch, currentTxnStartOffset };
}
