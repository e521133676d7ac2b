/** `wakeup()`: ends the call that waits now, or the next one that would wait. */
import { KafkaError } from '#core';

export class Wakeup {
  #isRequested = false;
  readonly #interrupts = new Set<() => void>();

  /** May be called at any time, from anywhere. */
  request(): void {
    this.#isRequested = true;
    for (const interrupt of this.#interrupts) interrupt();
  }

  /** @throws KafkaError WAKEUP when one is due, which is then done with. */
  check(): void {
    if (!this.#isRequested) return;
    this.#isRequested = false;
    throw new KafkaError('WAKEUP', 'wakeup() was called; this call was given up');
  }

  /** Settles as `promise` does, unless a wakeup comes first. What `promise` stands for goes on in the background. */
  race<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const interrupt = () => {
        if (!this.#isRequested) return;
        this.#interrupts.delete(interrupt);
        try {
          this.check();
        } catch (error) {
          reject(error);
        }
      };
      promise.then(resolve, reject).finally(() => this.#interrupts.delete(interrupt));
      this.#interrupts.add(interrupt);
      interrupt();
    });
  }
}
