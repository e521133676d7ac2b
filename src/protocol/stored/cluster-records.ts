/** Configs, features, producer-id blocks, quotas and metadata transactions (KIP-868) in __cluster_metadata. */
import { array, bool, float64, type Infer, int8, int16, int32, int64, message, string } from '../schema.ts';

export const ConfigRecord = message(
  'ConfigRecord',
  { apiKey: 4, type: 'metadata', versions: '0', flexibleVersions: '0+' },
  { resourceType: int8(), resourceName: string(), name: string(), value: string({ nullable: '0+' }) },
);
export type ConfigRecord = Infer<typeof ConfigRecord>;

export const FeatureLevelRecord = message(
  'FeatureLevelRecord',
  { apiKey: 12, type: 'metadata', versions: '0', flexibleVersions: '0+' },
  { name: string(), featureLevel: int16() },
);
export type FeatureLevelRecord = Infer<typeof FeatureLevelRecord>;

export const ProducerIdsRecord = message(
  'ProducerIdsRecord',
  { apiKey: 15, type: 'metadata', versions: '0', flexibleVersions: '0+' },
  { brokerId: int32(), brokerEpoch: int64({ default: -1 }), nextProducerId: int64() },
);
export type ProducerIdsRecord = Infer<typeof ProducerIdsRecord>;

export const ClientQuotaRecord = message(
  'ClientQuotaRecord',
  { apiKey: 14, type: 'metadata', versions: '0', flexibleVersions: '0+' },
  {
    entity: array({ entityType: string(), entityName: string({ nullable: '0+' }) }),
    key: string(),
    value: float64(),
    remove: bool(),
  },
);
export type ClientQuotaRecord = Infer<typeof ClientQuotaRecord>;

export const NoOpRecord = message(
  'NoOpRecord',
  { apiKey: 20, type: 'metadata', versions: '0', flexibleVersions: '0+' },
  {},
);
export type NoOpRecord = Infer<typeof NoOpRecord>;

export const BeginTransactionRecord = message(
  'BeginTransactionRecord',
  { apiKey: 23, type: 'metadata', versions: '0', flexibleVersions: '0+' },
  { name: string({ nullable: '0+', default: null, tag: 0 }) },
);
export type BeginTransactionRecord = Infer<typeof BeginTransactionRecord>;

export const EndTransactionRecord = message(
  'EndTransactionRecord',
  { apiKey: 24, type: 'metadata', versions: '0', flexibleVersions: '0+' },
  {},
);
export type EndTransactionRecord = Infer<typeof EndTransactionRecord>;

export const AbortTransactionRecord = message(
  'AbortTransactionRecord',
  { apiKey: 25, type: 'metadata', versions: '0', flexibleVersions: '0+' },
  { reason: string({ nullable: '0+', default: null, tag: 0 }) },
);
export type AbortTransactionRecord = Infer<typeof AbortTransactionRecord>;

export const ZkMigrationStateRecord = message(
  'ZkMigrationStateRecord',
  { apiKey: 21, type: 'metadata', versions: '0', flexibleVersions: '0+' },
  { zkMigrationState: int8() },
);
export type ZkMigrationStateRecord = Infer<typeof ZkMigrationStateRecord>;
