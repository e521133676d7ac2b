/** Who asks a machine, and what it answered and ordered, held until the high watermark has passed what it had seen by then. */
import type { KafkaErrorRow } from '#protocol';
import type { MachineOutput } from './machine.ts';

/** Who asked. Exactly one of the two is called, exactly once. */
export interface Asker {
  answer(body: unknown): void;
  refuse(error: KafkaErrorRow): void;
}

/** An answer or an order. */
type Held<O> = { readonly endOffset: number } & (
  | { readonly token: number; readonly body: unknown }
  | { readonly token: undefined; readonly order: O }
);

export class HeldOutcomes<O> {
  readonly #ordered: ((order: O) => void) | undefined;
  readonly #askers = new Map<number, Asker>();
  /** In the order of their end offsets. */
  #held: Held<O>[] = [];
  #nextToken = 1;

  constructor(ordered: ((order: O) => void) | undefined) {
    this.#ordered = ordered;
  }

  /** @returns the token that names `asker` to the machine */
  admit(asker: Asker): number {
    const token = this.#nextToken++;
    this.#askers.set(token, asker);
    return token;
  }

  hold(endOffset: number, { replies, orders = [] }: Pick<MachineOutput<never, O>, 'replies' | 'orders'>): void {
    for (const { token, body } of replies) this.#held.push({ endOffset, token, body });
    for (const order of orders) this.#held.push({ endOffset, token: undefined, order });
  }

  /** Whoever hears an answer, or does what was ordered, may come back here, and finds the rest. */
  release(highWatermark: number): void {
    while (this.#held.length > 0 && this.#held[0].endOffset <= highWatermark) {
      const held = this.#held.shift()!;
      if (held.token === undefined) this.#ordered?.(held.order);
      else this.#take(held.token)?.answer(held.body);
    }
  }

  refuse(token: number, error: KafkaErrorRow): void {
    this.#take(token)?.refuse(error);
  }

  /** Forgets what is held, and refuses everyone who waits; they may ask again at once. */
  discard(error: KafkaErrorRow): void {
    this.#held = [];
    const askers = [...this.#askers.values()];
    this.#askers.clear();
    for (const asker of askers) asker.refuse(error);
  }

  #take(token: number): Asker | undefined {
    const asker = this.#askers.get(token);
    this.#askers.delete(token);
    return asker;
  }
}
