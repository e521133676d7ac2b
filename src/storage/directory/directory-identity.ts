/** Whose data a log directory holds: reads `meta.properties`, writes it for a new directory, refuses another cluster's or node's. */
import { type Clock, KafkaError, type Logger, type Random, type Uuid } from '#core';
import type { Disk } from '../disk/disk.ts';
import { parsePartitionFolder } from '../segment/file-names.ts';
import { AtomicFile } from './atomic-file.ts';
import { formatMetaProperties, type MetaProperties, parseMetaProperties } from './meta-properties.ts';

export interface IdentityOptions {
  readonly disk: Disk;
  readonly path: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly nodeId: number;
  readonly clusterId?: string;
}

export const META_FILE = 'meta.properties';

/** What the file says; undefined where there is none: in a directory that was never used. */
export async function readMetaProperties(disk: Disk, path: string): Promise<MetaProperties | undefined> {
  const file = new AtomicFile(disk, path, META_FILE);
  const text = await file.read();
  return text === undefined ? undefined : parseMetaProperties(text, file.path);
}

export async function readIdentity(options: IdentityOptions): Promise<{ clusterId: string; directoryId: Uuid }> {
  const file = new AtomicFile(options.disk, options.path, META_FILE);
  const stored = await readMetaProperties(options.disk, options.path);
  if (stored === undefined) await refuseOrphans(options);
  const known = stored ?? newIdentity(options);
  checkIdentity(options, known, file.path);
  const identity = { ...known, directoryId: known.directoryId ?? options.random.uuid() };
  if (stored?.directoryId === undefined) await file.write(formatMetaProperties(identity, options.clock.now().wallMs));
  return identity;
}

function newIdentity({ random, nodeId, clusterId }: IdentityOptions): MetaProperties {
  return { clusterId: clusterId ?? random.uuid(), nodeId, directoryId: random.uuid() };
}

/** Partitions without the file that says whose they are: a new identity would hide the question. */
async function refuseOrphans({ disk, path }: IdentityOptions): Promise<void> {
  const folder = (await disk.list(path)).find(({ kind, name }) => kind === 'directory' && parsePartitionFolder(name));
  if (folder === undefined) return;
  throw new KafkaError(
    'STORAGE_FAILED',
    `${path} holds partitions (${folder.name}) but no ${META_FILE}. Restore that file, or choose another directory (log.dirs).`,
  );
}

function checkIdentity(options: IdentityOptions, known: MetaProperties, file: string): void {
  if (options.clusterId !== undefined && known.clusterId !== options.clusterId) {
    throw new KafkaError(
      'INCONSISTENT_CLUSTER_ID',
      `${file} belongs to cluster ${known.clusterId}, this broker to ${options.clusterId}. Choose another directory (log.dirs).`,
    );
  }
  if (known.nodeId !== options.nodeId) {
    throw new KafkaError(
      'INVALID_CONFIG',
      `${file} belongs to node ${known.nodeId}, but node.id is ${options.nodeId}. Set node.id=${known.nodeId}, or choose another directory (log.dirs).`,
    );
  }
}
