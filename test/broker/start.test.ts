import { afterEach, describe, expect, it } from '@jest/globals';
import { Broker } from '#broker';
import { ManualClock } from '#core';
import { PipeNetwork, tcpAcceptor } from '#net';
import { Apis, batches, decodeMetadataRecord, readRecords } from '#protocol';
import { memoryDisk, simulatedDisk } from '#storage';
import { features } from '../../src/broker/controller/index.ts';
import { batchOf, LogBook, Scene } from './scene.ts';

let scene: Scene | undefined;

afterEach(async () => {
  await scene?.close();
  scene = undefined;
});

/** The error of a start with these keys. */
async function refusal(config: Record<string, unknown>): Promise<{ code: string; message: string }> {
  try {
    const started = await Scene.start({ config });
    await started.close();
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return { code, message };
  }
  throw new Error('the broker started');
}

describe('a start that cannot succeed', () => {
  const cases: [config: Record<string, unknown>, text: RegExp][] = [
    [{ listeners: '127.0.0.1:9092' }, /listeners=127\.0\.0\.1:9092 must read NAME:\/\/host:port/],
    [{ listeners: 'PLAINTEXT://127.0.0.1:99999' }, /port 99999.*between 0 and 65535/],
    [{ listeners: 'PLAINTEXT://127.0.0.1:abc' }, /must read NAME:\/\/host:port/],
    [{ listeners: 'SSL://127.0.0.1:9092' }, /asks for SSL, which this broker does not serve/],
    [{ listeners: 'INSIDE://127.0.0.1:9092' }, /listener\.security\.protocol\.map/],
    [{ listeners: 'PLAINTEXT://a:1,PLAINTEXT://b:2' }, /uses a listener name twice/],
    [{ 'advertised.listeners': 'OUTSIDE://a:1' }, /not among the listeners/],
    [{ 'advertised.listeners': 'PLAINTEXT://0.0.0.0:1' }, /must name a host that clients can reach/],
    [{ 'num.partitions': 'many' }, /num\.partitions.*"many"/],
    [{ 'num.partitions': 0 }, /num\.partitions/],
    [{ 'log.dirs': 'a,./a' }, /log\.dirs=a,\.\/a names \.\/a twice/],
    [{ 'springtide.broker.durability': 'maybe' }, /springtide\.broker\.durability.*maybe/],
    [{ 'log.retention.ms': 'soon' }, /A default of topics is wrong/],
  ];

  it.each(cases)('%j says key, value and rule', async (config, text) => {
    const { code, message } = await refusal(config);
    expect(code).toBe('INVALID_CONFIG');
    expect(message).toMatch(text);
  });

  it('names the address that is in use, and what to do', async () => {
    const door = await tcpAcceptor().listen('127.0.0.1', 0, (connection) => connection.close());
    const starting = Broker.start({ config: { listeners: `PLAINTEXT://127.0.0.1:${door.port}` }, disk: memoryDisk() });
    await expect(starting).rejects.toMatchObject({
      code: 'NETWORK_EXCEPTION',
      message: expect.stringMatching(new RegExp(`127\\.0\\.0\\.1:${door.port} is in use.*listeners=`)),
    });
    await door.close();
  });

  it('leaves nothing locked and nothing bound when another broker has the data folder', async () => {
    scene = await Scene.start();
    const network = new PipeNetwork(scene.clock);
    const start = () =>
      Broker.start({
        config: { 'log.dirs': '/data' },
        disk: scene!.disk,
        clock: scene!.clock,
        acceptor: network,
        network,
      });
    await expect(start()).rejects.toMatchObject({ code: 'LOCKED' });
    await scene.close();
    const second = await start();
    await second.close();
  });
});

