/** One `@KafkaListener` reading a backlog of records of 100 bytes, record by record, from the first handled to the last. */
import { Application, KafkaListener, Service } from 'springtide';
import { type Figures, report, timed } from '../figures.ts';

const [bootstrapServers, topic, recordsText] = process.argv.slice(2);
const records = Number(recordsText);
const first = Promise.withResolvers<void>();
const last = Promise.withResolvers<void>();
let handled = 0;

@Service()
class Reader {
  @KafkaListener({ id: `bench-${process.pid}`, topics: topic })
  onValue(_value: string): void {
    handled++;
    if (handled === 1) first.resolve();
    if (handled === records) last.resolve();
  }
}

const context = await Application.run(Reader, {
  args: [
    `--spring.kafka.bootstrap-servers=${bootstrapServers}`,
    '--spring.kafka.consumer.auto-offset-reset=earliest',
    '--spring.kafka.consumer.value-deserializer=string',
    '--logging.level.root=warn',
  ],
});
await first.promise;
const figures: Figures = await timed(records, records * 100, () => last.promise);
report(figures);
await context.close();
