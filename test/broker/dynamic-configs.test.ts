/** Configs that change while the broker runs: of brokers, groups, client metrics and loggers, over the wire. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Apis, errorByCode } from '#protocol';
import { memoryDisk } from '#storage';
import { batchOf, Scene } from './scene.ts';

const TOPIC = 2;
const BROKER = 4;
const LOGGER = 8;
const CLIENT_METRICS = 16;
const GROUP = 32;

let scene: Scene;

afterEach(() => scene?.close());

type Change = readonly [name: string, value: string | null];

/** Sets keys, or with null takes them away. */
async function alter(type: number, name: string, changes: readonly Change[], validateOnly = false) {
  const configs = changes.map(([key, value]) => ({ name: key, value, configOperation: value === null ? 1 : 0 }));
  const resources = [{ resourceType: type, resourceName: name, configs }];
  const { responses } = await scene.send(Apis.IncrementalAlterConfigs, { resources, validateOnly });
  return { error: errorByCode(responses[0].errorCode).name, message: responses[0].errorMessage };
}

async function describeAll(type: number, name: string, keys: string[] | null = null) {
  const resources = [{ resourceType: type, resourceName: name, configurationKeys: keys }];
  const body = { resources, includeSynonyms: true, includeDocumentation: true };
  const { results } = await scene.send(Apis.DescribeConfigs, body);
  return results[0];
}

/** `value@source: synonym=value@source …` */
async function shown(type: number, name: string, key: string): Promise<string> {
  const { configs } = await describeAll(type, name, [key]);
  const [{ value, configSource, synonyms }] = configs;
  const places = synonyms.map((synonym) => `${synonym.name}=${synonym.value}@${synonym.source}`);
  return [`${value}@${configSource}:`, ...places].join(' ');
}

const large = batchOf(['x'.repeat(500)]);
const isTaken = async () => (await scene.produce('t', large)).errorCode === 0;

describe('defaults of topics', () => {
  it('take effect at once, own ones before those of all brokers before those of the start, and go again', async () => {
    scene = await Scene.start({ topics: { t: 1 }, config: { 'message.max.bytes': 2000 } });
    expect(await isTaken()).toBe(true);
    expect(await alter(BROKER, '', [['message.max.bytes', '300']])).toMatchObject({ error: 'NONE' });
    expect(await isTaken()).toBe(false);
    expect(await alter(BROKER, '1', [['message.max.bytes', '1000']])).toMatchObject({ error: 'NONE' });
    expect(await isTaken()).toBe(true);
    expect(await shown(TOPIC, 't', 'max.message.bytes')).toBe(
      '1000@2: message.max.bytes=1000@2 message.max.bytes=300@3 message.max.bytes=2000@4 message.max.bytes=1048588@5',
    );
    await alter(TOPIC, 't', [['max.message.bytes', '200']]);
    expect(await isTaken()).toBe(false);
    await alter(TOPIC, 't', [['max.message.bytes', null]]);
    await alter(BROKER, '1', [['message.max.bytes', null]]);
    expect(await isTaken()).toBe(false);
    await alter(BROKER, '', [['message.max.bytes', null]]);
    expect(await isTaken()).toBe(true);
  });

  it('outlive a restart', async () => {
    const disk = memoryDisk();
    scene = await Scene.start({ disk, topics: { t: 1 } });
    await alter(BROKER, '', [['message.max.bytes', '300']]);
    await scene.close();
    scene = await Scene.start({ disk });
    expect(await isTaken()).toBe(false);
  });

  it('that would not go together are refused, and nothing is written when it is only asked', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    expect(await alter(BROKER, '', [['compression.lz4.level', '3']])).toMatchObject({ error: 'INVALID_REQUEST' });
    expect(await alter(BROKER, '', [['message.max.bytes', '300']], true)).toMatchObject({ error: 'NONE' });
    expect(await isTaken()).toBe(true);
    expect((await describeAll(BROKER, '')).configs).toEqual([]);
  });
});

