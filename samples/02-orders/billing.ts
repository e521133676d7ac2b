/** Bills every valid order, three partitions at a time, and commits an order only when it is billed. */
import { Acknowledgment, KafkaListener, Payload, Service } from 'springtide';
import { Order } from './order.ts';
import { Summary } from './summary.ts';

@Service()
export class Billing {
  readonly revenueCents = new Map<string, number>();

  constructor(private readonly summary: Summary) {}

  @KafkaListener({ id: 'billing', topics: '${app.topics.orders}', concurrency: 3, ackMode: 'manual' })
  onOrder(@Payload() order: Order, ack: Acknowledgment): void {
    this.revenueCents.set(order.currency, (this.revenueCents.get(order.currency) ?? 0) + order.totalCents);
    this.summary.handled('billing');
    ack.acknowledge();
  }
}
