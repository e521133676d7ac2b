/** `npm run demo`: the same application on a broker folder of its own; ends with the summary when nothing is left to handle. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Application } from 'springtide';
import { DeadLetters } from './dead-letters.ts';
import { OrderSource } from './order-source.ts';
import { OrdersApplication } from './orders-application.ts';
import { Report, type ReportRow } from './report.ts';

const CHECK_EVERY_MS = 250;

const folder = await mkdtemp(join(tmpdir(), 'springtide-orders-'));
const context = await Application.run(OrdersApplication, {
  properties: { 'springtide.broker.log.dirs': folder, 'springtide.broker.listeners': 'PLAINTEXT://127.0.0.1:0' },
});
const report = context.get(Report);
const start = performance.now();
const sent = await context.get(OrderSource).sendOnce(join(process.cwd(), 'orders.jsonl'));

let rows: ReportRow[] = await report.rows();
while (!isDone(rows)) {
  await sleep(CHECK_EVERY_MS);
  rows = await report.rows();
}

console.log(`\nsent ${sent} orders; every listener has handled everything:`);
report.print(rows, [], (performance.now() - start) / 1000);
console.log('\nwhy orders ended in the dead letter topic:');
for (const [reason, count] of context.get(DeadLetters).reasons) console.log(`${String(count).padStart(5)}  ${reason}`);
await context.close();
await rm(folder, { recursive: true, force: true });

/** Dead letters come last: they are counted once those who produce them have no lag. */
function isDone(now: readonly ReportRow[]): boolean {
  const failed = now.reduce((sum, row) => sum + row.failed, 0);
  const deadLetters = now.find((row) => row.listener === 'dead-letters');
  return now.every((row) => row.lag === 0) && deadLetters?.handled === failed && now.some((row) => row.handled > 0);
}
