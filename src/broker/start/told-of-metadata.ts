/** Who is told what of the committed metadata: once of all that is there at the start, then of each record. One place for all of them. */
import type { LiveConfig } from '../config/live-config.ts';
import {
  BROKER_RESOURCE,
  CLIENT_METRICS_RESOURCE,
  finalizedLevel,
  type MetadataImage,
  type MetadataRecord,
  TRANSACTION_VERSION,
} from '../controller/index.ts';
import type { GroupCoordinators } from '../coordination/group-coordinators.ts';
import type { TransactionCoordinators } from '../coordination/transaction-coordinators.ts';
import type { HostedPartitions } from '../hosting/hosted-partitions.ts';
import type { ClientQuotas } from '../quota/index.ts';
import type { TelemetryReceiver } from '../telemetry/index.ts';

/** Those who follow what the metadata says about clients. */
export interface ClientRules {
  readonly quotas: ClientQuotas;
  readonly telemetry: TelemetryReceiver;
}

export interface Listeners extends ClientRules {
  readonly live: LiveConfig;
  readonly partitions: HostedPartitions;
  readonly groups: GroupCoordinators;
  readonly transactions: TransactionCoordinators;
}

/** What is in the image when it was loaded. */
export function tellAll(image: MetadataImage, { quotas, telemetry }: ClientRules): void {
  for (const record of image.clientQuotas.records()) quotas.apply(record);
  for (const [name, configs] of image.configs.get(CLIENT_METRICS_RESOURCE) ?? []) telemetry.configured(name, configs);
}

/** A record that was committed later; the image has it. */
export function tell(record: MetadataRecord, image: MetadataImage, listeners: Listeners): void {
  const { live, partitions, groups, transactions, quotas, telemetry } = listeners;
  if (record.type === 'ConfigRecord' && record.body.resourceType === BROKER_RESOURCE) live.update(image);
  partitions.committed(record, image);
  groups.committed(record);
  if (record.type === 'ClientQuotaRecord') quotas.apply(record.body);
  if (record.type === 'FeatureLevelRecord') transactions.versionChanged(finalizedLevel(image, TRANSACTION_VERSION));
  if (record.type === 'ConfigRecord' && record.body.resourceType === CLIENT_METRICS_RESOURCE) {
    const { resourceName } = record.body;
    telemetry.configured(resourceName, image.configsOf(CLIENT_METRICS_RESOURCE, resourceName));
  }
}
