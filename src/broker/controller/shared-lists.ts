/**
 * Equal lists as one: most partitions of a cluster have the same replicas, in-sync sets and directories, so that each distinct list is held
 * once. What is handed out is never changed. Pure.
 */
export class SharedLists<T extends number | string> {
  readonly #empty: readonly T[] = [];
  readonly #single = new Map<T, readonly T[]>();
  readonly #longer = new Map<string, readonly T[]>();

  of(list: readonly T[]): readonly T[] {
    if (list.length === 0) return this.#empty;
    return list.length === 1 ? taken(this.#single, list[0], list) : taken(this.#longer, list.join(), list);
  }
}

function taken<K, V>(lists: Map<K, V>, key: K, list: V): V {
  const known = lists.get(key);
  if (known !== undefined) return known;
  lists.set(key, list);
  return list;
}
