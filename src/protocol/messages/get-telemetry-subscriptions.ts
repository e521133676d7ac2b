/** GetTelemetrySubscriptions (KIP-714). */
import { array, bool, type Infer, int8, int16, int32, message, string, uuid } from '../schema.ts';

export const GetTelemetrySubscriptionsRequest = message(
  'GetTelemetrySubscriptionsRequest',
  { apiKey: 71, type: 'request', versions: '0', flexibleVersions: '0+' },
  { clientInstanceId: uuid() },
);
export type GetTelemetrySubscriptionsRequest = Infer<typeof GetTelemetrySubscriptionsRequest>;

export const GetTelemetrySubscriptionsResponse = message(
  'GetTelemetrySubscriptionsResponse',
  { apiKey: 71, type: 'response', versions: '0', flexibleVersions: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    acceptedCompressionTypes: array(int8()),
    pushIntervalMs: int32(),
    telemetryMaxBytes: int32(),
    deltaTemporality: bool(),
    requestedMetrics: array(string()),
  },
);
export type GetTelemetrySubscriptionsResponse = Infer<typeof GetTelemetrySubscriptionsResponse>;
