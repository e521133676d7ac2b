/** A data folder that an Apache Kafka used before: what its metadata log says is kept, what only it can do is not promised. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock, METADATA_TOPIC_ID, seededRandom, silentLogger, ZERO_UUID } from '#core';
import {
  Apis,
  BeginTransactionRecord,
  batches,
  buildBatch,
  ConfigRecord,
  controlRecordKey,
  type Draft,
  decodeMetadataRecord,
  EndTransactionRecord,
  encodeStored,
  encodeToBuffer,
  FeatureLevelRecord,
  type MessageSchema,
  NoOpRecord,
  PartitionRecord,
  RegisterControllerRecord,
  readRecords,
  SnapshotFooterRecord,
  SnapshotHeaderRecord,
  TopicRecord,
} from '#protocol';
import { LogDirectory, type MemoryDisk, memoryDisk, topicConfig } from '#storage';
import { putFile } from '../storage/golden-folder.ts';
import { Scene } from './scene.ts';

const TOPIC_ID = 'BFW8RU_yRPugVunx2YS_IA';
const METADATA_FOLDER = '/data/__cluster_metadata-0';

let disk: MemoryDisk;
let scene: Scene | undefined;

beforeEach(() => {
  disk = memoryDisk();
});

afterEach(async () => {
  await scene?.close();
  scene = undefined;
});

function record<S extends MessageSchema>(schema: S, body: Draft<S>, version = schema.versions.max): Buffer {
  return encodeStored(schema, version, body);
}

function batch(values: readonly Buffer[], baseOffset = 0): Buffer {
  return buildBatch(
    values.map((value) => ({ key: null, value, timestamp: 0 })),
    { baseOffset, partitionLeaderEpoch: 1 },
  );
}

function controlBatch(type: 'snapshot-header' | 'snapshot-footer', baseOffset: number): Buffer {
  const value =
    type === 'snapshot-header'
      ? encodeToBuffer(SnapshotHeaderRecord, 0, {})
      : encodeToBuffer(SnapshotFooterRecord, 0, {});
  return buildBatch([{ key: controlRecordKey(type), value, timestamp: 0 }], { isControl: true, baseOffset });
}

const features = ['metadata.version=33', 'transaction.version=2', 'group.version=1'].map((feature) => {
  const [name, level] = feature.split('=');
  return record(FeatureLevelRecord, { name, featureLevel: Number(level) });
});

/** A topic that nobody leads, since Kafka has stopped. */
function topic(name: string, topicId = TOPIC_ID): Buffer[] {
  const partition = { partitionId: 0, topicId, replicas: [1], isr: [], leader: -1, leaderEpoch: 4, partitionEpoch: 5 };
  return [
    record(TopicRecord, { name, topicId }),
    record(ConfigRecord, { resourceType: 2, resourceName: name, name: 'retention.ms', value: '1234567' }),
    record(PartitionRecord, { ...partition, eligibleLeaderReplicas: [1], lastKnownElr: [1], directories: [ZERO_UUID] }),
  ];
}

/** Writes the metadata log as Kafka left it: batches from `startOffset` on. */
async function writeLog(values: readonly Buffer[], startOffset = 0): Promise<void> {
  const options = { disk, path: '/data', clock: new ManualClock(), random: seededRandom(2), logger: silentLogger };
  const directory = await LogDirectory.open({ ...options, nodeId: 1, durability: 'sync' });
  const log = directory.create('__cluster_metadata', 0, METADATA_TOPIC_ID, topicConfig());
  const filler = Array.from({ length: startOffset }, () => record(NoOpRecord, {}));
  for (const part of startOffset === 0 ? [values] : [filler, values]) {
    const { error } = log.append(batch(part, log.logEndOffset), { leaderEpoch: 1, origin: 'coordinator' });
    expect(error).toBeUndefined();
    await log.flush();
  }
  await log.deleteRecords(startOffset);
  await directory.close();
}

const anything = [record(NoOpRecord, {})];

/** What describes the first topic. */
async function describeTopic(): Promise<object> {
  const { topics } = await scene!.send(Apis.Metadata, { topics: null });
  const { results } = await scene!.send(Apis.DescribeConfigs, {
    resources: [{ resourceType: 2, resourceName: topics[0].name ?? undefined, configurationKeys: ['retention.ms'] }],
  });
  const { name, topicId, partitions } = topics[0];
  const { leaderId, leaderEpoch, isrNodes } = partitions[0];
  return { name, topicId, leaderId, leaderEpoch, isrNodes, retentionMs: results[0].configs[0].value };
}

