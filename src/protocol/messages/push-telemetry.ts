/** PushTelemetry (KIP-714). */
import { bool, bytes, type Infer, int8, int16, int32, message, uuid } from '../schema.ts';

export const PushTelemetryRequest = message(
  'PushTelemetryRequest',
  { apiKey: 72, type: 'request', versions: '0', flexibleVersions: '0+' },
  {
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    terminating: bool(),
    compressionType: int8(),
    metrics: bytes(),
  },
);
export type PushTelemetryRequest = Infer<typeof PushTelemetryRequest>;

export const PushTelemetryResponse = message(
  'PushTelemetryResponse',
  { apiKey: 72, type: 'response', versions: '0', flexibleVersions: '0+' },
  { throttleTimeMs: int32(), errorCode: int16() },
);
export type PushTelemetryResponse = Infer<typeof PushTelemetryResponse>;
