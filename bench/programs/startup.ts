/** An application with its included broker on a fresh folder: from process start until its first record is handled. */
import { Application, KafkaListener, KafkaTemplate, Service } from 'springtide';
import { report } from '../figures.ts';

const [folder] = process.argv.slice(2);
const handled = Promise.withResolvers<void>();

@Service()
class Hello {
  @KafkaListener({ id: 'hello', topics: 'hello' })
  onHello(_greeting: string): void {
    handled.resolve();
  }
}

const context = await Application.run(Hello, {
  args: [
    `--springtide.broker.log.dirs=${folder}`,
    '--springtide.broker.listeners=PLAINTEXT://127.0.0.1:0',
    '--spring.kafka.consumer.auto-offset-reset=earliest',
    '--logging.level.root=warn',
  ],
});
const ready = performance.now();
await context.get(KafkaTemplate).send('hello', 'hello');
await handled.promise;
const used = process.cpuUsage();
report({
  records: 1,
  bytes: 5,
  seconds: performance.now() / 1000,
  cpuSeconds: (used.user + used.system) / 1e6,
  p50Ms: ready,
  p99Ms: ready,
});
await context.close();
