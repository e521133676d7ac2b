import { afterEach, describe, expect, it } from '@jest/globals';
import { ZERO_UUID } from '#core';
import { Apis, Errors, errorByCode } from '#protocol';
import { batchOf, Scene } from './scene.ts';

let scene: Scene;

afterEach(() => scene?.close());

const outcome = (items: { name?: string | null; errorCode: number }[]) =>
  items.map(({ name, errorCode }) => `${name} ${errorByCode(errorCode).name}`);
const draft = (
  name: string,
  options: { numPartitions?: number; configs?: { name: string; value: string | null }[] } = {},
) => ({
  name,
  numPartitions: 1,
  replicationFactor: 1,
  configs: [],
  ...options,
});

async function create(topics: ReturnType<typeof draft>[], version = 7, validateOnly = false) {
  return (await scene.send(Apis.CreateTopics, { topics, timeoutMs: 1000, validateOnly }, version)).topics;
}

describe('CreateTopics', () => {
  it.each([2, 3, 4, 5, 6, 7])('version %d makes topics that can be used at once', async (version) => {
    scene = await Scene.start();
    const [topic] = await create([draft('t', { numPartitions: 2 })], version);
    expect(topic).toMatchObject({ name: 't', errorCode: 0 });
    if (version >= 5) expect(topic).toMatchObject({ numPartitions: 2, replicationFactor: 1 });
    expect(await scene.produce('t', batchOf(['a']), { partition: 1 })).toMatchObject({ errorCode: 0 });
  });

  it('answers with the configs that the topic has', async () => {
    scene = await Scene.start({ config: { 'log.retention.hours': 2 } });
    const [{ configs }] = await create([draft('t', { configs: [{ name: 'segment.bytes', value: '5MB' }] })]);
    const byName = new Map(configs!.map((config) => [config.name, config]));
    expect(byName.get('segment.bytes')).toMatchObject({ value: '5242880', configSource: 1 });
    expect(byName.get('retention.ms')).toMatchObject({ value: '7200000', configSource: 4 });
    expect(byName.get('cleanup.policy')).toMatchObject({ value: 'delete', configSource: 5 });
  });

  it('does nothing for requests that give it no time, as Kafka does', async () => {
    scene = await Scene.start({ topics: { there: 1 } });
    const timeoutMs = 0;
    const timedOut = { errorCode: Errors.REQUEST_TIMED_OUT.code, errorMessage: null };
    const created = await scene.send(Apis.CreateTopics, { topics: [draft('t')], timeoutMs });
    expect(created.topics).toMatchObject([{ name: 't', ...timedOut }]);
    const grown = await scene.send(Apis.CreatePartitions, { topics: [{ name: 'there', count: 2 }], timeoutMs });
    expect(grown.results).toMatchObject([{ name: 'there', ...timedOut }]);
    const deleted = await scene.send(Apis.DeleteTopics, { topics: [{ name: 'there' }], timeoutMs });
    expect(deleted.responses).toMatchObject([{ name: 'there', ...timedOut }]);
    const topicPartitions = [{ topic: 'there', partitions: [0] }];
    const elected = await scene.send(Apis.ElectLeaders, { topicPartitions, timeoutMs });
    expect(elected).toMatchObject({
      errorCode: timedOut.errorCode,
      replicaElectionResults: [{ topic: 'there', partitionResult: [{ partitionId: 0, ...timedOut }] }],
    });
    const topics = [{ name: 'there', partitions: [{ partitionIndex: 0, replicas: [7] }] }];
    const reassignment = { topics, timeoutMs, allowReplicationFactorChange: false };
    expect(await scene.send(Apis.AlterPartitionReassignments, reassignment)).toMatchObject({
      allowReplicationFactorChange: true,
      ...timedOut,
      responses: [{ name: 'there', partitions: [{ partitionIndex: 0, ...timedOut }] }],
    });
    expect(await scene.produce('there', batchOf(['still']))).toMatchObject({ errorCode: 0 });
  });

  it('says in words why a topic is refused', async () => {
    scene = await Scene.start({ topics: { there: 1 } });
    const topics = await create([
      draft('there'),
      draft('a/b'),
      draft('none', { numPartitions: 0 }),
      draft('conf', { configs: [{ name: 'retention.ms', value: 'soon' }] }),
      draft('typo', { configs: [{ name: 'retentoin.ms', value: '1' }] }),
    ]);
    expect(outcome(topics)).toEqual([
      'there TOPIC_ALREADY_EXISTS',
      'a/b INVALID_TOPIC_EXCEPTION',
      'none INVALID_PARTITIONS',
      'conf INVALID_CONFIG',
      'typo INVALID_CONFIG',
    ]);
    expect(topics.every(({ errorMessage }) => errorMessage !== null)).toBe(true);
    expect(topics[3].errorMessage).toMatch(/retention.ms.*soon/);
  });

  it('validates without making anything', async () => {
    scene = await Scene.start({ config: { 'auto.create.topics.enable': false } });
    expect(outcome(await create([draft('t'), draft('t2', { numPartitions: -5 })], 7, true))).toEqual([
      't NONE',
      't2 INVALID_PARTITIONS',
    ]);
    expect((await scene.send(Apis.Metadata, { topics: null })).topics).toEqual([]);
  });

  it('survives a restart: names, ids, partitions, configs', async () => {
    scene = await Scene.start();
    await create([draft('t', { numPartitions: 3, configs: [{ name: 'retention.ms', value: '30s' }] })]);
    const topicId = await scene.topicId('t');
    const { disk } = scene;
    await scene.close();
    scene = await Scene.start({ disk });
    const { topics } = await scene.send(Apis.Metadata, { topics: [{ name: 't' }] });
    expect(topics[0].topicId).toBe(topicId);
    expect(topics[0].partitions.map(({ leaderEpoch }) => leaderEpoch)).toEqual([2, 2, 2]);
    const resources = [{ resourceType: 2, resourceName: 't', configurationKeys: ['retention.ms'] }];
    const { results } = await scene.send(Apis.DescribeConfigs, { resources });
    expect(results[0].configs[0]).toMatchObject({ value: '30000', configSource: 1 });
  });
});

