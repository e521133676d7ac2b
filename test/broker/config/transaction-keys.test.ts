/** Keys of server.properties do what they say: those of transactions. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Apis } from '#protocol';
import { memoryDisk } from '#storage';
import { GatedDisk } from '../gated-disk.ts';
import { Scene } from '../scene.ts';
import { TestProducer } from '../test-producer.ts';
import { errorOf, findCoordinator, testKeys } from './key-rows.ts';

async function producerId(scene: Scene): Promise<string> {
  await findCoordinator(scene, 1);
  const asked = { transactionalId: 'g', transactionTimeoutMs: 2000 };
  return errorOf(await scene.send(Apis.InitProducerId, asked));
}

/** The answer to a batch of a partition that is no part of its transaction. */
async function unannounced(scene: Scene): Promise<string> {
  const producer = new TestProducer(scene, 'g', 1);
  await producer.init();
  return producer.send('t', ['a'], { version: 9 });
}

/** Of a transaction with a timeout of a second, after twenty. */
async function stateOfTimedOut(scene: Scene): Promise<string> {
  const producer = new TestProducer(scene, 'g');
  await producer.init({ transactionTimeoutMs: 1000 });
  expect(await producer.send('t', ['a'])).toBe('NONE');
  await scene.clock.advance(20_000);
  return (await producer.state()).split(' ')[0];
}

/** That a record of the transaction log waits for; with one replica it waits for that one. */
async function minIsr(scene: Scene): Promise<string | null> {
  expect(await producerId(scene)).toBe('NONE');
  const resource = { resourceType: 2, resourceName: '__transaction_state', configurationKeys: ['min.insync.replicas'] };
  const { results } = await scene.send(Apis.DescribeConfigs, { resources: [resource] });
  return results[0].configs[0].value;
}

describe('a key of server.properties', () => {
  testKeys([
    {
      key: 'transaction.max.timeout.ms',
      value: 1000,
      ask: producerId,
      usually: 'NONE',
      changed: 'INVALID_TRANSACTION_TIMEOUT',
    },
    {
      key: 'transaction.partition.verification.enable',
      value: 'false',
      ask: unannounced,
      usually: 'INVALID_TXN_STATE',
      changed: 'NONE',
      isDynamic: true,
    },
    {
      key: 'transaction.abort.timed.out.transaction.cleanup.interval.ms',
      value: 60_000,
      ask: stateOfTimedOut,
      usually: 'CompleteAbort',
      changed: 'Ongoing',
    },
    {
      key: 'transaction.state.log.replication.factor',
      value: 2,
      ask: (scene) => findCoordinator(scene, 1),
      usually: 'NONE',
      changed: 'COORDINATOR_NOT_AVAILABLE',
    },
    { key: 'transaction.state.log.min.isr', value: 2, ask: minIsr, usually: '1', changed: '2' },
  ]);
});

describe('a batch that begins a transaction while the one before is being completed', () => {
  let scene: Scene;
  let disk: GatedDisk;
  let answer: Promise<string>;
  let isAnswered = false;

  afterEach(async () => {
    disk.open();
    await scene?.close();
  });

  /** Decided it is, but the marker does not get onto the disk before that is opened. */
  async function sent(config: Record<string, number>): Promise<void> {
    disk = new GatedDisk(memoryDisk());
    scene = await Scene.start({ disk, topics: { t: 1 }, config });
    const producer = new TestProducer(scene, 'tx');
    await producer.init();
    expect(await producer.send('t', ['first'])).toBe('NONE');
    disk.shut(/\/t-0\//);
    expect(await producer.end('commit')).toBe('NONE');
    isAnswered = false;
    const records = producer.batch(['next'], { baseSequence: 0 });
    const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }];
    const body = { transactionalId: 'tx', acks: -1, timeoutMs: 1000, topicData };
    const client = await scene.client();
    answer = client.send(Apis.Produce, 12, body, { timeoutMs: 600_000 }).then(({ responses }) => {
      isAnswered = true;
      return errorOf(responses[0].partitionResponses[0]);
    });
    await scene.clock.settle();
  }

  it('is tried again after add.partitions.to.txn.retry.backoff.ms', async () => {
    await sent({ 'add.partitions.to.txn.retry.backoff.ms': 70, 'add.partitions.to.txn.retry.backoff.max.ms': 1000 });
    disk.open();
    await scene.clock.advance(69);
    expect(isAnswered).toBe(false);
    await scene.clock.advance(1);
    expect([isAnswered, await answer]).toEqual([true, 'NONE']);
  });

  it('is tried for add.partitions.to.txn.retry.backoff.max.ms', async () => {
    await sent({ 'add.partitions.to.txn.retry.backoff.ms': 30, 'add.partitions.to.txn.retry.backoff.max.ms': 200 });
    await scene.clock.advance(209);
    expect(isAnswered).toBe(false);
    await scene.clock.advance(1);
    expect([isAnswered, await answer]).toEqual([true, 'CONCURRENT_TRANSACTIONS']);
  });
});
