/**
 * storage: logs on disk in Apache Kafka's formats. A `LogDirectory` holds the `PartitionLog`s of one folder, `LogDirectories` those of
 * a broker; all reach files only through a `Disk`. It promises that a record reported durable is there after a restart (what
 * "durable" means is the durability mode), that damage is reported and never served as data, and that opening a folder twice gives the
 * same. It imports core and protocol; node:fs, node:path and node:os in `disk/` alone.
 */
export type { AppendOptions, AppendResult } from './append-result.ts';
export type { AppendOrigin } from './batch-validator.ts';
export type { CommittedRead } from './committed-reader.ts';
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
export { damageText } from './damage-book.ts';
export type { Disk, DiskEntry, DiskFile, DiskLock } from './disk/disk.ts';
export { DiskFaults, type DiskStep, type FaultRule } from './disk/disk-faults.ts';
export { MemoryDisk, memoryDisk } from './disk/memory-disk.ts';
export { nodeDisk } from './disk/node-disk.ts';
export { SimulatedDisk, simulatedDisk } from './disk/simulated-disk.ts';
export { startFailure } from './disk-errors.ts';
export * from './dump/index.ts';
export type { EpochEnd } from './leader-epochs.ts';
export { LogDirectories, type LogDirectoriesOptions } from './log-directories.ts';
export { LogDirectory, type LogDirectoryOptions } from './log-directory.ts';
export type { Durability } from './log-home.ts';
export type { LogRead } from './log-read.ts';
export type { ReadRequest } from './log-reader.ts';
export { OPEN_FILES_MAX } from './open-files.ts';
export { PartitionLog } from './partition-log.ts';
export * from './repair/index.ts';
export type { FoundRecord } from './time-lookup.ts';
