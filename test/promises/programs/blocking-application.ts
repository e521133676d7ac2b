/**
 * An application whose listener stands still: a record `block <ms>` blocks the event loop for that long. It runs from source, where
 * decorators are plain functions called by hand. Prints `blocking`, then `unblocked`.
 */
import { Application, Component, KafkaListener } from '#app';

class Blocking {
  onText(text: string): void {
    const milliseconds = Number(/^block (\d+)$/.exec(text)?.[1] ?? 0);
    if (milliseconds === 0) return;
    process.stdout.write('blocking\n', () => {});
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
    process.stdout.write('unblocked\n');
  }
}

const descriptor = Object.getOwnPropertyDescriptor(Blocking.prototype, 'onText') as PropertyDescriptor;
Reflect.defineMetadata('design:paramtypes', [String], Blocking.prototype, 'onText');
KafkaListener({ id: 'blocking', topics: 'blocking', concurrency: 1 })(Blocking.prototype, 'onText', descriptor);
Component()(Blocking);

await Application.run(Blocking);
