/**
 * Which errors are worth another delivery. Pure: classes with a verdict; the nearest class of the error, or of an error in
 * its `cause` chain, decides, and a default where none is known.
 */

import { MessageConversionException, MethodArgumentNotValidException } from '#message';
import { DeserializationException } from '#serde';
import {
  ListenerExecutionFailedException,
  MethodArgumentResolutionException,
  NoHandlerException,
} from './exceptions.ts';

/** An error class, abstract or not. */
// biome-ignore lint/suspicious/noExplicitAny: a constructor type that accepts every error class needs `any` arguments.
export type ErrorClass = abstract new (...args: any[]) => Error;

/** The same bytes would fail the same way: straight to the recoverer. */
export const fatalByDefault: readonly ErrorClass[] = [
  DeserializationException,
  MessageConversionException,
  MethodArgumentNotValidException,
  MethodArgumentResolutionException,
  NoHandlerException,
];

/** Cause chains may be cyclic. */
const CAUSES_MAX = 32;

export class ExceptionClassifier {
  private readonly verdicts = new Map<ErrorClass, boolean>();
  private isRetryableByDefault = true;

  constructor(notRetryable: readonly ErrorClass[] = fatalByDefault) {
    for (const type of notRetryable) this.verdicts.set(type, false);
  }

  set(types: readonly ErrorClass[], isRetryable: boolean): void {
    for (const type of types) this.verdicts.set(type, isRetryable);
  }

  remove(type: ErrorClass): boolean {
    return this.verdicts.delete(type);
  }

  /** Only listed classes are retried from now on. */
  defaultFalse(retainFatal = false): void {
    this.isRetryableByDefault = false;
    if (!retainFatal) for (const type of fatalByDefault) this.verdicts.delete(type);
  }

  isRetryable(error: unknown): boolean {
    let current: unknown = error;
    for (let depth = 0; depth < CAUSES_MAX && Error.isError(current); depth++) {
      const verdict = this.verdictOf(current);
      if (verdict !== undefined) return verdict;
      current = current.cause;
    }
    return this.isRetryableByDefault;
  }

  private verdictOf(error: Error): boolean | undefined {
    for (let type: unknown = error.constructor; typeof type === 'function'; type = Object.getPrototypeOf(type)) {
      const verdict = this.verdicts.get(type as ErrorClass);
      if (verdict !== undefined) return verdict;
    }
    return undefined;
  }
}

/** The error inside Spring-style wrappers: what the listener really threw. */
export function rootOf(error: unknown): unknown {
  return error instanceof ListenerExecutionFailedException && error.cause !== undefined ? error.cause : error;
}