describe('DeleteTopics', () => {
  it.each([1, 2, 3, 4, 5])('version %d deletes by name', async (version) => {
    scene = await Scene.start({ topics: { t: 1 } });
    const { responses } = await scene.send(
      Apis.DeleteTopics,
      { topicNames: ['t', 'nosuch'], timeoutMs: 1000 },
      version,
    );
    expect(outcome(responses)).toEqual(['t NONE', 'nosuch UNKNOWN_TOPIC_OR_PARTITION']);
    expect((await scene.send(Apis.Metadata, { topics: null })).topics).toEqual([]);
  });

  it('version 6 deletes by name or id, and tells both', async () => {
    scene = await Scene.start({ topics: { a: 1, b: 1 } });
    const topicId = await scene.topicId('b');
    const topics = [{ name: 'a' }, { name: null, topicId }, { name: null, topicId: 'BBBBBBBBBBBBBBBBBBBBBA' }];
    const { responses } = await scene.send(Apis.DeleteTopics, { topics, timeoutMs: 1000 });
    expect(outcome(responses)).toEqual(['a NONE', 'b NONE', 'null UNKNOWN_TOPIC_ID']);
    expect(responses[1].topicId).toBe(topicId);
  });

  it('may be followed by a topic of the same name, which is empty and has another id', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.produce('t', batchOf(['old']));
    const topicId = await scene.topicId('t');
    await scene.send(Apis.DeleteTopics, { topics: [{ name: 't' }], timeoutMs: 1000 });
    await scene.createTopics({ t: 1 });
    expect(await scene.topicId('t')).not.toBe(topicId);
    expect(await scene.produce('t', batchOf(['new']))).toMatchObject({ errorCode: 0, baseOffset: 0 });
    const { disk } = scene;
    await scene.close();
    scene = await Scene.start({ disk });
    expect(await scene.produce('t', batchOf(['newer']))).toMatchObject({ errorCode: 0, baseOffset: 1 });
  });

  it('can be switched off', async () => {
    scene = await Scene.start({ topics: { t: 1 }, config: { 'delete.topic.enable': false } });
    const { responses } = await scene.send(Apis.DeleteTopics, { topics: [{ name: 't' }], timeoutMs: 1000 });
    expect(responses[0].errorCode).toBe(Errors.TOPIC_DELETION_DISABLED.code);
  });
});

