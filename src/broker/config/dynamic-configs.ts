/**
 * Broker configurations that stand in the metadata log: an Apache Kafka takes them over `kafka-configs --entity-type brokers`, and its
 * data folder brings them along. Those that give topics their defaults count here as they do there, or retention would delete what they
 * keep; what else there is has no effect. They cannot be changed here.
 */

import type { MetadataImage } from '../controller/index.ts';
import { topicDefaultKeys } from './known-keys.ts';

/** Of all brokers. */
const ALL = '';

/** Defaults of topics by broker key. This broker's own are stronger than those of all. */
export function dynamicTopicDefaults(image: MetadataImage, nodeId: number): Record<string, string> {
  const entries = [...image.brokerConfigs(ALL), ...image.brokerConfigs(String(nodeId))];
  return Object.fromEntries(entries.filter(([key]) => topicDefaultKeys.includes(key)));
}

/** Keys whose values nobody looks at. */
export function idleDynamicKeys(image: MetadataImage, nodeId: number): string[] {
  const keys = [...image.brokerConfigs(ALL).keys(), ...image.brokerConfigs(String(nodeId)).keys()];
  return [...new Set(keys)].filter((key) => !topicDefaultKeys.includes(key)).sort();
}

/** The value of a key that gives topics a default, wherever it is set; the strongest first. Sources as on the wire. */
export function brokerValues(
  image: MetadataImage,
  { nodeId, given }: { readonly nodeId: number; readonly given: Readonly<Record<string, unknown>> },
  key: string,
): { readonly value: unknown; readonly source: number }[] {
  const values = [
    { value: image.brokerConfigs(String(nodeId)).get(key), source: 2 },
    { value: image.brokerConfigs(ALL).get(key), source: 3 },
    { value: given[key], source: 4 },
  ];
  return values.filter(({ value }) => value !== undefined && value !== null);
}
