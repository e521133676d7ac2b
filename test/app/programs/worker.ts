/** A listener in a process of its own whose first call takes until a signal has come: for the test that draining lets it finish. */
import { Application, type ApplicationContext, Inject, KafkaListener, KafkaTemplate } from '#app';

class Worker {
  readonly #kafka: KafkaTemplate<string, string>;

  constructor(kafka: KafkaTemplate<string, string>) {
    this.#kafka = kafka;
  }

  async onJob(job: string): Promise<void> {
    process.stdout.write(`began ${job}\n`);
    if (job === 'slow') await new Promise((done) => process.once('SIGTERM', () => setTimeout(done, 100)));
    process.stdout.write(`finished ${job}\n`);
  }

  async begin(context: ApplicationContext): Promise<void> {
    const jobs = (context.environment.getProperty('app.jobs') ?? '').split(',').filter((job) => job !== '');
    for (const job of jobs) await this.#kafka.send('jobs', job);
    process.stdout.write('sent all\n');
  }
}

Inject(KafkaTemplate)(Worker, undefined, 0);
Reflect.defineMetadata('design:paramtypes', [String], Worker.prototype, 'onJob');
KafkaListener({ id: 'jobs', topics: 'jobs', ackMode: 'record' })(Worker.prototype, 'onJob');

const context = await Application.run(Worker, { defaults: { 'spring.kafka.consumer.auto-offset-reset': 'earliest' } });
await context.get(Worker).begin(context);
