/**
 * ◇ What came of a call about several things: each has a value or an error of its own. Nothing is thrown until somebody asks for a
 * value that is not there.
 */
import { KafkaError } from '#core';

export class ItemResults<T> implements Iterable<[string, T]> {
  /** What succeeded, by name. */
  readonly values: ReadonlyMap<string, T>;
  /** What failed, by name. */
  readonly errors: ReadonlyMap<string, KafkaError>;

  constructor(values: ReadonlyMap<string, T>, errors: ReadonlyMap<string, KafkaError>) {
    this.values = values;
    this.errors = errors;
  }

  /** @throws the item's error */
  get(name: string): T {
    const error = this.errors.get(name);
    if (error !== undefined) throw error;
    if (this.values.has(name)) return this.values.get(name) as T;
    throw new KafkaError('INVALID_ARGUMENT', `'${name}' was not asked for`);
  }

  errorOf(name: string): KafkaError | undefined {
    return this.errors.get(name);
  }

  /** Everything, when everything succeeded. @throws the first error otherwise */
  all(): ReadonlyMap<string, T> {
    for (const error of this.errors.values()) throw error;
    return this.values;
  }

  [Symbol.iterator](): Iterator<[string, T]> {
    return this.values[Symbol.iterator]();
  }
}
