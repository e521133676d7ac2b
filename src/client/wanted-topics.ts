/**
 * ◇ The topics a client asks metadata for: a lasting set (a consumer's subscription), all of them (a pattern), and those that are
 * in use (a producer's), which are forgotten when nobody has used them for a while.
 */
export interface AskedTopics {
  /** null: all. */
  names: string[] | null;
  allowAutoCreation: boolean;
}

interface Use {
  lastUsedMs: number;
  allowAutoCreate: boolean;
}

export class WantedTopics {
  readonly #allowAutoCreate: boolean;
  readonly #idleMs: number;
  readonly #inUse = new Map<string, Use>();
  #lasting = new Set<string>();
  #isAll = false;

  constructor(allowAutoCreate: boolean, idleMs: number) {
    this.#allowAutoCreate = allowAutoCreate;
    this.#idleMs = idleMs;
  }

  get isAll(): boolean {
    return this.#isAll;
  }

  get lasting(): string[] {
    return [...this.#lasting];
  }

  has(name: string): boolean {
    return this.#isAll || this.#lasting.has(name) || this.#inUse.has(name);
  }

  set(names: Iterable<string>): void {
    this.#lasting = new Set(names);
    this.#isAll = false;
  }

  setAll(): void {
    this.#isAll = true;
  }

  /** Notes that a topic is used now. @returns whether it was not wanted before */
  touch(name: string, nowMs: number, allowAutoCreate = this.#allowAutoCreate): boolean {
    const use = this.#inUse.get(name);
    if (use !== undefined) {
      use.lastUsedMs = nowMs;
      use.allowAutoCreate = allowAutoCreate;
      return false;
    }
    const isNew = !this.has(name);
    this.#inUse.set(name, { lastUsedMs: nowMs, allowAutoCreate });
    return isNew;
  }

  /** What to ask for now; forgets what is idle. A request may create topics only if that is wanted for each that is missing. */
  asked(nowMs: number, isKnown: (name: string) => boolean): AskedTopics {
    for (const [name, use] of this.#inUse) if (use.lastUsedMs + this.#idleMs < nowMs) this.#inUse.delete(name);
    const names = [...new Set([...this.#lasting, ...this.#inUse.keys()])];
    const missing = names.filter((name) => !isKnown(name));
    const allowAutoCreation = missing.every((name) => this.#inUse.get(name)?.allowAutoCreate ?? this.#allowAutoCreate);
    return { names: this.#isAll ? null : names, allowAutoCreation };
  }
}
