/** GetTelemetrySubscriptions (71) and PushTelemetry (72). @see KIP-714 */
import { CorruptError, compressionCodecs, decompress, KafkaError, ZERO_UUID } from '#core';
import {
  type Draft,
  Errors,
  type GetTelemetrySubscriptionsRequest,
  type GetTelemetrySubscriptionsResponse,
  type KafkaErrorRow,
  type PushTelemetryRequest,
  type PushTelemetryResponse,
} from '#protocol';
import type { BrokerParts } from '../broker-parts.ts';
import type { RequestContext } from '../server/request-context.ts';
import { POINTS_PER_CLIENT_MAX, readMetricsData, type TelemetryClient } from '../telemetry/index.ts';

/** A push may become so many times as large when it is decompressed. */
const EXPANSION_MAX = 16;

/** Cumulative values are asked for: they can be told on as they are. */
export function getTelemetrySubscriptions(
  broker: BrokerParts,
  context: RequestContext,
  request: GetTelemetrySubscriptionsRequest,
): Draft<typeof GetTelemetrySubscriptionsResponse> {
  const { telemetry, clock, random, settings } = broker;
  const isNew = request.clientInstanceId === ZERO_UUID;
  const client = clientOf(context, isNew ? random.uuid() : request.clientInstanceId);
  const terms = telemetry.clients.get(client, context.connection, clock.monotonicMs());
  if ('code' in terms) return { errorCode: terms.code };
  return { ...terms, telemetryMaxBytes: settings.config['telemetry.max.bytes'], deltaTemporality: false };
}

export function pushTelemetry(
  broker: BrokerParts,
  context: RequestContext,
  request: PushTelemetryRequest,
): Draft<typeof PushTelemetryResponse> {
  const { telemetry, clock } = broker;
  const client = clientOf(context, request.clientInstanceId);
  const push = { ...request, bytes: request.metrics.length };
  const error = telemetry.clients.push(client, context.connection, push, clock.monotonicMs());
  if (error !== Errors.NONE || push.bytes === 0) return { errorCode: error.code };
  return { errorCode: take(broker, context, request).code };
}

function take(
  { telemetry, settings }: BrokerParts,
  { clientId }: RequestContext,
  { clientInstanceId, compressionType, metrics }: PushTelemetryRequest,
): KafkaErrorRow {
  try {
    const bytesMax = EXPANSION_MAX * settings.config['telemetry.max.bytes'];
    const bytes = decompress(compressionCodecs[compressionType], metrics, bytesMax);
    telemetry.figures.set(clientInstanceId, clientId ?? '', readMetricsData(bytes, POINTS_PER_CLIENT_MAX));
    return Errors.NONE;
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    telemetry.figures.corruptCount++;
    return error instanceof CorruptError ? Errors.INVALID_RECORD : Errors.TELEMETRY_TOO_LARGE;
  }
}

function clientOf(context: RequestContext, clientInstanceId: string): TelemetryClient {
  return {
    client_instance_id: clientInstanceId,
    client_id: context.clientId ?? '',
    client_software_name: context.clientSoftware?.name,
    client_software_version: context.clientSoftware?.version,
    client_source_address: context.clientHost,
    client_source_port: context.clientPort,
  };
}