describe('keys of the broker', () => {
  it('limit connections from then on', async () => {
    scene = await Scene.start();
    expect(await alter(BROKER, '', [['max.connections.per.ip', '1']])).toMatchObject({ error: 'NONE' });
    const second = await scene.client();
    await expect(second.send(Apis.ApiVersions, 0, {}, { timeoutMs: 1000 })).rejects.toThrow();
    expect(await alter(BROKER, '', [['max.connections.per.ip', null]])).toMatchObject({ error: 'NONE' });
    const third = await scene.client();
    expect((await third.send(Apis.ApiVersions, 0, {}, { timeoutMs: 1000 })).errorCode).toBe(0);
  });

  it.each([
    ['1', 'num.partitions', '3', 'Cannot update these configs dynamically: [num.partitions]'],
    ['', 'log.retention.hours', '3', 'Cannot update these configs dynamically: [log.retention.hours]'],
    ['', 'sasl.jaas.config', 'secret', 'Cannot update these configs dynamically: [sasl.jaas.config]'],
    ['', 'log.retention.ms', 'abc', /log\.retention\.ms.*abc/],
    ['', 'max.connections.per.ip.overrides', 'nonsense', /max\.connections\.per\.ip\.overrides/],
    ['7', 'log.retention.ms', '1', /This is broker 1/],
    ['x', 'log.retention.ms', '1', /This is broker 1/],
  ])("of '%s': %s=%s is refused", async (name, key, value, message) => {
    scene = await Scene.start();
    const answer = await alter(BROKER, name, [[key, value]]);
    expect(answer.error).toBe('INVALID_REQUEST');
    expect(answer.message).toEqual(typeof message === 'string' ? message : expect.stringMatching(message));
    expect((await describeAll(BROKER, '')).configs).toEqual([]);
  });

  it('that mean nothing here are taken and told once, and shown unless they are of somebody else', async () => {
    scene = await Scene.start();
    expect(
      await alter(BROKER, '', [
        ['num.io.threads', '9'],
        ['somebody.s.key', 'secret'],
      ]),
    ).toMatchObject({ error: 'NONE' });
    expect(scene.book.at('warn')).toEqual([
      'Dynamic broker configs without effect here: num.io.threads',
      'Dynamic broker configs without effect here: somebody.s.key',
    ]);
    const { configs } = await describeAll(BROKER, '');
    expect(configs.map(({ name, value, isSensitive }) => [name, value, isSensitive])).toEqual([
      ['num.io.threads', '9', false],
      ['somebody.s.key', null, true],
    ]);
    expect(await shown(BROKER, '1', 'num.io.threads')).toBe('9@3: num.io.threads=9@3 num.io.threads=8@5');
    expect(await alter(BROKER, '', [['num.io.threads', 'many']])).toMatchObject({ error: 'INVALID_REQUEST' });
    expect(await alter(BROKER, '', [['somebody.s.key', null]])).toMatchObject({ error: 'NONE' });
  });

  it.each([
    'leader.replication.throttled.rate',
    'follower.replication.throttled.rate',
    'replica.alter.log.dirs.io.max.bytes.per.second',
  ])('with which a tool holds back moves of replicas are taken, shown and taken away: %s', async (name) => {
    scene = await Scene.start();
    expect(await alter(BROKER, '1', [[name, '1000']])).toMatchObject({ error: 'NONE' });
    expect(await shown(BROKER, '1', name)).toBe(`1000@2: ${name}=1000@2`);
    expect(await alter(BROKER, '1', [[name, '-1']])).toMatchObject({ error: 'INVALID_REQUEST' });
    expect(await alter(BROKER, '1', [[name, null]])).toMatchObject({ error: 'NONE' });
    expect((await describeAll(BROKER, '1', [name])).configs).toEqual([]);
  });

  it('are shown with type, default and whether they can change', async () => {
    scene = await Scene.start({ config: { 'log.retention.hours': 5 } });
    const { errorMessage, configs } = await describeAll(BROKER, '1');
    expect(errorMessage).toBe('');
    const rows = new Map(configs.map((config) => [config.name, config]));
    expect(rows.get('log.retention.ms')).toMatchObject({
      value: null,
      configSource: 5,
      readOnly: false,
      configType: 5,
      synonyms: [],
    });
    expect(rows.get('log.retention.hours')).toMatchObject({
      value: '5',
      configSource: 4,
      readOnly: true,
      configType: 3,
    });
    expect(rows.get('log.cleaner.backoff.ms')).toMatchObject({ value: '15000', readOnly: false });
    expect(rows.get('num.partitions')).toMatchObject({ value: '1', readOnly: true });
    for (const { name, documentation } of configs)
      expect([name, (documentation ?? '').length > 0]).toEqual([name, true]);
    await alter(BROKER, '', [['log.retention.ms', '1000']]);
    expect(await shown(BROKER, '1', 'log.retention.ms')).toBe(
      '1000@3: log.retention.ms=1000@3 log.retention.hours=5@4 log.retention.hours=168@5',
    );
  });
});

