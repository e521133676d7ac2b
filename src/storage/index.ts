/**
 * storage: logs on disk in Apache Kafka's formats. A `LogDirectory` holds the `PartitionLog`s of one folder, `LogDirectories` those of
 * a broker; all reach files only through a `Disk`. It promises that a record reported durable is there after a restart (what
 * "durable" means is the durability mode), that damage is reported and never served as data, and that opening a folder twice gives the
 * same. It imports core and protocol; node:fs, node:path and node:os in `disk/` alone.
 *
 *   log/         one partition: append, read, sync, what follows the batches onto the disk
 *   segment/     a piece of it: batches, indexes, names of files
 *   producers/   sequences and transactions of producers ◇, their snapshots
 *   recovery/    what a start does with a folder, and what is known of damage; `repair/` what an operator may decide
 *   directory/   the folders of `log.dirs`: identity, checkpoints, the common rhythm of syncs, limits, failures
 *   retention/, compaction/   what goes
 *   dump/        what is in the files, for people
 *   disk/        the one door to files: node, memory, simulated
 */

export type { CleanerConfig } from './compaction/index.ts';
export {
  type BrokerDefault,
  brokerDefaults,
  refusedTopicConfig,
  type TopicConfig,
  type TopicConfigName,
  topicConfig,
  topicConfigConflict,
  topicConfigTable,
} from './config.ts';
export { startFailure } from './directory/disk-errors.ts';
export { LogDirectories, type LogDirectoriesOptions } from './directory/log-directories.ts';
export { LogDirectory } from './directory/log-directory.ts';
export type { DirectoryLimits, LogDirectoryOptions } from './directory/log-directory-options.ts';
export type { LogMove } from './directory/log-move.ts';
export type { Disk, DiskEntry, DiskFile, DiskLock, DiskSpace } from './disk/disk.ts';
export { DiskFaults, type DiskStep, type FaultRule } from './disk/disk-faults.ts';
export { MemoryDisk, memoryDisk } from './disk/memory-disk.ts';
export { nodeDisk } from './disk/node-disk.ts';
export { SimulatedDisk, simulatedDisk } from './disk/simulated-disk.ts';
export * from './dump/index.ts';
export type { AppendOptions, AppendResult } from './log/append-result.ts';
export type { AppendOrigin } from './log/batch-validator.ts';
export type { CommittedRead } from './log/committed-reader.ts';
export type { EpochEnd } from './log/leader-epochs.ts';
export type { Durability } from './log/log-home.ts';
export type { LogRead } from './log/log-read.ts';
export { PartitionLog } from './log/partition-log.ts';
export type { ReadRequest } from './log/read-window.ts';
export type { FoundRecord } from './log/time-lookup.ts';
export type { ProducerEntry } from './producers/producer-entry.ts';
export { NOT_VERIFIED, type Verification } from './producers/verifications.ts';
export { damageText } from './recovery/damage-book.ts';
export * from './repair/index.ts';
export { futureFolderName } from './segment/file-names.ts';
