/** EndTxn: commit or abort (KIP-98). v5 returns the bumped epoch (KIP-890). */
import { bool, type Infer, int16, int32, int64, message, string } from '../schema.ts';

export const EndTxnRequest = message(
  'EndTxnRequest',
  { apiKey: 26, type: 'request', versions: '0-5', flexibleVersions: '3+' },
  { transactionalId: string(), producerId: int64(), producerEpoch: int16(), committed: bool() },
);
export type EndTxnRequest = Infer<typeof EndTxnRequest>;

export const EndTxnResponse = message(
  'EndTxnResponse',
  { apiKey: 26, type: 'response', versions: '0-5', flexibleVersions: '3+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    producerId: int64({ versions: '5+', default: -1, ignorable: true }),
    producerEpoch: int16({ versions: '5+', default: -1, ignorable: true }),
  },
);
export type EndTxnResponse = Infer<typeof EndTxnResponse>;