describe('client metrics', () => {
  it('are subscriptions by name, listed when they are there', async () => {
    scene = await Scene.start();
    const changes: Change[] = [
      ['interval.ms', '1000'],
      ['match', 'client_id=a.*,client_software_name=java'],
      ['metrics', '*'],
    ];
    expect(await alter(CLIENT_METRICS, 'm', changes)).toMatchObject({ error: 'NONE' });
    expect(await shown(CLIENT_METRICS, 'm', 'interval.ms')).toBe('1000@7: interval.ms=1000@7');
    expect(await shown(CLIENT_METRICS, 'other', 'interval.ms')).toBe('300000@5:');
    expect((await scene.send(Apis.ListConfigResources, {}, 0)).configResources).toEqual([
      { resourceName: 'm', resourceType: CLIENT_METRICS },
    ]);
    await alter(
      CLIENT_METRICS,
      'm',
      changes.map(([key]) => [key, null]),
    );
    expect((await scene.send(Apis.ListConfigResources, {}, 0)).configResources).toEqual([]);
  });

  it.each([
    ['m', 'interval.ms', '10', 'INVALID_REQUEST'],
    ['m', 'nope', '1', 'INVALID_REQUEST'],
    ['m', 'match', 'nope=a', 'INVALID_CONFIG'],
    ['m', 'match', 'client_id=(', 'INVALID_CONFIG'],
    ['', 'interval.ms', '1000', 'INVALID_REQUEST'],
  ])("of '%s': %s=%s is refused", async (name, key, value, error) => {
    scene = await Scene.start();
    expect(await alter(CLIENT_METRICS, name, [[key, value]])).toMatchObject({ error });
  });
});

