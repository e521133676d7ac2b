/**
 * Names of folders and files in a log directory, as Apache Kafka writes them. ◇
 *
 *   <topic>-<partition>/                      a replica
 *   <topic>-<partition>.<32 hex>-delete/      a replica whose files wait for removal
 *   <topic>-<partition>.<32 hex>-future/      a replica on its way here from another log directory
 *   <topic>-<partition>.corrupt-<wall ms>/    bytes that recovery cut off (ours; Kafka has no such thing)
 *   <20 digits>.log .index .timeindex …       a segment; the number is its base offset
 */
import type { Uuid } from '#core';

export const LOG_SUFFIX = '.log';
export const INDEX_SUFFIX = '.index';
export const TIME_INDEX_SUFFIX = '.timeindex';
export const TXN_INDEX_SUFFIX = '.txnindex';
export const SNAPSHOT_SUFFIX = '.snapshot';
export const DELETED_SUFFIX = '.deleted';
export const CLEANED_SUFFIX = '.cleaned';
export const SWAP_SUFFIX = '.swap';
export const TEMPORARY_SUFFIX = '.tmp';

/** File systems take names of at most this many bytes. */
const FOLDER_NAME_BYTES_MAX = 255;

export interface PartitionFolder {
  readonly topic: string;
  readonly partition: number;
}

/** `00000000000000000042.log`. */
export function segmentFileName(baseOffset: number, suffix: string): string {
  return String(baseOffset).padStart(20, '0') + suffix;
}

/** The base offset in a segment file's name, undefined when the name is not of that form. */
export function baseOffsetOf(name: string, suffix: string): number | undefined {
  if (!name.endsWith(suffix) || name.length !== 20 + suffix.length) return undefined;
  const digits = name.slice(0, 20);
  return /^\d{20}$/.test(digits) && Number.isSafeInteger(Number(digits)) ? Number(digits) : undefined;
}

export function partitionFolderName(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

/** Topic and partition of a replica's folder; undefined for every other name (also for folders that wait for removal). */
export function parsePartitionFolder(name: string): PartitionFolder | undefined {
  const match = /^([a-zA-Z0-9._-]{1,249})-(0|[1-9]\d{0,9})$/.exec(name);
  if (match === null || match[1] === '.' || match[1] === '..') return undefined;
  const partition = Number(match[2]);
  return partition < 2 ** 31 ? { topic: match[1], partition } : undefined;
}

/** The name under which a deleted replica waits for removal. Long topic names are cut, as Kafka does. */
export function deletedFolderName(topic: string, partition: number, uuid: Uuid): string {
  const suffix = `-${partition}.${hexOf(uuid)}-delete`;
  return topic.slice(0, FOLDER_NAME_BYTES_MAX - suffix.length) + suffix;
}

/** The name under which a replica is copied; undefined when the name of the topic leaves no room for it. */
export function futureFolderName(topic: string, partition: number, uuid: Uuid): string | undefined {
  const name = `${topic}-${partition}.${hexOf(uuid)}-future`;
  return name.length > FOLDER_NAME_BYTES_MAX ? undefined : name;
}

export function isFutureFolder(name: string): boolean {
  return /-\d+\.[0-9a-f]{32}-future$/.test(name);
}

function hexOf(uuid: Uuid): string {
  return Buffer.from(uuid, 'base64url').toString('hex');
}

export function isDeletedFolder(name: string): boolean {
  return /-\d+\.[0-9a-f]{32}-delete$/.test(name);
}

/** The folder for what recovery cuts off a partition. */
export function corruptFolderName(topic: string, partition: number, wallMs: number): string {
  return `${topic}-${partition}.corrupt-${wallMs}`;
}

export function isCorruptFolder(name: string): boolean {
  return /-\d+\.corrupt-\d+(-\d+)?$/.test(name);
}
