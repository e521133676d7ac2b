/** Sends the orders of `orders.jsonl` when the topic is still empty: at the first start on a data folder. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Admin, KafkaTemplate, Service, Value } from 'springtide';

interface OrderLike {
  id: string;
}

@Service()
export class OrderSource {
  constructor(
    private readonly kafka: KafkaTemplate<string, OrderLike>,
    private readonly admin: Admin,
    @Value('${app.topics.orders}') private readonly topic: string,
  ) {}

  /** @returns how many orders were sent, 0 when the topic already holds some. */
  async sendOnce(file: string): Promise<number> {
    if (!(await this.isEmpty())) return 0;
    let count = 0;
    for await (const line of createInterface({ input: createReadStream(file) })) {
      const order: OrderLike = JSON.parse(line);
      this.kafka.send(this.topic, order.id, order); // asynchronous: a failure is logged by the template's ProducerListener
      count++;
    }
    await this.kafka.flush();
    return count;
  }

  private async isEmpty(): Promise<boolean> {
    const partitions = await this.kafka.partitionsFor(this.topic);
    const latest = partitions.map(({ partition }) => ({ topic: this.topic, partition, spec: 'latest' as const }));
    const ends = (await this.admin.listOffsets(latest)).all();
    return [...ends.values()].every((end) => end.offset === 0);
  }
}
