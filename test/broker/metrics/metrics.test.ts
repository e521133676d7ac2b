/** What the broker counts, told in process and in the text of Prometheus. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { Apis, Errors } from '#protocol';
import { freePort } from '../../processes/child.ts';
import { batchOf, Scene, type SceneOptions } from '../scene.ts';
import { readExposition } from './strict-exposition.ts';

let scene: Scene;
afterEach(() => scene.close());

async function start(options: SceneOptions = {}): Promise<void> {
  scene = await Scene.start({ ...options, config: { 'springtide.broker.metrics.port': 0, ...options.config } });
}

/** Everything as it is read over HTTP. */
async function scrape(): Promise<Map<string, number>> {
  const response = await fetch(`http://127.0.0.1:${scene.broker.metricsPort}/metrics`);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const families = readExposition(await response.text());
  return new Map([...families.values()].flatMap(({ series }) => [...series]));
}

/** The series whose name, without the domain, begins so. */
async function look(...names: string[]): Promise<Record<string, number>> {
  const found = [...(await scrape())].filter(([name]) => names.some((begin) => name.startsWith(begin)));
  return Object.fromEntries(found);
}

const fetchAll = (topic: string, fetchOffset = 0) =>
  scene.send(
    Apis.Fetch,
    { maxBytes: 1e6, topics: [{ topic, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1e6 }] }] },
    12,
  );

describe('traffic', () => {
  const TRAFFIC = 'kafka_server_brokertopicmetrics_';

  test('is counted by topic and in all: records and bytes in, bytes out', async () => {
    await start({ topics: { a: 1, b: 1 } });
    const records = batchOf(['one', 'two', 'three']);
    await scene.produce('a', records);
    await scene.produce('a', records);
    await scene.produce('b', batchOf(['x']));
    await fetchAll('a');
    const [a, b] = [records.length, batchOf(['x']).length];
    expect(await look(`${TRAFFIC}bytes`, `${TRAFFIC}messages`)).toEqual({
      [`${TRAFFIC}messagesin_total`]: 7,
      [`${TRAFFIC}messagesin_total{topic="a"}`]: 6,
      [`${TRAFFIC}messagesin_total{topic="b"}`]: 1,
      [`${TRAFFIC}bytesin_total`]: 2 * a + b,
      [`${TRAFFIC}bytesin_total{topic="a"}`]: 2 * a,
      [`${TRAFFIC}bytesin_total{topic="b"}`]: b,
      [`${TRAFFIC}bytesout_total`]: 2 * a,
      [`${TRAFFIC}bytesout_total{topic="a"}`]: 2 * a,
      [`${TRAFFIC}bytesout_total{topic="b"}`]: 0,
      [`${TRAFFIC}bytesrejected_total`]: 0,
      [`${TRAFFIC}bytesrejected_total{topic="a"}`]: 0,
      [`${TRAFFIC}bytesrejected_total{topic="b"}`]: 0,
    });
  });

  test('that is refused is counted too', async () => {
    await start({ topics: { a: 1 }, config: { 'message.max.bytes': 200 } });
    const records = batchOf(['x'.repeat(500)]);
    expect((await scene.produce('a', records)).errorCode).toBe(Errors.MESSAGE_TOO_LARGE.code);
    await fetchAll('a', 77);
    expect(await look(`${TRAFFIC}failed`, `${TRAFFIC}bytesrejected`, `${TRAFFIC}total`)).toMatchObject({
      [`${TRAFFIC}failedproducerequests_total{topic="a"}`]: 1,
      [`${TRAFFIC}failedfetchrequests_total{topic="a"}`]: 1,
      [`${TRAFFIC}bytesrejected_total{topic="a"}`]: records.length,
      [`${TRAFFIC}totalproducerequests_total{topic="a"}`]: 1,
      [`${TRAFFIC}totalfetchrequests_total{topic="a"}`]: 1,
    });
  });

  test('of a topic that is deleted leaves with it, and stays in what was there in all', async () => {
    await start({ topics: { a: 1 } });
    await scene.produce('a', batchOf(['x']));
    await scene.send(Apis.DeleteTopics, { topics: [{ name: 'a' }], timeoutMs: 1000 });
    await fetchAll('a');
    const series = [...(await scrape())].filter(([name]) => name.includes('topic="a"'));
    expect(series).toEqual([]);
    expect(await look(`${TRAFFIC}messagesin`)).toEqual({ [`${TRAFFIC}messagesin_total`]: 1 });
  });
});

