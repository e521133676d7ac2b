/**
 * What is remembered of those who have a limit, by the names under which they share it. Client ids are chosen by clients, so the table
 * is bounded: who was not heard of for `IDLE_MS` is forgotten, and beyond `ENTITIES_MAX` all further ones share one row.
 */

/** Kafka forgets as late. */
const IDLE_MS = 3_600_000;
/** How often is looked for the idle ones, at most. */
const SWEEP_MS = 60_000;
export const ENTITIES_MAX = 10_000;

export interface EntityRow<T> {
  readonly user: string;
  readonly clientId: string;
  readonly state: T;
  lastMs: number;
}

export class EntityTable<T> {
  readonly #make: () => T;
  readonly #rows = new Map<string, Map<string, EntityRow<T>>>();
  #overflow: EntityRow<T> | undefined;
  #count = 0;
  #sweptMs = 0;

  constructor(make: () => T) {
    this.#make = make;
  }

  get size(): number {
    return this.#count;
  }

  /** The row of these names, '' for those that do not count; made when there is none. */
  of(user: string, clientId: string, nowMs: number): EntityRow<T> {
    const row = this.#rows.get(user)?.get(clientId) ?? this.#add(user, clientId, nowMs);
    row.lastMs = nowMs;
    return row;
  }

  *all(): Iterable<EntityRow<T>> {
    for (const rows of this.#rows.values()) yield* rows.values();
  }

  #add(user: string, clientId: string, nowMs: number): EntityRow<T> {
    if (nowMs - this.#sweptMs >= SWEEP_MS) this.#sweep(nowMs);
    if (this.#count >= ENTITIES_MAX) return (this.#overflow ??= this.#row('', '', nowMs));
    let ofUser = this.#rows.get(user);
    if (ofUser === undefined) this.#rows.set(user, (ofUser = new Map()));
    const row = this.#row(user, clientId, nowMs);
    ofUser.set(clientId, row);
    this.#count++;
    return row;
  }

  #row(user: string, clientId: string, nowMs: number): EntityRow<T> {
    return { user, clientId, state: this.#make(), lastMs: nowMs };
  }

  #sweep(nowMs: number): void {
    this.#sweptMs = nowMs;
    for (const [user, rows] of this.#rows) {
      for (const [clientId, { lastMs }] of rows) {
        if (nowMs - lastMs < IDLE_MS) continue;
        rows.delete(clientId);
        this.#count--;
      }
      if (rows.size === 0) this.#rows.delete(user);
    }
  }
}
