/** The client's view of a cluster, against scripted brokers under a clock that stands still. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { Cluster, type ClusterOptions, clientConfigTable, readClientConfig } from '#client';
import { type KafkaError, type Logger, silentLogger } from '#core';
import { Apis } from '#protocol';
import { FakeBroker, FakeCluster, Held, InVersion } from './scene.ts';

const clusters: Cluster[] = [];

afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.close();
});

describe('finding the cluster', () => {
  test('takes one bootstrap server and knows all brokers', async () => {
    const fakes = await FakeCluster.start(3);
    const cluster = open(fakes, { 'bootstrap.servers': fakes.brokers[1].address });
    await cluster.start();
    expect([...cluster.metadata.brokers.keys()]).toEqual([1, 2, 3]);
    expect(cluster.metadata.clusterId).toBe('fake-cluster');
  });

  test('goes on to the next address when one does not answer', async () => {
    const fakes = await FakeCluster.start();
    const cluster = open(fakes, { 'bootstrap.servers': `fake:1,fake:2,${fakes.broker.address}` });
    await cluster.start();
    expect(cluster.metadata.brokers.size).toBe(1);
  });

  test('names every address and its reason when none answers', async () => {
    const fakes = await FakeCluster.start();
    const warnings: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (...args: unknown[]) => void warnings.push(String(args.at(-1))) };
    const cluster = open(fakes, { 'bootstrap.servers': 'fake:1,other:2' }, { logger });
    const started = failure(cluster.start({ deadlineMs: 3000 }));
    await fakes.clock.advance(3000);
    const error = await started;
    expect(error.code).toBe('BROKER_NOT_AVAILABLE');
    expect(error.message).toContain('fake:1 (cannot connect to fake:1: connection refused)');
    expect(error.message).toContain('other:2 (cannot connect to other:2: connection refused)');
    expect(error.message).toContain('bootstrap.servers');
    expect(warnings).toHaveLength(1);
  });

  test('serves on with the bootstrap connection instead of making a second one', async () => {
    const fakes = await FakeCluster.start();
    const cluster = open(fakes);
    await cluster.start();
    await cluster.request(1, Apis.Metadata, { topics: [] });
    expect(fakes.broker.connectionCount).toBe(1);
  });

  test('speaks an older broker’s versions', async () => {
    const fakes = await FakeCluster.start();
    const theirs = { 18: 2, 3: 5 };
    const apiKeys = Object.entries(theirs).map(([key, maxVersion]) => ({
      apiKey: Number(key),
      minVersion: 0,
      maxVersion,
    }));
    fakes.broker.on('ApiVersions', (_, version) =>
      version > theirs[18]
        ? new InVersion(0, { errorCode: 35, apiKeys: apiKeys.filter((row) => row.apiKey === 18) })
        : { apiKeys },
    );
    const cluster = open(fakes);
    await cluster.start();
    expect(fakes.broker.asked.map((one) => [one.api, one.version])).toEqual([
      ['ApiVersions', Apis.ApiVersions.maxVersion],
      ['ApiVersions', 2],
      ['Metadata', 5],
    ]);
    expect(cluster.versionFor(1, Apis.Metadata)).toBe(5);
    expect(cluster.versionFor(1, Apis.Fetch)).toBeUndefined();
    const error = await failure(cluster.request(1, Apis.Fetch, {}));
    expect(error.code).toBe('UNSUPPORTED_VERSION');
    expect(error.message).toContain('Fetch');
  });
});

describe('metadata', () => {
  test('refreshes asked for at the same time share one request', async () => {
    const fakes = await FakeCluster.start();
    const cluster = open(fakes);
    await cluster.start();
    const before = fakes.requests('Metadata').length;
    const all = Promise.all([cluster.refresh(), cluster.refresh(), cluster.refresh()]);
    await fakes.clock.advance(200);
    await all;
    expect(fakes.requests('Metadata')).toHaveLength(before + 1);
  });

  test('refreshes that bring nothing new become rarer', async () => {
    const fakes = await FakeCluster.start();
    const cluster = open(fakes);
    await cluster.start();
    const stop = cluster.onUpdate(() => cluster.refreshSoon());
    cluster.refreshSoon();
    await fakes.clock.advance(1000);
    const inFirstSecond = fakes.requests('Metadata').length;
    await fakes.clock.advance(9000);
    stop();
    expect(inFirstSecond).toBeLessThanOrEqual(6);
    expect(fakes.requests('Metadata').length - inFirstSecond).toBeLessThanOrEqual(12);
  });

  test('is asked for again after metadata.max.age.ms', async () => {
    const fakes = await FakeCluster.start();
    const cluster = open(fakes, { 'metadata.max.age.ms': 10_000 });
    await cluster.start();
    await fakes.clock.advance(9_999);
    expect(fakes.requests('Metadata')).toHaveLength(1);
    await fakes.clock.advance(1);
    expect(fakes.requests('Metadata')).toHaveLength(2);
  });

  test('a topic is waited for until it exists', async () => {
    const fakes = await FakeCluster.start();
    const cluster = open(fakes);
    const topic = cluster.topic('t', { deadlineMs: 60_000 });
    await fakes.clock.advance(500);
    fakes.leaders.set('t', [1, 1, 1]);
    await fakes.clock.advance(2000);
    expect((await topic).partitions).toHaveLength(3);
    expect(cluster.leader('t', 2)).toMatchObject({ leaderId: 1 });
    expect(cluster.leader('t', 3)).toBeUndefined();
  });

  test('a topic that does not come fails at the deadline, by name', async () => {
    const fakes = await FakeCluster.start();
    const cluster = open(fakes);
    const missing = failure(cluster.topic('nowhere', { deadlineMs: 5000 }));
    await fakes.clock.advance(5000);
    expect((await missing).code).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect((await missing).message).toContain("'nowhere'");
  });

  test('an invalid topic name fails at once', async () => {
    const fakes = await FakeCluster.start();
    fakes.on('Metadata', () => ({
      ...fakes.metadata([]),
      topics: [{ errorCode: 17, name: 'bad name' }],
    }));
    const cluster = open(fakes);
    const error = await failure(cluster.topic('bad name', { deadlineMs: 5000 }));
    expect(error.code).toBe('INVALID_TOPIC_EXCEPTION');
  });

  test('only topics in use are asked for, and auto-creation only where it is wanted', async () => {
    const fakes = await FakeCluster.start();
    fakes.leaders.set('t', [1]).set('other', [1]);
    const cluster = open(fakes);
    await cluster.topic('t', { deadlineMs: 1000, allowAutoCreate: false });
    const asked = fakes.requests('Metadata').at(-1);
    expect(asked?.topics?.map((one) => one.name)).toEqual(['t']);
    expect(asked?.allowAutoTopicCreation).toBe(false);
    cluster.wantAllTopics();
    await fakes.clock.advance(200);
    expect(fakes.requests('Metadata').at(-1)?.topics).toBeNull();
    expect([...cluster.metadata.topics.keys()].sort()).toEqual(['other', 't']);
  });
});

describe('connections', () => {
  test('requests to a coordinator do not wait behind others of the same broker', async () => {
    const fakes = await FakeCluster.start();
    const poll = new Held<Record<string, never>>();
    fakes.broker.on('Fetch', () => poll.promise);
    fakes.broker.on('Heartbeat', () => ({}));
    fakes.broker.on('FindCoordinator', () => ({
      coordinators: [{ key: 'g', nodeId: 1, host: 'fake', port: fakes.broker.port }],
    }));
    const cluster = open(fakes);
    await cluster.start();
    const node = await cluster.findCoordinator('group', 'g', 1000);
    expect(cluster.brokerIdOf(node)).toBe(1);
    const polled = cluster.request(1, Apis.Fetch, {});
    await cluster.request(node, Apis.Heartbeat, {});
    poll.resolve({});
    await polled;
    expect(fakes.broker.connectionCount).toBe(2);
  });

  test('a coordinator is asked for again while it loads, and found by older versions', async () => {
    const fakes = await FakeCluster.start();
    fakes.broker.versions.set('FindCoordinator', { min: 0, max: 2 });
    let count = 0;
    fakes.broker.on('FindCoordinator', (request) => {
      expect(request).toMatchObject({ key: 'g', keyType: 0 });
      return count++ < 2 ? { errorCode: 14, host: '' } : { nodeId: 1, host: 'fake', port: fakes.broker.port };
    });
    const cluster = open(fakes);
    const found = cluster.findCoordinator('group', 'g', 60_000);
    await fakes.clock.advance(1000);
    expect(cluster.brokerIdOf(await found)).toBe(1);
    expect(count).toBe(3);
  });

  test('a refusal that will not pass ends the look-up of a coordinator', async () => {
    const fakes = await FakeCluster.start();
    fakes.broker.on('FindCoordinator', () => ({ coordinators: [{ key: 'g', errorCode: 30 }] }));
    const cluster = open(fakes);
    expect((await failure(cluster.findCoordinator('group', 'g', 60_000))).code).toBe('GROUP_AUTHORIZATION_FAILED');
  });

  test('a lost connection is replaced, after a wait that grows with each failure', async () => {
    const fakes = await FakeCluster.start();
    const cluster = open(fakes);
    await cluster.start();
    const { port } = fakes.broker;
    await fakes.broker.stop();
    await fakes.clock.advance(10_000);
    const again = new FakeBroker().on('Metadata', () => fakes.metadata([]));
    await again.listen(fakes.network, port);
    await fakes.clock.advance(1300);
    expect(again.connectionCount).toBeGreaterThan(0);
    expect(cluster.isReady(1)).toBe(true);
  });

  test('a broker that moved is talked to at its new address', async () => {
    const fakes = await FakeCluster.start();
    const cluster = open(fakes);
    await cluster.start();
    const moved = await new FakeBroker(1).on('Metadata', () => fakes.metadata([])).listen(fakes.network);
    fakes.brokers[0] = moved;
    await Promise.all([cluster.refresh(), fakes.clock.advance(200)]);
    await cluster.request(1, Apis.Metadata, { topics: [] });
    expect(moved.connectionCount).toBe(1);
  });

  test('a request that was connecting when its broker moved may be sent again', async () => {
    const fakes = await FakeCluster.start(2);
    const cluster = open(fakes, { 'reconnect.backoff.ms': 5000, 'reconnect.backoff.max.ms': 5000 });
    await cluster.start();
    await fakes.broker.stop();
    const refused = failure(cluster.request(1, Apis.Heartbeat, {}));
    await fakes.clock.advance(100);
    await refused;
    const error = failure(cluster.request(1, Apis.Heartbeat, {}));
    fakes.brokers[0] = await new FakeBroker(1).listen(fakes.network);
    await Promise.all([cluster.refresh(), fakes.clock.advance(1000)]);
    await fakes.clock.advance(6000);
    expect(await error).toMatchObject({ code: 'NETWORK_EXCEPTION', retriable: true });
  });

  test('an idle connection is closed and opened again on demand', async () => {
    const fakes = await FakeCluster.start();
    const cluster = open(fakes, { 'connections.max.idle.ms': 5000 });
    await cluster.start();
    expect(cluster.isReady(1)).toBe(true);
    await fakes.clock.advance(5001);
    expect(cluster.isReady(1)).toBe(false);
    await cluster.request(1, Apis.Metadata, { topics: [] });
    expect(fakes.broker.connectionCount).toBe(2);
  });

  test('a throttled client holds its next request back', async () => {
    const fakes = await FakeCluster.start();
    fakes.broker.on('Heartbeat', () => ({ throttleTimeMs: 400 }));
    const cluster = open(fakes);
    await cluster.start();
    await cluster.request(1, Apis.Heartbeat, {});
    const second = cluster.request(1, Apis.Heartbeat, {});
    await fakes.clock.advance(399);
    expect(fakes.requests('Heartbeat')).toHaveLength(1);
    await fakes.clock.advance(1);
    await second;
    expect(fakes.requests('Heartbeat')).toHaveLength(2);
  });

  test('a caller with little time gives up alone: the connection and what others asked stay', async () => {
    const fakes = await FakeCluster.start();
    const held = new Held<void>();
    fakes.broker.on('Heartbeat', async () => {
      await held.promise;
      return {};
    });
    const cluster = open(fakes);
    await cluster.start();
    const patient = cluster.request(1, Apis.Heartbeat, {});
    const hurried = failure(cluster.request(1, Apis.Heartbeat, {}, { timeoutMs: 50 }));
    await fakes.clock.advance(100);
    expect((await hurried).code).toBe('REQUEST_TIMED_OUT');
    held.resolve();
    await fakes.clock.settle();
    expect(await patient).toMatchObject({ errorCode: 0 });
    expect(fakes.broker.connectionCount).toBe(1);
  });

  test('close fails what waits', async () => {
    const fakes = await FakeCluster.start();
    fakes.broker.on('Heartbeat', () => 'silence');
    const cluster = open(fakes);
    await cluster.start();
    const pending = failure(cluster.request(1, Apis.Heartbeat, {}));
    const missing = failure(cluster.topic('nowhere', { deadlineMs: 60_000 }));
    await fakes.clock.settle();
    await cluster.close();
    await fakes.clock.settle();
    expect((await pending).code).toBe('CLOSED');
    expect((await missing).code).toBe('CLOSED');
    expect((await failure(cluster.request('any', Apis.Heartbeat, {}))).code).toBe('CLOSED');
  });

  test('close gives up a connection that is being opened, and leaves no timer', async () => {
    const fakes = await FakeCluster.start();
    let signal: AbortSignal | undefined;
    const connect = (_host: string, _port: number, given?: AbortSignal) => {
      signal = given;
      return new Promise<never>((_, reject) => {
        given?.addEventListener('abort', () => reject(new Error('given up')));
      });
    };
    const cluster = open(fakes, {}, { transport: { connect } });
    const starting = failure(cluster.start());
    await fakes.clock.settle();
    await cluster.close();
    expect(signal?.aborted).toBe(true);
    expect((await starting).code).toBe('CLOSED');
    await fakes.clock.settle();
    expect(fakes.clock.pendingTimerCount).toBe(0);
  });

  test('close ends the wait before the next try, whatever waits', async () => {
    const fakes = await FakeCluster.start();
    fakes.on('FindCoordinator', () => ({ coordinators: [{ key: 'g', errorCode: 14 }] }));
    const cluster = open(fakes, {
      'retry.backoff.ms': 9000,
      'retry.backoff.max.ms': 9000,
      'reconnect.backoff.ms': 9000,
    });
    await cluster.start();
    const finding = failure(cluster.findCoordinator('group', 'g', 60_000));
    await fakes.clock.advance(10);
    await fakes.broker.stop();
    await fakes.clock.advance(10);
    const sent = failure(cluster.request(1, Apis.Heartbeat, {}));
    await fakes.clock.advance(10);
    await cluster.close();
    await fakes.clock.settle();
    expect(fakes.clock.pendingTimerCount).toBe(0);
    expect(await sent).toBeDefined();
    expect(await finding).toBeDefined();
  });

  test('an aborted request stops waiting', async () => {
    const fakes = await FakeCluster.start();
    fakes.broker.on('Heartbeat', () => 'silence');
    const cluster = open(fakes);
    await cluster.start();
    const abort = new AbortController();
    const pending = failure(cluster.request(1, Apis.Heartbeat, {}, { signal: abort.signal }));
    abort.abort(new Error('no longer'));
    expect((await pending).code).toBe('ABORTED');
  });
});

function open(
  fakes: FakeCluster,
  config: Record<string, unknown> = {},
  options: Partial<ClusterOptions> = {},
): Cluster {
  const raw = { 'bootstrap.servers': fakes.bootstrapServers, ...config };
  const parsed = readClientConfig(clientConfigTable, raw, 'test', silentLogger);
  const cluster = new Cluster({ ...fakes.options, config: parsed, ...options });
  clusters.push(cluster);
  return cluster;
}

function failure(result: Promise<unknown>): Promise<KafkaError> {
  return result.then(
    () => {
      throw new Error('should have failed');
    },
    (error) => error,
  );
}