/** The metadata records of the log, with the versions in which they stand. */
async function versionsWritten(): Promise<string[]> {
  const files = (await disk.list(METADATA_FOLDER)).map(({ name }) => name).filter((name) => name.endsWith('.log'));
  const contents = await Promise.all(files.sort().map((name) => disk.readFile(`${METADATA_FOLDER}/${name}`)));
  const bytes = Buffer.concat(contents.map((content) => content!));
  const texts: string[] = [];
  for (const { position, header } of batches(bytes)) {
    if (header.isControl) continue;
    const cursor = readRecords(bytes, position, { decompressedBytesMax: 100_000 });
    for (let entry = cursor.next(); entry !== undefined; entry = cursor.next()) {
      const { name, version } = decodeMetadataRecord(entry.value!);
      texts.push(`${name} ${version}`);
    }
  }
  return texts;
}

const DESCRIBED = {
  name: 'orders',
  topicId: TOPIC_ID,
  leaderId: 1,
  leaderEpoch: 5,
  isrNodes: [1],
  retentionMs: '1234567',
};

describe('a metadata log of Apache Kafka', () => {
  it('gives its topics, which are led again, and is passed over where it says what we need not know', async () => {
    const controller = { controllerId: 1, incarnationId: TOPIC_ID, endPoints: [], features: [] };
    await writeLog([...features, record(RegisterControllerRecord, controller), ...anything, ...topic('orders')]);
    scene = await Scene.start({ disk });
    expect(await describeTopic()).toEqual(DESCRIBED);
    expect((await scene.produce('orders', batch([Buffer.from('x')]))).errorCode).toBe(0);
  });

  it('does not make us promise the features of Kafka', async () => {
    await writeLog([...features, ...anything]);
    scene = await Scene.start({ disk });
    const body = { clientSoftwareName: 'test', clientSoftwareVersion: '1.0' };
    const { finalizedFeatures } = await scene.send(Apis.ApiVersions, body);
    expect(finalizedFeatures).toEqual([
      { name: 'metadata.version', maxVersionLevel: 33, minVersionLevel: 33 },
      { name: 'transaction.version', maxVersionLevel: 2, minVersionLevel: 2 },
      { name: 'group.version', maxVersionLevel: 1, minVersionLevel: 1 },
    ]);
  });

  it('of a lower metadata.version gets records that such a Kafka can read', async () => {
    await writeLog([record(FeatureLevelRecord, { name: 'metadata.version', featureLevel: 22 })]);
    scene = await Scene.start({ disk, topics: { t: 1 } });
    expect(await versionsWritten()).toEqual([
      'FeatureLevelRecord 0',
      'RegisterBrokerRecord 3',
      'BrokerRegistrationChangeRecord 2',
      'TopicRecord 0',
      'PartitionRecord 1',
    ]);
  });

  it('that ends within a metadata transaction: what is in it never was', async () => {
    const begin = record(BeginTransactionRecord, { name: 'unfinished' });
    await writeLog([...features, ...topic('orders'), begin, ...topic('later', 'AAAAAAAAAAAAAAAAAAAABQ')]);
    for (let start = 0; start < 2; start++) {
      scene = await Scene.start({ disk });
      const { topics } = await scene.send(Apis.Metadata, { topics: null });
      expect(topics.map(({ name }) => name)).toEqual(['orders']);
      await scene.close();
    }
    scene = undefined;
    expect((await versionsWritten()).filter((text) => text.startsWith('Abort'))).toEqual(['AbortTransactionRecord 0']);
  });

  it('sets dynamic configs: those that cannot be used here are left out, and told', async () => {
    const config = (name: string, value: string) =>
      record(ConfigRecord, { resourceType: 4, resourceName: '', name, value });
    const values = [
      config('log.cleaner.backoff.ms', 'soon'),
      config('max.connections', '77'),
      config('num.io.threads', '9'),
    ];
    await writeLog([...features, ...values]);
    scene = await Scene.start({ disk });
    const resources = [{ resourceType: 4, resourceName: '1', configurationKeys: ['max.connections'] }];
    const { results } = await scene.send(Apis.DescribeConfigs, { resources });
    expect(results[0].configs).toMatchObject([{ value: '77', configSource: 3 }]);
    expect(scene.book.at('warn')).toEqual([
      expect.stringMatching(/^A dynamic broker config cannot be used: log\.cleaner\.backoff\.ms.*soon/),
      'Dynamic broker configs without effect here: num.io.threads',
    ]);
  });

  it('that ends a metadata transaction: what is in it counts', async () => {
    const [begin, end] = [record(BeginTransactionRecord, {}), record(EndTransactionRecord, {})];
    await writeLog([begin, ...features, ...topic('orders'), end]);
    scene = await Scene.start({ disk });
    expect(await describeTopic()).toEqual(DESCRIBED);
  });

  it('of a later metadata.version is refused', async () => {
    await writeLog([record(FeatureLevelRecord, { name: 'metadata.version', featureLevel: 34 })]);
    await expect(Scene.start({ disk })).rejects.toMatchObject({
      code: 'UNSUPPORTED_VERSION',
      message: expect.stringMatching(/metadata\.version=34; up to 33 .*log\.dirs/),
    });
  });
});