describe('keys', () => {
  it('that nobody knows are warned about with the nearest one', async () => {
    scene = await Scene.start({ config: { 'num.partition': 3, 'log.retention.hour': 1 } });
    const lines = scene.book.at('warn');
    expect(lines).toContain('Unknown broker key "num.partition" is ignored. Did you mean "num.partitions"?');
    expect(lines).toContain('Unknown broker key "log.retention.hour" is ignored. Did you mean "log.retention.hours"?');
  });

  it('of a KRaft server.properties are understood', async () => {
    scene = await Scene.start({
      config: {
        'process.roles': 'broker,controller',
        'node.id': '7',
        'controller.listener.names': 'CONTROLLER',
        listeners: 'INTERNAL://127.0.0.1:19092,CONTROLLER://127.0.0.1:19093',
        'advertised.listeners': 'INTERNAL://127.0.0.1:19092,CONTROLLER://127.0.0.1:19093',
        'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT',
        'inter.broker.listener.name': 'INTERNAL',
        'num.network.threads': 3,
        'transaction.state.log.min.isr': 1,
      },
    });
    expect(scene.book.at('warn')).toEqual([]);
    expect(scene.broker).toMatchObject({ nodeId: 7, port: 19092 });
    const { brokers } = await scene.send(Apis.Metadata, { topics: [] });
    expect(brokers).toMatchObject([{ nodeId: 7, port: 19092 }]);
  });

  it('open every interface only with a warning about what clients are told', async () => {
    scene = await Scene.start({ config: { listeners: 'PLAINTEXT://:9092' } });
    expect(scene.book.at('warn')[0]).toMatch(/Set advertised.listeners/);
    expect(scene.broker.bootstrapServers).toBe('localhost:9092');
  });
});

describe('the metadata log', () => {
  async function records(disk: Scene['disk']) {
    const log = await disk.readFile('/data/__cluster_metadata-0/00000000000000000000.log');
    return [...batches(log!)].map(({ position, header }) => {
      const names: string[] = [];
      const cursor = readRecords(log!, position, { decompressedBytesMax: 1_000_000 });
      for (let record = cursor.next(); record !== undefined; record = cursor.next()) {
        names.push(
          header.isControl ? `control ${record.key!.toString('hex')}` : decodeMetadataRecord(record.value!).name,
        );
      }
      return `epoch ${header.partitionLeaderEpoch}: ${names.join(' ')}`;
    });
  }

  it('begins every start with a LeaderChange in a new epoch, leads all partitions anew, and leads none when it stops', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const { disk } = scene;
    await scene.close();
    scene = await Scene.start({ disk });
    expect(await records(disk)).toEqual([
      'epoch 1: control 00000002',
      `epoch 1: ${features.map(() => 'FeatureLevelRecord').join(' ')}`,
      'epoch 1: RegisterBrokerRecord BrokerRegistrationChangeRecord',
      'epoch 1: TopicRecord PartitionRecord',
      'epoch 1: BrokerRegistrationChangeRecord PartitionChangeRecord BrokerRegistrationChangeRecord',
      'epoch 2: control 00000002',
      'epoch 2: RegisterBrokerRecord BrokerRegistrationChangeRecord PartitionChangeRecord',
    ]);
    const state = await disk.readFile('/data/__cluster_metadata-0/quorum-state');
    expect(JSON.parse(state!.toString())).toEqual({
      leaderId: 1,
      leaderEpoch: 2,
      votedId: -1,
      votedDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAA',
      data_version: 1,
    });
  });

  it('is synced in both durabilities: a topic that was announced survives a power cut', async () => {
    const disk = simulatedDisk();
    scene = await Scene.start({ disk, config: { 'springtide.broker.durability': 'os' } });
    await scene.createTopics({ t: 2 });
    const afterCut = disk.crash();
    await scene.close();
    scene = await Scene.start({ disk: afterCut });
    const { topics } = await scene.send(Apis.Metadata, { topics: [{ name: 't' }], allowAutoTopicCreation: false });
    expect(topics[0]).toMatchObject({ errorCode: 0 });
    expect(topics[0].partitions).toHaveLength(2);
  });

  it('finishes a deletion that the broker did not come to', async () => {
    const disk = simulatedDisk();
    scene = await Scene.start({ disk, topics: { t: 1, u: 1 } });
    await scene.produce('t', batchOf(['old']));
    const before = disk.crash();
    await scene.send(Apis.DeleteTopics, { topics: [{ name: 't' }], timeoutMs: 1000 });
    const log = '/data/__cluster_metadata-0/00000000000000000000.log';
    const deleted = await disk.readFile(log);
    const file = before.openSync(log, { create: false });
    file.writeSync([deleted!], 0);
    file.close();
    await scene.close();
    scene = await Scene.start({ disk: before });
    await scene.createTopics({ t: 1 });
    expect(await scene.produce('t', batchOf(['new']))).toMatchObject({ errorCode: 0, baseOffset: 0 });
  });

  it('leaves folders alone that belong to no topic it ever had', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const { disk } = scene;
    await scene.close();
    await disk.remove('/data/__cluster_metadata-0');
    scene = await Scene.start({ disk });
    expect(scene.book.at('warn')).toEqual([expect.stringMatching(/^\/data\/t-0 belongs to no topic of this cluster/)]);
    expect((await disk.list('/data')).map(({ name }) => name)).toContain('t-0');
  });
});

