/**
 * An application for the tests of signals and exit codes, run from source in a process of its own; hence decorators as function calls.
 * What it does is told by the setting `app.mode`.
 */
import { Application, Environment, Inject, KafkaTemplate, PreDestroy } from '#app';

class Shop {
  readonly #kafka: KafkaTemplate<string, string>;
  readonly #mode: string | undefined;
  #acknowledgedCount = 0;

  constructor(kafka: KafkaTemplate<string, string>, environment: Environment) {
    this.#kafka = kafka;
    this.#mode = environment.getProperty('app.mode');
  }

  begin(): void {
    if (this.#mode === 'crash') setImmediate(() => Promise.reject(new RangeError('nobody caught this')));
    if (this.#mode === 'send') for (let i = 0; i < 500; i++) this.#send(i);
    process.stdout.write('ready\n');
    // Keeps the process alive whatever the clients do.
    setInterval(() => {}, 60_000);
  }

  #send(i: number): void {
    this.#kafka.send('orders', `${i}`, 'x'.repeat(100)).whenComplete((_result, error) => {
      if (error === null || error === undefined) this.#acknowledgedCount++;
    });
  }

  async end(): Promise<void> {
    process.stdout.write(`acknowledged ${this.#acknowledgedCount}\n`);
    if (this.#mode === 'hang') await new Promise(() => {});
  }
}

Inject(KafkaTemplate)(Shop, undefined, 0);
Inject(Environment)(Shop, undefined, 1);
PreDestroy()(Shop.prototype, 'end');

const context = await Application.run(Shop);
context.get(Shop).begin();
