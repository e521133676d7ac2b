/**
 * InitProducerId: id and epoch for idempotent and transactional producers (KIP-98). v3 bumps the epoch of a known
 * producer (KIP-360), v6 is for two-phase commit and still unstable (KIP-939).
 */
import { bool, type Infer, int16, int32, int64, message, string } from '../schema.ts';

export const InitProducerIdRequest = message(
  'InitProducerIdRequest',
  { apiKey: 22, type: 'request', versions: '0-6', flexibleVersions: '2+', latestVersionUnstable: true },
  {
    transactionalId: string({ nullable: '0+' }),
    transactionTimeoutMs: int32(),
    producerId: int64({ versions: '3+', default: -1 }),
    producerEpoch: int16({ versions: '3+', default: -1 }),
    enable2Pc: bool({ versions: '6+' }),
    keepPreparedTxn: bool({ versions: '6+' }),
  },
);
export type InitProducerIdRequest = Infer<typeof InitProducerIdRequest>;

export const InitProducerIdResponse = message(
  'InitProducerIdResponse',
  { apiKey: 22, type: 'response', versions: '0-6', flexibleVersions: '2+' },
  {
    throttleTimeMs: int32({ ignorable: true }),
    errorCode: int16(),
    producerId: int64({ default: -1 }),
    producerEpoch: int16(),
    ongoingTxnProducerId: int64({ versions: '6+', default: -1 }),
    ongoingTxnProducerEpoch: int16({ versions: '6+', default: -1 }),
  },
);
export type InitProducerIdResponse = Infer<typeof InitProducerIdResponse>;