describe('groups', () => {
  it("have configs of their own, and the brokers' where they have none", async () => {
    scene = await Scene.start();
    expect(await shown(GROUP, 'g', 'consumer.session.timeout.ms')).toBe(
      '45000@5: group.consumer.session.timeout.ms=45000@5',
    );
    expect(await alter(GROUP, 'g', [['consumer.session.timeout.ms', '50000']])).toMatchObject({ error: 'NONE' });
    expect(await shown(GROUP, 'g', 'consumer.session.timeout.ms')).toBe(
      '50000@8: consumer.session.timeout.ms=50000@8 group.consumer.session.timeout.ms=45000@5',
    );
    expect(await alter(GROUP, 'g', [['consumer.session.timeout.ms', '1']])).toMatchObject({ error: 'INVALID_CONFIG' });
    expect(await alter(GROUP, 'g', [['nope', '1']])).toMatchObject({ error: 'INVALID_CONFIG' });
    expect(await alter(GROUP, '', [['consumer.session.timeout.ms', '50000']])).toMatchObject({
      error: 'INVALID_REQUEST',
    });
  });

  it('have those of share groups and streams groups, and of those that Apache Kafka hides what is set', async () => {
    scene = await Scene.start();
    expect(await shown(GROUP, 'g', 'share.isolation.level')).toBe(
      'read_uncommitted@5: share.isolation.level=read_uncommitted@5',
    );
    expect(await shown(GROUP, 'g', 'streams.assignor.name')).toBe('sticky@5: group.streams.assignors=sticky@5');
    expect((await describeAll(GROUP, 'g', ['streams.num.warmup.replicas'])).configs).toEqual([]);
    expect(await alter(GROUP, 'g', [['streams.num.warmup.replicas', '3']])).toMatchObject({ error: 'NONE' });
    expect(await shown(GROUP, 'g', 'streams.num.warmup.replicas')).toBe(
      '3@8: streams.num.warmup.replicas=3@8 group.streams.num.warmup.replicas=2@5',
    );
  });

  it.each([
    ['share.auto.offset.reset', 'earliest', 'NONE'],
    ['share.auto.offset.reset', 'by_duration:P1DT2H3.5S', 'NONE'],
    ['share.auto.offset.reset', 'by_duration:P', 'INVALID_CONFIG'],
    ['share.auto.offset.reset', 'by_duration:-PT1H', 'INVALID_CONFIG'],
    ['share.session.timeout.ms', '44999', 'INVALID_CONFIG'],
    ['errors.deadletterqueue.topic.name', '__dead', 'INVALID_CONFIG'],
    ['streams.rack.aware.assignment.tags', 'a, a', 'INVALID_CONFIG'],
    ['streams.rack.aware.assignment.tags', 'a,b', 'NONE'],
    ['streams.acceptable.recovery.lag', '3000000000', 'NONE'],
    ['consumer.assignor.offload.enable', 'FALSE', 'NONE'],
  ])('%s=%s: %s', async (key, value, error) => {
    scene = await Scene.start();
    expect(await alter(GROUP, 'g', [[key, value]])).toMatchObject({ error });
  });

  it('are told to members with their next heartbeat', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.send(Apis.FindCoordinator, { keyType: 0, coordinatorKeys: ['g'] });
    const member = { groupId: 'g', memberId: 'm', memberEpoch: 0, rebalanceTimeoutMs: 1000 };
    const beat = () =>
      scene.send(Apis.ConsumerGroupHeartbeat, { ...member, subscribedTopicNames: ['t'], topicPartitions: [] });
    expect(await beat()).toMatchObject({ errorCode: 0, heartbeatIntervalMs: 5000 });
    expect(await alter(GROUP, 'g', [['consumer.heartbeat.interval.ms', '6000']])).toMatchObject({ error: 'NONE' });
    expect(await beat()).toMatchObject({ errorCode: 0, heartbeatIntervalMs: 6000 });
  });

  it('have sessions longer than a heartbeat', async () => {
    const least = {
      'group.consumer.min.session.timeout.ms': 100,
      'group.consumer.min.heartbeat.interval.ms': 100,
    };
    scene = await Scene.start({ config: least });
    const change = (session: string) => alter(GROUP, 'g', [['consumer.session.timeout.ms', session]]);
    expect(await change('5000')).toMatchObject({ error: 'INVALID_CONFIG' });
    expect(await change('5001')).toMatchObject({ error: 'NONE' });
  });
});

describe('loggers', () => {
  it('can be seen, and are not to be set here', async () => {
    scene = await Scene.start();
    const { configs } = await describeAll(LOGGER, '1');
    expect(configs.map(({ name, value, configSource }) => [name, value, configSource])).toEqual([['root', 'INFO', 6]]);
    expect(await alter(LOGGER, '1', [['root', 'DEBUG']])).toMatchObject({ error: 'INVALID_REQUEST' });
    expect(await alter(LOGGER, '1', [['root', 'LOUD']])).toMatchObject({ error: 'INVALID_CONFIG' });
    expect(await alter(LOGGER, '1', [['nope', 'INFO']])).toMatchObject({ error: 'INVALID_CONFIG' });
    expect(await alter(LOGGER, '3', [['root', 'INFO']])).toMatchObject({ error: 'INVALID_REQUEST' });
  });
});

