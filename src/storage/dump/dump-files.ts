/**
 * `springtide dump-log --files`: prints files of a log directory line by line as Apache Kafka's kafka-dump-log does, for people and
 * scripts that know it. What is damaged is shown as far as it can be read; like Kafka's tool it ends at the first thing that
 * cannot, with a reason and exit code 1. Files are opened, never written.
 */
import { errorText, KafkaError } from '#core';
import type { Disk } from '../disk/disk.ts';
import {
  INDEX_SUFFIX,
  LOG_SUFFIX,
  SNAPSHOT_SUFFIX,
  TIME_INDEX_SUFFIX,
  TXN_INDEX_SUFFIX,
} from '../segment/file-names.ts';
import { dumpIndex, type IndexDumpOptions } from './dump-index.ts';
import { dumpLog, type LogDumpOptions } from './dump-log.ts';
import { type DumpFile, type DumpOutput, dumpFile } from './dump-output.ts';
import { dumpProducerSnapshot, dumpTxnIndex } from './dump-state.ts';
import { dumpTimeIndex, type TimeIndexFaults } from './dump-time-index.ts';
import { hashMapOrder, javaPath } from './java-text.ts';

export interface DumpFilesOptions extends LogDumpOptions, IndexDumpOptions {
  readonly disk: Disk;
  readonly files: readonly string[];
  /** What relative paths are relative to. */
  readonly workingFolder: string;
  readonly output: DumpOutput;
}

/** @returns the exit code: 1 when something could not be read. Mismatches are told on standard error and are no failure. */
export async function dumpFiles(options: DumpFilesOptions): Promise<number> {
  const faults = new Faults();
  try {
    for (const path of options.files) await dumpOne(dumpFile(javaPath(path), options.workingFolder), options, faults);
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    options.output.err(`${errorText(error)}\n`);
    return 1;
  }
  faults.print(options.output);
  return 0;
}

async function dumpOne(file: DumpFile, options: DumpFilesOptions, faults: Faults): Promise<void> {
  const { disk, output } = options;
  output.out(`Dumping ${file.path}\n`);
  switch (file.suffix) {
    case LOG_SUFFIX:
    case '.checkpoint':
      return faults.gaps.add(file, await dumpLog(disk, file, options, output));
    case INDEX_SUFFIX:
      return faults.indexes.add(file, await dumpIndex(disk, file, options, output));
    case TIME_INDEX_SUFFIX:
      return faults.addTimeIndex(file, await dumpTimeIndex(disk, file, options, output));
    case SNAPSHOT_SUFFIX:
      return dumpProducerSnapshot(disk, file, output);
    case TXN_INDEX_SUFFIX:
      return dumpTxnIndex(disk, file, output);
    default:
      output.err(`Ignoring unknown file ${file.path}\n`);
  }
}

type Pair = readonly [number | bigint, number | bigint];

/** Pairs by file, in the order of the files that a Java map has. */
class PairsByFile {
  readonly #pairs = new Map<string, Pair[]>();

  add(file: DumpFile, pairs: Iterable<Pair>): void {
    const more = [...pairs];
    if (more.length === 0) return;
    this.#pairs.set(file.absolutePath, [...(this.#pairs.get(file.absolutePath) ?? []), ...more]);
  }

  *files(): Iterable<[string, Pair[]]> {
    for (const file of hashMapOrder([...this.#pairs.keys()])) yield [file, this.#pairs.get(file) ?? []];
  }
}

/** What was found while dumping, told at the end. */
class Faults {
  readonly indexes = new PairsByFile();
  readonly gaps = new PairsByFile();
  readonly #timestamps = new PairsByFile();
  readonly #outOfOrder = new PairsByFile();
  readonly #offsets = new PairsByFile();

  addTimeIndex(file: DumpFile, found: TimeIndexFaults): void {
    this.#timestamps.add(file, found.timestampMismatches);
    this.#outOfOrder.add(file, found.outOfOrder);
    this.#offsets.add(file, found.offsetsNotFound);
  }

  print({ err }: DumpOutput): void {
    for (const [file, pairs] of this.indexes.files()) {
      err(`Mismatches in :${file}\n`);
      for (const [index, log] of byFirst(pairs).toReversed()) err(`  Index offset: ${index}, log offset: ${log}\n`);
    }
    for (const [file, pairs] of this.#timestamps.files()) {
      err(`Found timestamp mismatch in :${file}\n`);
      for (const [index, log] of pairs) err(`  Index timestamp: ${index}, log timestamp: ${log}\n`);
    }
    for (const [file, pairs] of this.#outOfOrder.files()) {
      err(`Found out of order timestamp in :${file}\n`);
      for (const [index, last] of pairs) err(`  Index timestamp: ${index}, Previously indexed timestamp: ${last}\n`);
    }
    for (const [file, pairs] of this.#offsets.files()) {
      err(`The following indexed offsets are not found in :${file}\n`);
      for (const [index, log] of pairs) err(`Indexed offset: ${index}, found log offset: ${log}\n`);
    }
    for (const [file, pairs] of this.gaps.files()) {
      err(`Non-consecutive offsets in ${file}\n`);
      for (const [first, second] of byFirst(pairs)) err(`  ${first} is followed by ${second}\n`);
    }
  }
}

function byFirst(pairs: readonly Pair[]): Pair[] {
  return pairs.toSorted(([a], [b]) => Number(a) - Number(b));
}
