/** ListTransactions (KIP-664). v1 adds a filter of durations (KIP-994), v2 a pattern of transactional ids (KIP-1152). */
import { array, type Infer, int16, int32, int64, message, string } from '../schema.ts';

export const ListTransactionsRequest = message(
  'ListTransactionsRequest',
  { apiKey: 66, type: 'request', versions: '0-2', flexibleVersions: '0+' },
  {
    stateFilters: array(string()),
    producerIdFilters: array(int64()),
    durationFilter: int64({ versions: '1+', default: -1 }),
    transactionalIdPattern: string({ versions: '2+', nullable: '2+', default: null }),
  },
);
export type ListTransactionsRequest = Infer<typeof ListTransactionsRequest>;

export const ListTransactionsResponse = message(
  'ListTransactionsResponse',
  { apiKey: 66, type: 'response', versions: '0-2', flexibleVersions: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    unknownStateFilters: array(string()),
    transactionStates: array({ transactionalId: string(), producerId: int64(), transactionState: string() }),
  },
);
export type ListTransactionsResponse = Infer<typeof ListTransactionsResponse>;
