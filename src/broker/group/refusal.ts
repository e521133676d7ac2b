/** Why a request comes to nothing: an error and, where its API has room for it, what it means here. */
import { shortened } from '#core';
import type { KafkaErrorRow } from '#protocol';

export interface Refusal {
  readonly error: KafkaErrorRow;
  readonly message: string;
}

export function refuse(error: KafkaErrorRow, message: string): Refusal {
  return { error, message: shortened(message) };
}

export function isRefusal(outcome: object): outcome is Refusal {
  return 'error' in outcome;
}