describe('CreatePartitions', () => {
  it.each([0, 1, 2, 3])('version %d adds partitions that can be used at once', async (version) => {
    scene = await Scene.start({ topics: { t: 1 } });
    const topics = [
      { name: 't', count: 3, assignments: null },
      { name: 'nosuch', count: 3, assignments: null },
    ];
    const { results } = await scene.send(Apis.CreatePartitions, { topics, timeoutMs: 1000 }, version);
    expect(outcome(results)).toEqual(['t NONE', 'nosuch UNKNOWN_TOPIC_OR_PARTITION']);
    expect(await scene.produce('t', batchOf(['a']), { partition: 2 })).toMatchObject({ errorCode: 0 });
  });

  it('never shrinks a topic', async () => {
    scene = await Scene.start({ topics: { t: 3 } });
    const { results } = await scene.send(Apis.CreatePartitions, {
      topics: [{ name: 't', count: 2, assignments: null }],
      timeoutMs: 1000,
    });
    expect(outcome(results)).toEqual(['t INVALID_PARTITIONS']);
    expect(results[0].errorMessage).toMatch(/cannot shrink from 3 partitions/);
  });
});

describe('configs', () => {
  const describeTopic = async (keys: string[] | null, version = 4, name = 't') => {
    const resources = [{ resourceType: 2, resourceName: name, configurationKeys: keys }];
    return (await scene.send(Apis.DescribeConfigs, { resources, includeSynonyms: true }, version)).results[0];
  };

  it.each([1, 2, 3, 4])('DescribeConfigs version %d shows values, sources and synonyms of a topic', async (version) => {
    scene = await Scene.start({ config: { 'log.retention.minutes': 10, 'log.retention.hours': 5 } });
    await create([draft('t', { configs: [{ name: 'retention.ms', value: '5000' }] })]);
    const { configs } = await describeTopic(['retention.ms'], version);
    expect(configs).toMatchObject([
      { name: 'retention.ms', value: '5000', configSource: 1, readOnly: false, isSensitive: false },
    ]);
    expect(configs[0].synonyms).toEqual([{ name: 'retention.ms', value: '5000', source: 1 }]);
    if (version >= 3) expect(configs[0].configType).toBe(5);
  });

  it('are all there when no key is named', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    expect((await describeTopic(null)).configs.length).toBeGreaterThan(30);
    expect((await describeTopic([])).configs.length).toBeGreaterThan(30);
  });

  it('of the broker are shown, read-only', async () => {
    scene = await Scene.start({ config: { 'num.partitions': 4, 'log.roll.hours': 3 } });
    const resources = [
      {
        resourceType: 4,
        resourceName: '1',
        configurationKeys: ['num.partitions', 'log.roll.hours', 'listeners', 'node.id'],
      },
    ];
    const { results } = await scene.send(Apis.DescribeConfigs, { resources });
    const shown = results[0].configs.map(({ name, value, configSource, readOnly }) => [
      name,
      value,
      configSource,
      readOnly,
    ]);
    expect(shown).toEqual([
      ['listeners', 'PLAINTEXT://127.0.0.1:9092', 4, true],
      ['log.roll.hours', '3', 4, true],
      ['node.id', '1', 5, true],
      ['num.partitions', '4', 4, true],
    ]);
  });

  it('of what is not there are an error', async () => {
    scene = await Scene.start();
    expect((await describeTopic(null, 4, 'nosuch')).errorCode).toBe(Errors.UNKNOWN_TOPIC_OR_PARTITION.code);
    const resources = [{ resourceType: 4, resourceName: '9', configurationKeys: null }];
    expect((await scene.send(Apis.DescribeConfigs, { resources })).results[0].errorCode).toBe(
      Errors.INVALID_REQUEST.code,
    );
  });

  it.each([0, 1])('IncrementalAlterConfigs version %d changes what the log does', async (version) => {
    scene = await Scene.start({ topics: { t: 1 } });
    const alter = async (configs: { name: string; configOperation: number; value: string | null }[]) => {
      const resources = [{ resourceType: 2, resourceName: 't', configs }];
      return (await scene.send(Apis.IncrementalAlterConfigs, { resources }, version)).responses[0];
    };
    expect(await alter([{ name: 'max.message.bytes', configOperation: 0, value: '200' }])).toMatchObject({
      errorCode: 0,
    });
    expect(await scene.produce('t', batchOf(['x'.repeat(300)]))).toMatchObject({
      errorCode: Errors.MESSAGE_TOO_LARGE.code,
    });
    expect(await alter([{ name: 'max.message.bytes', configOperation: 1, value: null }])).toMatchObject({
      errorCode: 0,
    });
    expect(await scene.produce('t', batchOf(['x'.repeat(300)]))).toMatchObject({ errorCode: 0 });
    expect(await alter([{ name: 'max.message.bytes', configOperation: 9, value: '1' }])).toMatchObject({
      errorCode: Errors.INVALID_REQUEST.code,
    });
    expect(await alter([{ name: 'max.message.bytes', configOperation: 0, value: 'x' }])).toMatchObject({
      errorCode: Errors.INVALID_CONFIG.code,
    });
  });

  it.each([0, 1, 2])('AlterConfigs version %d replaces all overrides', async (version) => {
    scene = await Scene.start();
    await create([
      draft('t', {
        configs: [
          { name: 'retention.ms', value: '1' },
          { name: 'segment.ms', value: '2' },
        ],
      }),
    ]);
    const resources = [{ resourceType: 2, resourceName: 't', configs: [{ name: 'segment.ms', value: '3' }] }];
    expect((await scene.send(Apis.AlterConfigs, { resources }, version)).responses[0]).toMatchObject({ errorCode: 0 });
    const { configs } = await describeTopic(['retention.ms', 'segment.ms']);
    expect(configs.map(({ name, value, configSource }) => [name, value, configSource])).toEqual([
      ['retention.ms', '604800000', 5],
      ['segment.ms', '3', 1],
    ]);
  });
});

