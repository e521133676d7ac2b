/** The application on a broker in memory: what its listeners make of good, bad and strange orders. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Application, type ApplicationContext, KafkaTemplate, StringSerializer } from 'springtide';
import { EmbeddedKafka } from 'springtide/testing';
import { Program, scratchFolder } from '../../test/processes/program.ts';
import { Audit } from './audit.ts';
import { Billing } from './billing.ts';
import { DeadLetters } from './dead-letters.ts';
import { OrdersApplication } from './orders-application.ts';
import { Report } from './report.ts';

const orders = readFileSync(new URL('./orders.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n');
const good = orders.slice(0, 20).map((line) => JSON.parse(line));

let kafka: EmbeddedKafka;
let context: ApplicationContext;

beforeAll(async () => {
  kafka = await EmbeddedKafka.start({ tcp: true });
  context = await Application.run(OrdersApplication, {
    args: [],
    resources: fileURLToPath(new URL('.', import.meta.url)),
    properties: { 'spring.kafka.bootstrap-servers': kafka.bootstrapServers, 'logging.level.root': 'error' },
    handleSignals: false,
    exitOnFailure: false,
  });
});

afterAll(async () => {
  await context.close();
  await kafka.close();
});

/** Waits until every listener has committed everything: then nothing more will happen. */
async function everythingHandled(): Promise<void> {
  const report = context.get(Report);
  while ((await report.rows()).some((row) => row.lag !== 0)) await new Promise((resolve) => setTimeout(resolve, 50));
}

test('good orders are billed, bad ones become dead letters with their reason, huge ones raise an alert', async () => {
  const template = context.get(KafkaTemplate<string, object>);
  for (const order of good) await template.send('orders', order.id, order);
  await template.send('orders', 'bad', { ...good[0], currency: 'EURO' });
  const huge = { ...good[1], id: 'huge', lines: [{ ...good[1].lines[0], quantity: 96 }] };
  await template.send('orders', 'huge', huge);
  await everythingHandled();

  const billed = [...good, huge]
    .filter((order) => order.currency === 'EUR')
    .reduce((sum, order) => sum + order.totalCents, 0);
  expect(context.get(Billing).revenueCents.get('EUR')).toBe(billed);
  const audited = [...context.get(Audit).recordsByPartition.values()].reduce((sum, count) => sum + count, 0);
  expect(audited).toBe(good.length + 2);
  const reasons = [...context.get(DeadLetters).reasons];
  expect(reasons).toEqual([[expect.stringContaining('currency must be a valid ISO4217 currency code'), 1]]);
  const rows = await context.get(Report).rows();
  expect(rows.map(({ listener, handled, failed }) => ({ listener, handled, failed }))).toEqual([
    { listener: 'billing', handled: good.length + 1, failed: 1 },
    { listener: 'audit', handled: good.length + 2, failed: 0 },
    { listener: 'fraud', handled: good.length + 2, failed: 0 },
    { listener: 'dead-letters', handled: 1, failed: 0 },
  ]);
});

test('bytes that are no order at all reach the dead letters too, and the partition goes on', async () => {
  const { producerFactory } = context.get(KafkaTemplate<string, string>);
  const strings = new KafkaTemplate(producerFactory, { valueSerializer: new StringSerializer() });
  const before = context.get(Billing).revenueCents.get(good[2].currency) ?? 0;
  await strings.send('orders', 0, 'poison', 'hello');
  await strings.send('orders', 0, 'fine', JSON.stringify(good[2]));
  await everythingHandled();
  // The audit takes bytes: to it nothing is unreadable, so it makes no dead letter of what it reads again at each start.
  expect((await context.get(Report).rows()).find(({ listener }) => listener === 'audit')?.failed).toBe(0);
  expect([...context.get(DeadLetters).reasons.keys()].join()).toMatch(/JSON/);
  expect(context.get(Billing).revenueCents.get(good[2].currency)).toBe(before + good[2].totalCents);
});

test('the demo handles the whole file, prints its summary and ends with 0', async () => {
  const demo = new Program('dist/samples/02-orders/demo.js', { workingFolder: 'samples/02-orders' });
  expect(await demo.exitCode()).toBe(0);
  expect(demo.output).toMatch(/billing +2973 +27 +0 /);
  expect(demo.output).toMatch(/audit +3000 +0 +0 /);
  expect(demo.output).toMatch(/fraud +3000 +0 +0 /);
  expect(demo.output).toMatch(/dead-letters +27 +0 +0 /);
}, 60_000);

test('an application that is stopped goes on from its committed offsets', async () => {
  const folder = scratchFolder();
  const args = ['--springtide.broker.listeners=PLAINTEXT://127.0.0.1:0', `--springtide.broker.log.dirs=${folder.path}`];
  const start = () => new Program('dist/samples/02-orders/main.js', { args, workingFolder: 'samples/02-orders' });
  const first = start();
  await first.sees(/dead-letters +27 +0 +0 /);
  expect(await first.stop()).toBe(0);
  const second = start();
  await second.sees(/listeners go on where they committed/);
  await second.sees(/billing +0 +0 +0 /);
  expect(await second.stop()).toBe(0);
  folder.remove();
}, 60_000);
