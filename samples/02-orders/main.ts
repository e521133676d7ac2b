/** `npm start`: the orders application on its included broker, until Ctrl-C drains it. */
import { join } from 'node:path';
import { Application } from 'springtide';
import { LiveReport } from './live-report.ts';
import { OrderSource } from './order-source.ts';
import { OrdersApplication } from './orders-application.ts';

const context = await Application.run(OrdersApplication);
const sent = await context.get(OrderSource).sendOnce(join(process.cwd(), 'orders.jsonl'));
console.log(
  sent > 0 ? `sent ${sent} orders` : 'the orders of an earlier start are here; listeners go on where they committed',
);
await context.get(LiveReport).start();
