/** `KafkaTemplate.send` of records of 100 bytes: first many asynchronously, then some one by one, each awaited. */
import { DefaultKafkaProducerFactory, KafkaTemplate } from 'springtide';
import { percentile, report, timed } from '../figures.ts';

const [bootstrapServers, topic, recordsText] = process.argv.slice(2);
const records = Number(recordsText);
const awaited = 2_000;
const value = 'x'.repeat(100);
const yieldEvery = 500;

const factory = new DefaultKafkaProducerFactory<string, string>({
  'bootstrap.servers': bootstrapServers,
  'key.serializer': 'string',
  'value.serializer': 'string',
});
const template = new KafkaTemplate<string, string>(factory);
for (let n = 0; n < 20_000; n++) template.send(topic, value);
await template.flush();

const figures = await timed(records, records * value.length, async () => {
  for (let n = 0; n < records; n++) {
    template.send(topic, value);
    if (n % yieldEvery === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await template.flush();
});

const latencies: number[] = [];
for (let n = 0; n < awaited; n++) {
  const start = performance.now();
  await template.send(topic, value);
  latencies.push(performance.now() - start);
}
latencies.sort((a, b) => a - b);
report({ ...figures, p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99) });
await factory.reset();
