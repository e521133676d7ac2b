/** Why the controller does not do what it was asked: an error and, in words, what exactly was wrong. Pure. */
import { shortened } from '#core';
import type { KafkaErrorRow } from '#protocol';

export interface Refusal {
  readonly error: KafkaErrorRow;
  readonly errorMessage: string;
}

export function isRefusal(value: object): value is Refusal {
  return 'error' in value && 'errorMessage' in value;
}

/** The text may quote what the client sent. */
export function refuse(error: KafkaErrorRow, text: string): Refusal {
  return { error, errorMessage: shortened(text) };
}
