/**
 * The states of a transaction, by Kafka's names and numbers.
 *
 *     id  state            may come from                                             by
 *     0   Empty            (nothing), Empty, CompleteCommit, CompleteAbort           InitProducerId
 *     1   Ongoing          Ongoing, Empty, CompleteCommit, CompleteAbort             partitions are added
 *     2   PrepareCommit    Ongoing                                                   EndTxn; its markers are being written
 *     3   PrepareAbort     Ongoing; v2: Empty, CompleteCommit, CompleteAbort         EndTxn, timeout, InitProducerId (fence)
 *     4   CompleteCommit   PrepareCommit                                             the last marker is written
 *     5   CompleteAbort    PrepareAbort                                              the last marker is written
 *     6   Dead             Empty, CompleteCommit, CompleteAbort                      expired: a tombstone, never stored itself
 *     7   PrepareEpochFence  Ongoing                                                 a step to PrepareAbort, never stored
 *
 */

export const transactionStates = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
] as const;

/** Of the states that are stored. */
export type TransactionState = Exclude<(typeof transactionStates)[number], 'Dead' | 'PrepareEpochFence'>;

export function stateId(state: TransactionState): number {
  return transactionStates.indexOf(state);
}

/** Undefined for numbers that stand for no stored state. */
export function stateOf(id: number): TransactionState | undefined {
  const state = transactionStates[id];
  return state === 'Dead' || state === 'PrepareEpochFence' ? undefined : state;
}

export function mayFollow(from: TransactionState, to: TransactionState): boolean {
  switch (to) {
    case 'Empty':
      return isAtRest(from);
    case 'Ongoing':
    case 'PrepareAbort':
      return isAtRest(from) || from === 'Ongoing';
    case 'PrepareCommit':
      return from === 'Ongoing';
    case 'CompleteCommit':
      return from === 'PrepareCommit';
    case 'CompleteAbort':
      return from === 'PrepareAbort';
  }
}

/** Nothing is open: an id in this state may expire, or begin. */
export function isAtRest(state: TransactionState): boolean {
  return state === 'Empty' || state === 'CompleteCommit' || state === 'CompleteAbort';
}

/** It is decided, and its markers are being written. */
export function isPrepared(state: TransactionState): state is 'PrepareCommit' | 'PrepareAbort' {
  return state === 'PrepareCommit' || state === 'PrepareAbort';
}