describe('requests', () => {
  it('name a resource once, a key once, a value with each key, and types that there are', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const one = { name: 'retention.ms', value: '1', configOperation: 0 };
    const send = async (...resources: { resourceType: number; resourceName: string; configs: object[] }[]) => {
      const body = { resources } as never;
      const { responses } = await scene.send(Apis.IncrementalAlterConfigs, body);
      return responses.map(({ errorCode }) => errorByCode(errorCode).name);
    };
    const topic = { resourceType: TOPIC, resourceName: 't' };
    expect(await send({ ...topic, configs: [one] }, { ...topic, configs: [one] })).toEqual([
      'INVALID_REQUEST',
      'INVALID_REQUEST',
    ]);
    expect(await send({ ...topic, configs: [one, one] })).toEqual(['INVALID_REQUEST']);
    expect(await send({ ...topic, configs: [{ ...one, value: null }] })).toEqual(['INVALID_REQUEST']);
    expect(await send({ ...topic, configs: [{ ...one, configOperation: 9 }] })).toEqual(['INVALID_REQUEST']);
    expect(await send({ resourceType: 3, resourceName: 'x', configs: [one] })).toEqual(['INVALID_REQUEST']);
    expect(await send({ ...topic, resourceName: 'a b', configs: [one] })).toEqual(['INVALID_TOPIC_EXCEPTION']);
    expect(await send({ ...topic, resourceName: '', configs: [one] })).toEqual(['INVALID_REQUEST']);
  });

  it('of old replace all that is set for a broker', async () => {
    scene = await Scene.start();
    await alter(BROKER, '', [
      ['log.retention.ms', '1000'],
      ['log.retention.bytes', '5'],
    ]);
    const configs = [{ name: 'log.retention.ms', value: '2000' }];
    await scene.send(Apis.AlterConfigs, { resources: [{ resourceType: BROKER, resourceName: '', configs }] });
    const described = (await describeAll(BROKER, '')).configs.map(({ name, value }) => `${name}=${value}`);
    expect(described).toEqual(['log.retention.ms=2000']);
  });

  it('list all resources, or those of some types', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await alter(GROUP, 'g', [['consumer.session.timeout.ms', '50000']]);
    const listed = async (resourceTypes: number[]) => {
      const { errorCode, configResources } = await scene.send(Apis.ListConfigResources, { resourceTypes });
      return [errorByCode(errorCode).name, ...configResources.map((one) => `${one.resourceType} ${one.resourceName}`)];
    };
    expect(await listed([])).toEqual(['NONE', '2 t', '4 1', '8 1', '32 g']);
    expect(await listed([GROUP, TOPIC])).toEqual(['NONE', '32 g', '2 t']);
    expect(await listed([3])).toEqual(['UNSUPPORTED_VERSION']);
  });

  it('need rights: to the topic, to the group, or to the cluster', async () => {
    scene = await Scene.start({ authorizer: { allows: () => false } });
    const errors = [];
    for (const [type, name] of [
      [TOPIC, 't'],
      [BROKER, '1'],
      [GROUP, 'g'],
      [LOGGER, '1'],
      [CLIENT_METRICS, 'm'],
    ] as const) {
      errors.push(
        (await alter(type, name, [['retention.ms', '1']])).error,
        errorByCode((await describeAll(type, name)).errorCode).name,
      );
    }
    expect([...new Set(errors)]).toEqual([
      'TOPIC_AUTHORIZATION_FAILED',
      'CLUSTER_AUTHORIZATION_FAILED',
      'GROUP_AUTHORIZATION_FAILED',
    ]);
  });
});
