/**
 * compaction: keeps the last record of every key of a log. `cleanable`, `segment-groups`, `offset-map`, `record-slices`,
 * `batch-cleaning` and `delete-horizon` decide and compute; `log-cleaner` (which log, when), `log-cleaning` (one log) and
 * `segment-swap` with `swap-recovery` (files) do. It promises that a record which is the last of its key is never lost, at no offset
 * anything else appears, and a crash at any moment leaves a log that is right.
 */
export { type CleanerConfig, LogCleaner } from './log-cleaner.ts';
