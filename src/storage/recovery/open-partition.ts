/** Opens the folder of one partition: recovers its segments, and restores what the log knows besides them. */
import { CLUSTER_METADATA_TOPIC, ZERO_UUID } from '#core';
import type { TopicConfig } from '../config.ts';
import { readTopicId, syncPartitionMetadata } from '../directory/partition-metadata.ts';
import type { LoadedLog } from '../log/loaded-log.ts';
import type { LogHome } from '../log/log-home.ts';
import { corruptFolderName, partitionFolderName } from '../segment/file-names.ts';
import { type DamagedRange, damageText, remedyText } from './damage-book.ts';
import { restoreEpochs, restoreProducers } from './log-state.ts';
import { type RecoveredSegments, recoverSegments } from './partition-recovery.ts';

/** So many places are told one by one. */
const RANGES_TOLD_MAX = 20;

export interface OpenPartition {
  readonly home: LogHome;
  /** The log directory. */
  readonly path: string;
  readonly topic: string;
  readonly partition: number;
  readonly config: TopicConfig;
  readonly isClean: boolean;
  readonly recoveryPoint: number;
  /** @see RecoveryPlan */
  readonly compactedTo: number;
  /** Where the cleaner has come to. */
  readonly cleanedTo: number;
  readonly logStartOffset: number;
  readonly highWatermark: number;
}

export async function openPartition(options: OpenPartition): Promise<LoadedLog> {
  const { home, path, topic, partition, config, isClean } = options;
  const { disk, clock, logger, random } = home;
  const folder = `${path}/${partitionFolderName(topic, partition)}`;
  const recovered = await recoverSegments({
    disk,
    clock,
    logger,
    config,
    folder,
    corruptFolder: `${path}/${corruptFolderName(topic, partition, clock.now().wallMs)}`,
    isClean,
    isSynced: home.durability === 'sync' || topic === CLUSTER_METADATA_TOPIC,
    recoveryPoint: options.recoveryPoint,
    compactedTo: options.compactedTo,
    logStartOffset: options.logStartOffset,
    newJitterShare: () => random.float(),
  });
  const { segments, logEndOffset, snapshots, damage } = recovered;
  const isReadOnly = damage.length > 0;
  const logStartOffset = Math.max(options.logStartOffset, segments[0].baseOffset);
  reportLoss(options, folder, recovered);
  if (isReadOnly) reportDamage(options, folder, damage);
  const content = {
    disk,
    clock,
    folder,
    logger,
    config,
    segments,
    snapshots,
    logStartOffset,
    logEndOffset,
    isReadOnly,
  };
  const epochs = await restoreEpochs(content, recovered.epochsTo);
  const { producers, snapshotOffset } = await restoreProducers(content, recovered.untold);
  const topicId = await readTopicId(disk, folder, logger);
  // The process that wrote it may have died before its first sync, and records without a topic are as good as lost.
  if (!isClean && topicId !== ZERO_UUID) await syncPartitionMetadata(disk, folder);
  // What a partition that nobody uses costs: no descriptor, and the indexes of its last segment alone.
  for (const segment of segments) segment.releaseFile();
  for (const segment of segments.slice(0, -1)) segment.shed();
  const storedRecoveryPoint = Math.min(options.recoveryPoint, logEndOffset);
  const recoveryPoint = isReadOnly ? storedRecoveryPoint : logEndOffset;
  const offsets = { logStartOffset, logEndOffset, recoveryPoint, storedRecoveryPoint };
  // The files of a clean stop hold all of it, as long as nothing is added.
  const isSealed = isReadOnly || (recovered.isIntact && epochs.areStored && snapshotOffset === logEndOffset);
  const known = { topic, partition, topicId, folder, config, segments, epochs, producers };
  return { ...known, ...offsets, compactedTo: options.cleanedTo, damage, isSealed };
}

/** What consumers have seen and is gone: nothing brings it back, but nobody should have to guess. */
function reportLoss({ home, highWatermark }: OpenPartition, folder: string, { logEndOffset }: RecoveredSegments): void {
  if (logEndOffset >= highWatermark) return;
  const lostCount = highWatermark - logEndOffset;
  home.logger.error(
    { folder, highWatermark, logEndOffset, lostCount },
    `${folder} has lost ${lostCount} committed offsets, from ${logEndOffset} on`,
  );
}

/** A log that was damaged below what was durable is read, and not written to, until somebody decides what is to be done. */
function reportDamage({ home }: OpenPartition, folder: string, damage: readonly DamagedRange[]): void {
  for (const range of damage.slice(0, RANGES_TOLD_MAX)) home.logger.error({ folder, ...range }, damageText(range));
  const count = damage.length === 1 ? 'one place' : `${damage.length} places`;
  home.logger.error(
    { folder, damageCount: damage.length },
    `${folder} is damaged in ${count} below what was on the disk for good. Nothing was cut; it is read, but takes no records. ${remedyText(folder)}`,
  );
}
