/** A listener in a process of its own whose first call takes until a signal has come: for the test that draining lets it finish. */
import {
  Application,
  type ApplicationContext,
  Environment,
  Inject,
  KafkaListener,
  KafkaTemplate,
  PostConstruct,
} from '#app';

class Worker {
  readonly #kafka: KafkaTemplate<string, string>;
  readonly #isSlow: boolean;

  constructor(kafka: KafkaTemplate<string, string>, environment: Environment) {
    this.#kafka = kafka;
    this.#isSlow = environment.has('app.slow-start');
  }

  /** A @PostConstruct method that takes until a signal has come. */
  async prepare(): Promise<void> {
    if (!this.#isSlow) return;
    process.stdout.write('slow start\n');
    await new Promise((done) => process.once('SIGTERM', () => setTimeout(done, 100)));
  }

  async onJob(job: string): Promise<void> {
    process.stdout.write(`began ${job}\n`);
    if (job === 'never') await new Promise(() => {});
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
Inject(Environment)(Worker, undefined, 1);
PostConstruct()(Worker.prototype, 'prepare');
Reflect.defineMetadata('design:paramtypes', [String], Worker.prototype, 'onJob');
KafkaListener({ id: 'jobs', topics: 'jobs', ackMode: 'record' })(Worker.prototype, 'onJob');

const context = await Application.run(Worker, { defaults: { 'spring.kafka.consumer.auto-offset-reset': 'earliest' } });
await context.get(Worker).begin(context);
