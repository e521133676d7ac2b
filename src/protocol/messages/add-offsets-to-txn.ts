/** AddOffsetsToTxn: a group joins the transaction (KIP-98). */
import { type Infer, int16, int32, int64, message, string } from '../schema.ts';

export const AddOffsetsToTxnRequest = message(
  'AddOffsetsToTxnRequest',
  { apiKey: 25, type: 'request', versions: '0-4', flexibleVersions: '3+' },
  { transactionalId: string(), producerId: int64(), producerEpoch: int16(), groupId: string() },
);
export type AddOffsetsToTxnRequest = Infer<typeof AddOffsetsToTxnRequest>;

export const AddOffsetsToTxnResponse = message(
  'AddOffsetsToTxnResponse',
  { apiKey: 25, type: 'response', versions: '0-4', flexibleVersions: '3+' },
  { throttleTimeMs: int32(), errorCode: int16() },
);
export type AddOffsetsToTxnResponse = Infer<typeof AddOffsetsToTxnResponse>;
