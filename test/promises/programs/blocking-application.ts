/**
 * An application whose listener stands still: a record `block <ms> <path>` blocks the event loop for that long, and until there is a file
 * at the path. It runs from source, where decorators are plain functions called by hand. Prints `blocking`, then `unblocked`.
 */
import { existsSync } from 'node:fs';
import { Application, Component, KafkaListener } from '#app';

class Blocking {
  onText(text: string): void {
    const [, milliseconds, path] = /^block (\d+) (.+)$/.exec(text) ?? [];
    if (path === undefined) return;
    process.stdout.write('blocking\n', () => {});
    stand(Number(milliseconds));
    while (!existsSync(path)) stand(20);
    process.stdout.write('unblocked\n');
  }
}

function stand(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

const descriptor = Object.getOwnPropertyDescriptor(Blocking.prototype, 'onText') as PropertyDescriptor;
Reflect.defineMetadata('design:paramtypes', [String], Blocking.prototype, 'onText');
KafkaListener({ id: 'blocking', topics: 'blocking', concurrency: 1 })(Blocking.prototype, 'onText', descriptor);
Component()(Blocking);

await Application.run(Blocking);