describe('requests', () => {
  const REQUESTS = 'kafka_network_requestmetrics_';

  test('are counted by API and version, their errors by code', async () => {
    await start({ topics: { a: 1 } });
    for (const version of [8, 9, 9]) await scene.produce('a', batchOf(['x']), { version });
    await scene.produce('nosuch', batchOf(['x']));
    await scene.send(Apis.Metadata, { topics: [{ name: 'a' }, { name: 'b' }], allowAutoTopicCreation: false });
    const series = await look(`${REQUESTS}requests_total`, `${REQUESTS}errors_total`);
    expect(series).toMatchObject({
      [`${REQUESTS}requests_total{request="Produce",version="8"}`]: 1,
      [`${REQUESTS}requests_total{request="Produce",version="9"}`]: 3,
      [`${REQUESTS}errors_total{request="Produce",error="NONE"}`]: 3,
      [`${REQUESTS}errors_total{request="Produce",error="UNKNOWN_TOPIC_OR_PARTITION"}`]: 1,
      [`${REQUESTS}errors_total{request="Metadata",error="UNKNOWN_TOPIC_OR_PARTITION"}`]: 1,
    });
  });

  test('have the times of their parts: a fetch that waits is remote for as long', async () => {
    await start({ topics: { a: 1 } });
    const topics = [{ topic: 'a', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1e6 }] }];
    const waiting = scene.send(Apis.Fetch, { maxBytes: 1e6, minBytes: 1, maxWaitMs: 800, topics }, 12);
    await scene.clock.settle();
    expect(await look('kafka_server_delayedoperationpurgatory')).toMatchObject({
      'kafka_server_delayedoperationpurgatory_purgatorysize{delayedOperation="Fetch"}': 1,
    });
    await scene.clock.advance(800);
    await waiting;
    const series = await look(REQUESTS);
    expect(series[`${REQUESTS}remotetimems_sum{request="Fetch"}`]).toBe(800);
    expect(series[`${REQUESTS}totaltimems_sum{request="Fetch"}`]).toBe(800);
    expect(series[`${REQUESTS}totaltimems_count{request="FetchConsumer"}`]).toBe(1);
    expect(series[`${REQUESTS}localtimems_sum{request="Fetch"}`]).toBe(0);
    expect(Math.abs(series[`${REQUESTS}totaltimems{request="Fetch",quantile="0.99"}`] / 800 - 1)).toBeLessThan(1 / 16);
  });

  test('that wait behind another are queued for as long', async () => {
    await start({ topics: { a: 1 } });
    const topics = [{ topic: 'a', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1e6 }] }];
    const channel = await scene.client();
    const waiting = channel.send(
      Apis.Fetch,
      12,
      { maxBytes: 1e6, minBytes: 1, maxWaitMs: 500, topics },
      { timeoutMs: 1e6 },
    );
    const behind = channel.send(Apis.ListGroups, 4, {}, { timeoutMs: 1e6 });
    await scene.clock.advance(500);
    await Promise.all([waiting, behind]);
    expect((await look(REQUESTS))[`${REQUESTS}requestqueuetimems_sum{request="ListGroups"}`]).toBe(500);
  });

  test('of old go out of the percentiles, and stay in count and sum', async () => {
    await start({ topics: { a: 1 } });
    const name = `${REQUESTS}requestbytes`;
    await scene.produce('a', batchOf(['x'.repeat(50_000)]));
    for (let minute = 0; minute < 11; minute += 5) {
      await scene.clock.advance(300_000);
      await scrape();
    }
    await scene.produce('a', batchOf(['x']));
    const series = await look(name);
    expect(series[`${name}{request="Produce",quantile="0.999"}`]).toBeLessThan(1000);
    expect(series[`${name}_count{request="Produce"}`]).toBe(2);
    expect(series[`${name}_sum{request="Produce"}`]).toBeGreaterThan(50_000);
  });
});