describe('a power cut', () => {
  it('takes back nothing that was acknowledged: records, committed offsets, topics', async () => {
    const disk = simulatedDisk();
    scene = await Scene.start({ disk, topics: { t: 1 } });
    await scene.send(Apis.FindCoordinator, { key: 'g' }, 0);
    for (let round = 0; round < 20; round++) await scene.produce('t', batchOf([`r${round}`]));
    const partitions = [{ partitionIndex: 0, committedOffset: 17, committedMetadata: '' }];
    await scene.send(Apis.OffsetCommit, { groupId: 'g', topics: [{ name: 't', partitions }] }, 9);
    const afterCut = disk.crash();
    await scene.close();
    scene = await Scene.start({ disk: afterCut });
    await scene.clock.settle();
    const latest = { topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1 }] }] };
    expect((await scene.send(Apis.ListOffsets, latest)).topics[0].partitions[0]).toMatchObject({
      errorCode: 0,
      offset: 20,
    });
    const asked = { groups: [{ groupId: 'g', topics: [{ name: 't', partitionIndexes: [0] }] }] };
    const { groups } = await scene.send(Apis.OffsetFetch, asked, 9);
    expect(groups[0].topics[0].partitions[0]).toMatchObject({ errorCode: 0, committedOffset: 17 });
  });
});

describe('closing', () => {
  it('is idempotent, ends connections and leaves no timer', async () => {
    const clock = new ManualClock();
    const book = new LogBook();
    const network = new PipeNetwork(clock);
    const broker = await Broker.start({
      config: { 'log.dirs': '/data' },
      disk: memoryDisk(),
      clock,
      logger: book.logger,
      acceptor: network,
      network,
    });
    const connection = await broker.connect().connect(broker.host, broker.port);
    let isClosed = false;
    connection.start({ data: () => {}, drain: () => {}, close: () => (isClosed = true) });
    await clock.settle();
    await Promise.all([broker.close(), broker.close()]);
    await clock.advance(10_000);
    expect(isClosed).toBe(true);
    expect(clock.pendingTimerCount).toBe(0);
    expect(book.at('error')).toEqual([]);
  });
});

describe('a metadata log whose quorum-state is lost', () => {
  it('is led in an epoch that was not there before', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const { disk } = scene;
    for (let start = 0; start < 3; start++) {
      await scene.close();
      scene = await Scene.start({ disk });
    }
    await scene.close();
    await disk.remove('/data/__cluster_metadata-0/quorum-state');
    scene = await Scene.start({ disk });
    const state = JSON.parse(String(await disk.readFile('/data/__cluster_metadata-0/quorum-state')));
    expect(state.leaderEpoch).toBe(5);
  });
});