describe('a metadata log whose beginning is in a snapshot', () => {
  const CHECKPOINT = `${METADATA_FOLDER}/00000000000000000020-0000000001.checkpoint`;

  function snapshotOf(values: readonly Buffer[]): Buffer {
    return Buffer.concat([controlBatch('snapshot-header', 0), batch(values, 1), controlBatch('snapshot-footer', 9)]);
  }

  it('is read from it on, again and again', async () => {
    await writeLog(topic('later', 'AAAAAAAAAAAAAAAAAAAABQ'), 20);
    putFile(disk, CHECKPOINT, snapshotOf([...features, ...topic('orders')]));
    for (let start = 0; start < 2; start++) {
      scene = await Scene.start({ disk });
      expect(await describeTopic()).toEqual({ ...DESCRIBED, leaderEpoch: 5 + 2 * start });
      const { topics } = await scene.send(Apis.Metadata, { topics: null });
      expect(topics.map(({ name }) => name)).toEqual(['orders', 'later']);
      await scene.close();
    }
    scene = undefined;
  });

  it('is read from an older one when the newest is damaged or not whole', async () => {
    await writeLog(anything, 20);
    await writeMore();
    const whole = snapshotOf([...features, ...topic('orders')]);
    putFile(disk, CHECKPOINT, whole);
    const flipped = Buffer.from(snapshotOf(features));
    flipped[flipped.length - 90] ^= 1;
    putFile(disk, `${METADATA_FOLDER}/00000000000000000021-0000000001.checkpoint`, flipped);
    putFile(disk, `${METADATA_FOLDER}/00000000000000000022-0000000001.checkpoint`, batch(features));
    scene = await Scene.start({ disk });
    expect(await describeTopic()).toEqual(DESCRIBED);
    expect(scene.book.at('warn')).toEqual([
      expect.stringMatching(/snapshot.*0022-.* has no end/),
      expect.stringMatching(/snapshot.*0021-.* fails its checksum/),
    ]);
  });

  it.each([
    ['nothing', undefined],
    ['a damaged one', Buffer.from('damaged')],
  ])('is refused when %s is there of the snapshot', async (_, bytes) => {
    await writeLog(anything, 20);
    if (bytes !== undefined) putFile(disk, CHECKPOINT, bytes);
    await expect(Scene.start({ disk })).rejects.toMatchObject({
      code: 'CORRUPT_MESSAGE',
      message: expect.stringMatching(/holds offsets 20 to 21.*something is missing/),
    });
  });

  it('is refused when it ends before the snapshot', async () => {
    await writeLog(anything);
    putFile(disk, CHECKPOINT, snapshotOf([...features, ...topic('orders')]));
    await expect(Scene.start({ disk })).rejects.toMatchObject({
      message: expect.stringMatching(/holds offsets 0 to 1.*before 20/),
    });
  });

  /** Two more records, so that there may be later snapshots. */
  async function writeMore(): Promise<void> {
    const options = { disk, path: '/data', clock: new ManualClock(), random: seededRandom(2), logger: silentLogger };
    const directory = await LogDirectory.open({ ...options, nodeId: 1, durability: 'sync' });
    const log = directory.get('__cluster_metadata', 0)!;
    log.append(batch([...anything, ...anything]), { leaderEpoch: 1, origin: 'coordinator' });
    await directory.close();
  }
});
