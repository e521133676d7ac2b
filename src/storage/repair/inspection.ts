/** Looks at one log of a directory that no broker uses: everything is read, and what is damaged told. Nothing of the log is changed. */
import { type Clock, KafkaError, type Logger } from '#core';
import { topicConfig } from '../config.ts';
import { DirectoryCheckpoints } from '../directory/directory-checkpoints.ts';
import type { Disk } from '../disk/disk.ts';
import type { DamagedRange } from '../recovery/damage-book.ts';
import { type Survey, surveyLog } from '../recovery/log-survey.ts';
import { durableOffsetOf, type FolderContents, tidyFolder } from '../recovery/partition-folder.ts';
import { parsePartitionFolder } from '../segment/file-names.ts';
import { Segment } from '../segment/segment.ts';

export interface RepairTarget {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The log directory. */
  readonly path: string;
  /** As the folder of the partition is called. */
  readonly name: string;
}

export interface Inspection {
  readonly topic: string;
  readonly partition: number;
  readonly folder: string;
  readonly contents: FolderContents;
  readonly segments: readonly Segment[];
  readonly survey: Survey;
  readonly logStartOffset: number;
  readonly highWatermark: number;
  /** Everything below was on the disk once. */
  readonly durableOffset: number;
  readonly sizeInBytes: number;
  readonly damage: readonly DamagedRange[];
  /** The next start finds damage, and the log takes no records. */
  readonly isReadOnly: boolean;
}

export async function inspectLog(target: RepairTarget): Promise<Inspection> {
  const { disk, logger, path, name } = target;
  const known = parsePartitionFolder(name);
  if (known === undefined)
    throw new KafkaError('INVALID_ARGUMENT', `${name} is no partition: it is named as its folder is, such as orders-0`);
  const isThere = (await disk.list(path)).some((entry) => entry.name === name && entry.kind === 'directory');
  if (!isThere) throw new KafkaError('INVALID_ARGUMENT', `${path} holds no folder ${name}`);
  const { topic, partition } = known;
  const folder = `${path}/${name}`;
  const checkpoints = new DirectoryCheckpoints(disk, path, logger);
  await checkpoints.load();
  const contents = await tidyFolder({ disk, logger, folder });
  const recoveryPoint = checkpoints.recoveryPoint(topic, partition);
  const options = {
    disk,
    logger,
    config: topicConfig(),
    isClean: false,
    durableOffset: await durableOffsetOf({ disk, logger, folder }, contents, recoveryPoint),
    compactedTo: checkpoints.compactedTo(topic, partition),
    logStartOffset: Math.max(checkpoints.logStartOffset(topic, partition), contents.bases.at(0) ?? 0),
  };
  const atStart = openSegments(target, folder, contents, options.logStartOffset);
  const found = await surveyLog({ ...options, segments: atStart, recoveryPoint });
  for (const segment of atStart) segment.close();
  const segments = openSegments(target, folder, contents, options.logStartOffset);
  const survey = await surveyLog({ ...options, segments, recoveryPoint: 0 });
  return {
    topic,
    partition,
    folder,
    contents,
    segments,
    survey,
    logStartOffset: options.logStartOffset,
    highWatermark: checkpoints.highWatermark(topic, partition),
    durableOffset: options.durableOffset,
    sizeInBytes: segments.reduce((sum, segment) => sum + segment.sizeInBytes, 0),
    damage: survey.damage,
    isReadOnly: found.damage.length > 0,
  };
}

/** At least one, as a start would have it. */
function openSegments(
  { disk, clock }: RepairTarget,
  folder: string,
  { bases }: FolderContents,
  logStartOffset: number,
): Segment[] {
  const { wallMs } = clock.now();
  if (bases.length === 0) {
    const segment = new Segment(disk, folder, logStartOffset, wallMs, 0);
    segment.create(topicConfig());
    return [segment];
  }
  return bases.map((baseOffset) => {
    const segment = new Segment(disk, folder, baseOffset, wallMs, 0);
    segment.adoptSize(segment.file().sizeSync());
    segment.releaseFile();
    return segment;
  });
}