describe('a request that names a topic twice', () => {
  const REFUSED = Errors.INVALID_REQUEST.code;

  it('deletes nothing for it, whether by name, by id, or by both', async () => {
    scene = await Scene.start({ topics: { a: 1, b: 1, c: 1, d: 1 } });
    const [b, c] = [await scene.topicId('b'), await scene.topicId('c')];
    const topics = [
      { name: 'a' },
      { name: 'a' },
      { name: 'b' },
      { name: null, topicId: b },
      { name: null, topicId: c },
      { name: null, topicId: c },
      { name: 'd' },
      { name: null },
      { name: 'x', topicId: b },
    ];
    const { responses } = await scene.send(Apis.DeleteTopics, { topics, timeoutMs: 1000 }, 6);
    expect(responses.map(({ name, topicId, errorCode }) => [name, topicId, errorCode])).toEqual([
      ['a', ZERO_UUID, REFUSED],
      ['b', b, REFUSED],
      [null, c, REFUSED],
      ['d', expect.any(String), 0],
      [null, ZERO_UUID, REFUSED],
      ['x', b, REFUSED],
    ]);
    const { topics: left } = await scene.send(Apis.Metadata, { topics: null });
    expect(left.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  it('gives it no partitions', async () => {
    scene = await Scene.start({ topics: { a: 1, b: 1 } });
    const grown = (name: string) => ({ name, count: 2, assignments: null });
    const body = { topics: [grown('a'), grown('a'), grown('b')], timeoutMs: 1000 };
    const { results } = await scene.send(Apis.CreatePartitions, body);
    expect(results.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['a', REFUSED],
      ['b', 0],
    ]);
  });
});
