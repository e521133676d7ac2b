/** One record at a time from `KafkaTemplate.send` to the listener's method: the latency of the whole way, with acks=all. */
import { Application, KafkaListener, KafkaTemplate, Service } from 'springtide';
import { percentile, report, timed } from '../figures.ts';

const [bootstrapServers, topic, recordsText] = process.argv.slice(2);
const records = Number(recordsText);
const warmUp = 200;
let arrived: () => void = () => {};

@Service()
class Echo {
  constructor(readonly kafka: KafkaTemplate<string, string>) {}

  @KafkaListener({ id: `bench-${process.pid}`, topics: topic })
  onValue(_value: string): void {
    arrived();
  }

  async roundTrip(value: string): Promise<number> {
    const arrival = Promise.withResolvers<void>();
    arrived = arrival.resolve;
    const start = performance.now();
    this.kafka.send(topic, value);
    await arrival.promise;
    return performance.now() - start;
  }
}

const context = await Application.run(Echo, {
  args: [
    `--spring.kafka.bootstrap-servers=${bootstrapServers}`,
    '--spring.kafka.consumer.auto-offset-reset=earliest',
    '--spring.kafka.consumer.value-deserializer=string',
    '--spring.kafka.producer.value-serializer=string',
    '--spring.kafka.producer.properties.linger.ms=0',
    '--logging.level.root=warn',
  ],
});
const echo = context.get(Echo);
const value = 'x'.repeat(100);
for (let n = 0; n < warmUp; n++) await echo.roundTrip(value);
const latencies: number[] = [];
const figures = await timed(records, records * value.length, async () => {
  for (let n = 0; n < records; n++) latencies.push(await echo.roundTrip(value));
});
latencies.sort((a, b) => a - b);
report({ ...figures, p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99) });
await context.close();
