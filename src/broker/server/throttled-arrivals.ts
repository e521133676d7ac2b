/**
 * New connections of addresses that open too many: each is left unread until its address may open one again, and closed then, so that
 * whoever tries again at once has to wait. @see KIP-612
 */
import type { Clock, Timer } from '#core';
import type { Connection } from '#net';

/** Further ones are closed at once. */
const HELD_COUNT_MAX = 1000;

export class ThrottledArrivals {
  readonly #clock: Clock;
  readonly #held = new Map<Connection, Timer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  closeAfter(delayMs: number, connection: Connection): void {
    if (this.#held.size >= HELD_COUNT_MAX) connection.close();
    else
      this.#held.set(
        connection,
        this.#clock.setTimer(delayMs, () => this.#close(connection), { unref: true }),
      );
  }

  /** Closes all of them now. */
  end(): void {
    for (const connection of [...this.#held.keys()]) this.#close(connection);
  }

  #close(connection: Connection): void {
    this.#held.get(connection)?.cancel();
    this.#held.delete(connection);
    connection.close();
  }
}
