/** Events for observers: objects told apart by their class. Nothing in the framework depends on anybody listening. */
import type { Logger } from '#core';
import type { Class } from './metadata.ts';

/** Every bean exists and every lifecycle bean that starts by itself runs. */
export class ContextStartedEvent {
  readonly startedInMs: number;

  constructor(startedInMs: number) {
    this.startedInMs = startedInMs;
  }
}

/** The context begins to close; everything still works. */
export class ContextClosingEvent {}

/** Everything is stopped and destroyed. */
export class ContextClosedEvent {}

export class EventHub {
  readonly #listeners = new Map<Class, Set<(event: never) => void>>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Calls `listener` for events of the class and of classes that extend it. Gives the function that ends it. */
  on<T extends object>(type: Class<T>, listener: (event: T) => void): () => void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** Synchronous, in order of registration. A listener that throws is logged and the others still hear. */
  publish(event: object): void {
    for (const [type, listeners] of this.#listeners) {
      if (!(event instanceof type)) continue;
      for (const listener of listeners) {
        try {
          listener(event as never);
        } catch (error) {
          this.#logger.error({ err: error }, `a listener of ${event.constructor.name} failed`);
        }
      }
    }
  }
}
