/**
 * Kafka's controller does nothing any more when the time of a request has run out, and a request that gives it none is out of time at
 * once. Ours does at once what it is asked, so that is the only case. Nobody is told in words.
 */
import { Errors } from '#protocol';

export const OUT_OF_TIME = { errorCode: Errors.REQUEST_TIMED_OUT.code, errorMessage: null } as const;

export function isOutOfTime({ timeoutMs }: { readonly timeoutMs: number }): boolean {
  return timeoutMs <= 0;
}