describe('gauges', () => {
  test('tell of the cluster, its partitions and their logs', async () => {
    await start({ topics: { a: 2, b: 1 } });
    await scene.produce('a', batchOf(['x', 'y']), { partition: 1 });
    const size = batchOf(['x', 'y']).length;
    expect(Object.fromEntries(await scrape())).toMatchObject({
      kafka_controller_kafkacontroller_activecontrollercount: 1,
      kafka_controller_kafkacontroller_globaltopiccount: 2,
      kafka_controller_kafkacontroller_globalpartitioncount: 3,
      kafka_controller_kafkacontroller_offlinepartitionscount: 0,
      kafka_server_replicamanager_partitioncount: 3,
      kafka_server_replicamanager_leadercount: 3,
      kafka_server_replicamanager_underreplicatedpartitions: 0,
      'kafka_log_log_logendoffset{topic="a",partition="1"}': 2,
      'kafka_log_log_logstartoffset{topic="a",partition="1"}': 0,
      'kafka_log_log_size{topic="a",partition="1"}': size,
      'kafka_log_log_numlogsegments{topic="b",partition="0"}': 1,
      'kafka_log_logmanager_logdirectoryoffline{logDirectory="/data"}': 0,
      'kafka_server_socket_server_metrics_connection_count{listener="PLAINTEXT"}': 1,
      kafka_server_socket_server_metrics_connection_creation_total: 1,
    });
  });

  test('tell of groups and of what they committed', async () => {
    await start({ topics: { a: 1 } });
    const { coordinators } = await scene.send(Apis.FindCoordinator, { coordinatorKeys: ['g'], keyType: 0 });
    expect(coordinators[0].errorCode).toBe(0);
    await scene.clock.settle();
    const topics = [{ name: 'a', partitions: [{ partitionIndex: 0, committedOffset: 1 }] }];
    const answer = await scene.send(Apis.OffsetCommit, { groupId: 'g', generationIdOrMemberEpoch: -1, topics }, 8);
    expect(answer.topics[0].partitions[0].errorCode).toBe(0);
    expect(Object.fromEntries(await scrape())).toMatchObject({
      kafka_coordinator_group_groupmetadatamanager_numgroups: 1,
      'kafka_server_group_coordinator_metrics_group_count{protocol="classic"}': 1,
      'kafka_server_group_coordinator_metrics_classic_group_count{state="Empty"}': 1,
      kafka_server_group_coordinator_metrics_offset_commit_count_total: 1,
    });
  });

  test('tell of transactions, by state', async () => {
    await start({ config: { 'transaction.state.log.num.partitions': 2 } });
    const initialise = { transactionalId: 'tx', transactionTimeoutMs: 60_000 };
    await scene.send(Apis.FindCoordinator, { coordinatorKeys: ['tx'], keyType: 1 });
    await scene.clock.settle();
    expect((await scene.send(Apis.InitProducerId, initialise)).errorCode).toBe(0);
    expect(await look('springtide_broker_transactions_count')).toEqual({
      'springtide_broker_transactions_count{state="Empty"}': 1,
    });
  });

  test('tell how late the loop is', async () => {
    await start();
    await scene.clock.advance(5000);
    const name = 'springtide_broker_eventloop_lagms';
    expect(await look(name)).toMatchObject({ [`${name}_count`]: 10, [`${name}_sum`]: 0 });
  });

  test('tell how near clients are to their quotas', async () => {
    await start({ topics: { a: 1 } });
    await scene.send(Apis.AlterClientQuotas, {
      entries: [
        {
          entity: [{ entityType: 'client-id', entityName: 'test' }],
          ops: [{ key: 'producer_byte_rate', value: 1e6, remove: false }],
        },
      ],
    });
    await scene.produce('a', batchOf(['x'.repeat(10_000)]));
    const series = await look('kafka_server_produce_byte_rate');
    expect(series['kafka_server_produce_byte_rate{user="",client_id="test"}']).toBeGreaterThan(1000);
  });
});

describe('the endpoint', () => {
  test('says that the broker is up, and what else there is', async () => {
    await start();
    const ask = async (path: string, method = 'GET') => {
      const response = await fetch(`http://127.0.0.1:${scene.broker.metricsPort}${path}`, { method });
      return [response.status, await response.text()];
    };
    expect(await ask('/health')).toEqual([200, 'UP\n']);
    expect((await ask('/metrics?name[]=x'))[0]).toBe(200);
    expect(await ask('/metrics', 'HEAD')).toEqual([200, '']);
    expect((await ask('/'))[0]).toBe(404);
    expect((await ask('/metrics', 'POST'))[0]).toBe(405);
  });

  test('is not there unless it is asked for; the figures are, in process', async () => {
    scene = await Scene.start({ topics: { a: 1 } });
    expect(scene.broker.metricsPort).toBeUndefined();
    await scene.produce('a', batchOf(['x']));
    const family = (await scene.broker.metrics()).find(({ name }) => name.endsWith('messagesin_total'));
    expect(family).toMatchObject({
      mbean: 'kafka.server:type=BrokerTopicMetrics,name=MessagesInPerSec',
      kind: 'counter',
      samples: [
        { labels: {}, value: 1 },
        { labels: { topic: 'a' }, value: 1 },
      ],
    });
  });

  test('ends with the broker, and its port can be had again', async () => {
    const port = await freePort();
    await start({ config: { 'springtide.broker.metrics.port': port } });
    expect(scene.broker.metricsPort).toBe(port);
    await scene.close();
    await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow();
    await start({ config: { 'springtide.broker.metrics.port': port } });
    expect(scene.broker.metricsPort).toBe(port);
  });

  test('whose port is taken stops the start, with advice', async () => {
    await start();
    const config = { 'springtide.broker.metrics.port': scene.broker.metricsPort };
    await expect(Scene.start({ config })).rejects.toThrow(/springtide\.broker\.metrics\.port/);
  });
});
