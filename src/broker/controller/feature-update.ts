/**
 * UpdateFeatures: all changes of a request are made, or none. A level may rise within what is supported; to lower it takes a downgrade by
 * name, and `metadata.version` only goes back over levels at which the records stayed as they were, even when data may be lost
 * ("unsafe"): no Kafka does more. Pure. @see KIP-584, KIP-778
 */
import { Errors } from '#protocol';
import type { Decision } from './decision.ts';
import type { FeatureUpdate, UpdateFeaturesEvent } from './events.ts';
import { featureByName, featureRecord, finalizedLevel } from './features.ts';
import type { MetadataImage } from './metadata-image.ts';
import { METADATA_VERSION, type MetadataRecord } from './metadata-record.ts';
import { type Refusal, refuse } from './refusal.ts';

/** As on the wire. */
const UPGRADE = 1;
const SAFE_DOWNGRADE = 2;
const UNSAFE_DOWNGRADE = 3;

/** Levels of `metadata.version` that brought records, or fields, which those below cannot read. */
const CHANGED_METADATA: readonly number[] = [7, 8, 11, 13, 14, 15, 17, 23, 30, 32, 33];

export function updateFeatures(image: MetadataImage, { updates, validateOnly }: UpdateFeaturesEvent): Decision {
  const records: MetadataRecord[] = [];
  for (const update of updates) {
    const problem = problemOf(image, update);
    if (problem !== undefined) {
      const text = `Nothing was changed: ${update.name} cannot be set to ${update.level}: ${problem}`;
      return { records: [], body: refuse(Errors.INVALID_UPDATE_VERSION, text) satisfies Refusal };
    }
    records.push(featureRecord(update.name, update.level));
  }
  return { records: validateOnly ? [] : records, body: { error: Errors.NONE, errorMessage: null } };
}

function problemOf(image: MetadataImage, { name, level, upgradeType }: FeatureUpdate): string | undefined {
  const current = finalizedLevel(image, name);
  if (upgradeType !== UPGRADE && upgradeType !== SAFE_DOWNGRADE && upgradeType !== UNSAFE_DOWNGRADE) {
    return `there is no kind of update ${upgradeType}.`;
  }
  if (level < 0) return 'levels begin at 0.';
  const feature = featureByName(name);
  if (feature === undefined) {
    if (level > 0 || current === 0) return 'this broker does not have the feature.';
  } else if (level < feature.minLevel || level > feature.maxLevel) {
    return `this broker has the levels ${feature.minLevel} to ${feature.maxLevel}.`;
  }
  if (level < current && upgradeType === UPGRADE) {
    return `that is less than its ${current}, and the update is no downgrade.`;
  }
  if (level > current && upgradeType !== UPGRADE)
    return `that is more than its ${current}, and the update is a downgrade.`;
  if (name === METADATA_VERSION && level < current && losesRecords(level, current)) {
    return `records of level ${current} may be in the log, which ${level} cannot read.`;
  }
  return undefined;
}

function losesRecords(level: number, current: number): boolean {
  return CHANGED_METADATA.some((changed) => changed > level && changed <= current);
}
