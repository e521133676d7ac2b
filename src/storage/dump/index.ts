/**
 * Looking at the files of a log directory from outside, offline and read-only: `dumpFiles` prints what kafka-dump-log prints,
 * `verifyFolder` checks a whole folder. Everything is read in pieces; no file is held as a whole but the small ones.
 */

export { lockOwnerPid } from '../disk/lock-file.ts';
export { type DumpFilesOptions, dumpFiles } from './dump-files.ts';
export { BYTES_MAX as DUMP_BYTES_MAX } from './dump-log.ts';
export type { DumpOutput } from './dump-output.ts';
export { type Finding, type FindingLevel, findingLine } from './findings.ts';
export {
  canDecodeShareState,
  clusterMetadataDecoder,
  offsetsDecoder,
  plainDecoder,
  type RecordDecoder,
  shareStateDecoder,
  transactionLogDecoder,
} from './record-decoders.ts';
export { type FolderSummary, summaryLine, verifyFolder } from './verify-folder.ts';
