/** How the admin client asks again, against a scripted broker. What it can do is in `suite/admin.ts`. */
import { expect, test } from '@jest/globals';
import { Admin } from '#client';
import { FakeCluster } from './scene.ts';

const NOT_CONTROLLER = 41;
const EXISTS = 36;

test('only what is not settled is asked for again', async () => {
  const { fakes, admin } = await open();
  let count = 0;
  fakes.on('CreateTopics', ({ topics }) => {
    const isFirst = count++ === 0;
    return {
      topics: topics.map(({ name }) => ({
        name,
        errorCode: name === 'b' ? EXISTS : isFirst && name === 'c' ? NOT_CONTROLLER : 0,
      })),
    };
  });
  const created = admin.createTopics(['a', 'b', 'c'].map((name) => ({ name })));
  await fakes.clock.advance(1000);
  const results = await created;
  expect([...results.values.keys()]).toEqual(['a', 'c']);
  expect(results.errorOf('b')?.code).toBe('TOPIC_ALREADY_EXISTS');
  expect(fakes.requests('CreateTopics').map((one) => one.topics.map((topic) => topic.name))).toEqual([
    ['a', 'b', 'c'],
    ['c'],
  ]);
  await admin.close();
});

test('an error that does not pass in time is the result', async () => {
  const { fakes, admin } = await open();
  fakes.on('DeleteTopics', ({ topics }) => ({
    responses: topics.map(({ name }) => ({ name, errorCode: NOT_CONTROLLER })),
  }));
  const deleted = admin.deleteTopics(['a'], { timeoutMs: 2000 });
  await fakes.clock.advance(2000);
  expect((await deleted).errorOf('a')?.code).toBe('NOT_CONTROLLER');
  expect(fakes.requests('DeleteTopics').length).toBeGreaterThan(2);
  await admin.close();
});

test('what no broker can be reached for fails in time, for each item and with the addresses', async () => {
  const { fakes, admin } = await open();
  const { address } = fakes.broker;
  await fakes.broker.stop();
  const created = admin.createTopics([{ name: 'a' }, { name: 'b' }], { timeoutMs: 3000 });
  await fakes.clock.advance(3500);
  const results = await created;
  expect([...results.errors.keys()]).toEqual(['a', 'b']);
  expect(results.errorOf('a')?.message).toContain(address);
  expect(() => results.get('a')).toThrow(address);
  await admin.close();
});

test('every call keeps to its own time when no broker can be reached', async () => {
  const { fakes, admin } = await open();
  await fakes.broker.stop();
  const options = { timeoutMs: 3000 };
  const at = { topic: 't', partition: 0 };
  const calls = [
    admin.describeConfigs([{ type: 'topic', name: 't' }], options),
    admin.incrementalAlterConfigs([{ type: 'topic', name: 't', changes: [] }], options),
    admin.listOffsets([{ ...at, spec: 'latest' }], options),
    admin.deleteRecords([{ ...at, beforeOffset: 1 }], options),
    admin.describeConsumerGroups(['g'], options),
  ];
  const errors = Promise.all(calls.map(async (call) => [...(await call).errors.values()].map(({ code }) => code)));
  let isDone = false;
  errors.then(() => (isDone = true)).catch(() => {});
  await fakes.clock.advance(3500);
  expect(isDone).toBe(true);
  expect(await errors).toEqual(calls.map(() => ['BROKER_NOT_AVAILABLE']));
  await admin.close();
});

test('an older broker is asked in its own words', async () => {
  const { fakes, admin } = await open();
  fakes.broker.versions.set('DeleteTopics', { min: 1, max: 5 });
  fakes.broker.versions.set('CreateTopics', { min: 2, max: 2 });
  fakes.on('DeleteTopics', ({ topicNames }) => ({ responses: topicNames.map((name) => ({ name })) }));
  fakes.on('CreateTopics', ({ topics }) => ({ topics: topics.map(({ name }) => ({ name })) }));
  expect((await admin.deleteTopics(['a'])).errors.size).toBe(0);
  expect((await admin.createTopics([{ name: 'a' }])).errors.size).toBe(0);
  // Defaults of the broker can be asked for from version 4 on (KIP-464).
  expect(fakes.requests('CreateTopics')[0].topics[0]).toMatchObject({ numPartitions: 1, replicationFactor: 1 });
  await admin.close();
});

async function open() {
  const fakes = await FakeCluster.start();
  return { fakes, admin: Admin.create({ 'bootstrap.servers': fakes.bootstrapServers }, fakes.options) };
}
