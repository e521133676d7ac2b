/** Looks at orders a batch at a time and raises an alert for quantities that no household orders. */
import { ConsumerRecord, KafkaListener, KafkaTemplate, Service, Value } from 'springtide';
import type { Order } from './order.ts';
import { Summary } from './summary.ts';

@Service()
export class Fraud {
  constructor(
    private readonly kafka: KafkaTemplate<string, object>,
    private readonly summary: Summary,
    @Value('${app.topics.alerts}') private readonly alerts: string,
    @Value('${app.fraud.quantity-limit:40}') private readonly quantityLimit: number,
  ) {}

  @KafkaListener({ id: 'fraud', topics: '${app.topics.orders}', batch: true })
  async onOrders(records: ConsumerRecord<string, Order>[]): Promise<void> {
    const suspects = records.filter((record) => this.isSuspect(record.value));
    await Promise.all(
      suspects.map((record) =>
        this.kafka.send(this.alerts, record.key, { order: record.value.id, offset: record.offset }),
      ),
    );
    this.summary.handled('fraud', records.length);
  }

  /** Batches carry orders unchecked: what `billing` refuses must not stop us. */
  private isSuspect(order: Order | null): boolean {
    return Array.isArray(order?.lines) && order.lines.some((line) => line.quantity > this.quantityLimit);
  }
}
