/**
 * Assertions state what must be true if this program has no bug. Nobody catches a failed one to go on: whoever owns the
 * state stops, be it a partition, a connection or the process.
 */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Throws {@link AssertionError} unless `condition` holds. For bugs only: bad input is a `KafkaError`. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** For the branch that a union's last case leaves over: the type checker proves it is never reached. */
export function unreachable(value: never, message = 'unreachable'): never {
  throw new AssertionError(`${message}: ${String(value)}`);
}
