/**
 * Whether the log directories of a broker belong together, seen before any of them is opened: one cluster, one node, each directory
 * once, and the metadata log where it is looked for. Whoever mounted or named the wrong one must hear it before anything is written.
 */
import { CLUSTER_METADATA_TOPIC, KafkaError } from '#core';
import type { Disk } from '../disk/disk.ts';
import { partitionFolderName } from '../segment/file-names.ts';
import { META_FILE, readMetaProperties } from './directory-identity.ts';
import { isDiskFailure } from './disk-errors.ts';
import type { MetaProperties } from './meta-properties.ts';

export interface FoundDirectory {
  readonly path: string;
  /** Undefined in a directory that was never used. */
  readonly properties: MetaProperties | undefined;
  readonly holdsMetadataLog: boolean;
  /** Why it cannot be read; then nothing else is known. */
  readonly failure: KafkaError | undefined;
}

const METADATA_FOLDER = partitionFolderName(CLUSTER_METADATA_TOPIC, 0);

export async function findDirectory(disk: Disk, path: string): Promise<FoundDirectory> {
  try {
    const properties = await readMetaProperties(disk, path);
    const holdsMetadataLog = (await disk.list(path)).some(({ name }) => name === METADATA_FOLDER);
    return { path, properties, holdsMetadataLog, failure: undefined };
  } catch (error) {
    if (!isDiskFailure(error)) throw error;
    return { path, properties: undefined, holdsMetadataLog: false, failure: error };
  }
}

/** @throws KafkaError whose text names the files that do not agree, and what to do */
export function checkSet(found: readonly FoundDirectory[], metadataPath: string): void {
  const used = found.filter(({ properties }) => properties !== undefined);
  used.forEach((directory, index) => {
    for (const other of used.slice(0, index)) checkPair(other, directory);
  });
  checkMetadataLog(found, metadataPath);
}

function checkPair(one: FoundDirectory, other: FoundDirectory): void {
  const [a, b] = [one.properties!, other.properties!];
  const [fileA, fileB] = [one, other].map(({ path }) => `${path}/${META_FILE}`);
  if (a.clusterId !== b.clusterId) {
    throw new KafkaError(
      'INCONSISTENT_CLUSTER_ID',
      `${fileA} belongs to cluster ${a.clusterId}, ${fileB} to cluster ${b.clusterId}. Take the directory that is not this broker's out of log.dirs.`,
    );
  }
  if (a.nodeId !== b.nodeId) {
    throw new KafkaError(
      'INVALID_CONFIG',
      `${fileA} belongs to node ${a.nodeId}, ${fileB} to node ${b.nodeId}. Take the directory that is not this broker's out of log.dirs.`,
    );
  }
  if (a.directoryId !== undefined && a.directoryId === b.directoryId) {
    throw new KafkaError(
      'INVALID_CONFIG',
      `${fileA} and ${fileB} have the same directory.id=${a.directoryId}: they are one directory, or one is a copy of the other. Name only one of them in log.dirs.`,
    );
  }
}

function checkMetadataLog(found: readonly FoundDirectory[], metadataPath: string): void {
  const elsewhere = found.find(({ path, holdsMetadataLog }) => holdsMetadataLog && path !== metadataPath);
  if (elsewhere !== undefined) {
    throw new KafkaError(
      'INVALID_CONFIG',
      `${elsewhere.path}/${METADATA_FOLDER} is a metadata log, but the metadata directory is ${metadataPath}. Set metadata.log.dir=${elsewhere.path}, or move that folder away if it is another cluster's.`,
    );
  }
  const other = found.find(({ properties }) => properties !== undefined);
  const isNew = found.some(({ path, properties }) => path === metadataPath && properties === undefined);
  if (other === undefined || !isNew) return;
  throw new KafkaError(
    'INVALID_CONFIG',
    `The metadata directory ${metadataPath} has no ${META_FILE}, yet ${other.path}/${META_FILE} belongs to cluster ${other.properties!.clusterId}: without the metadata log nobody knows its topics. Mount the right disk there, or name the directory that holds ${METADATA_FOLDER} in metadata.log.dir.`,
  );
}
