/**
 * Features of the cluster: what clients may count on, and from which level on. A row stands here when everything up to `maxLevel` is
 * complete; what has no row is not announced, whatever the metadata log of an Apache Kafka says of it. A new cluster begins with the
 * highest levels; a cluster that is there keeps its own until somebody raises them (UpdateFeatures). Pure. @see KIP-584
 */
import type { MetadataImage } from './metadata-image.ts';
import { METADATA_VERSION, METADATA_VERSION_LEVEL, type MetadataRecord } from './metadata-record.ts';

export interface Feature {
  readonly name: string;
  /** The lowest level that can be served; 0 = without the feature. */
  readonly minLevel: number;
  readonly maxLevel: number;
}

/** The level of Kafka 3.7, from which on replicas name their log directories: records are not written in forms before it. */
const METADATA_VERSION_MIN = 17;

/** Consumers may use the protocol in which the coordinator assigns. @see KIP-848 */
export const GROUP_VERSION = 'group.version';

/** How transactions are spoken: 1 stores more of them, 2 takes a new epoch with each. @see KIP-890 */
export const TRANSACTION_VERSION = 'transaction.version';

export const features: readonly Feature[] = [
  { name: METADATA_VERSION, minLevel: METADATA_VERSION_MIN, maxLevel: METADATA_VERSION_LEVEL },
  { name: GROUP_VERSION, minLevel: 0, maxLevel: 1 },
  { name: TRANSACTION_VERSION, minLevel: 0, maxLevel: 2 },
];

export function featureByName(name: string): Feature | undefined {
  return features.find((feature) => feature.name === name);
}

/** The level that counts in this cluster; 0 when the feature is not on. */
export function finalizedLevel(image: MetadataImage, name: string): number {
  return image.features.get(name) ?? 0;
}

/** What the log of a new cluster begins with. */
export function newClusterRecords(): MetadataRecord[] {
  return features.map(({ name, maxLevel }) => featureRecord(name, maxLevel));
}

export function featureRecord(name: string, featureLevel: number): MetadataRecord {
  return { type: 'FeatureLevelRecord', body: { name, featureLevel } };
}
