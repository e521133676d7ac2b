/** Prints a `.log` file or a snapshot of the metadata: a line for each batch, and with `isDeep` one for each record. */
import { CorruptError } from '#core';
import { type RawRecord, type RecordCursor, readRecords } from '#protocol';
import type { Disk } from '../disk/disk.ts';
import { ShownBatch } from './batch-text.ts';
import { BatchWalk } from './batch-walk.ts';
import { controlRecordText } from './control-text.ts';
import { type DumpFile, type DumpOutput, startOffset } from './dump-output.ts';
import { LogWindow } from './log-window.ts';
import type { RecordDecoder } from './record-decoders.ts';

export interface LogDumpOptions {
  readonly isDeep: boolean;
  /** What the records hold is printed through it; undefined: not printed. */
  readonly decoder: RecordDecoder | undefined;
  readonly skipRecordMetadata: boolean;
  /** Only this much of the file is looked at. */
  readonly bytesMax: number;
}

/** `--max-bytes` when nothing is said, and the largest size of a segment. */
export const BYTES_MAX = 2 ** 31 - 1;
/** Records are shown only of batches that are at most this large, packed and unpacked. */
const SHOWN_BATCH_BYTES_MAX = 256 * 1024 * 1024;

/** @returns offsets that do not follow the one before them: the former to the latter. */
export async function dumpLog(
  disk: Disk,
  file: DumpFile,
  options: LogDumpOptions,
  output: DumpOutput,
): Promise<Map<bigint, bigint>> {
  output.out(`${titleOf(file)}\n`);
  const handle = disk.openSync(file.path, { create: false });
  try {
    const end = Math.min(handle.sizeSync(), options.bytesMax);
    const window = new LogWindow(handle);
    const walk = new BatchWalk(window, 0, end, file.path);
    const records = new RecordLines(options, output);
    for (let batch = await walk.current(); batch !== undefined; batch = await walk.current()) {
      const { position } = walk;
      walk.skip(batch);
      await printBatch(window, batch, position, output);
      if (options.isDeep) await printRecords(window, position, records);
      await output.drained();
    }
    if (walk.position < end && options.bytesMax === BYTES_MAX)
      output.out(`Found ${end - walk.position} invalid bytes at the end of ${file.name}\n`);
    return records.gaps;
  } finally {
    handle.close();
  }
}

function titleOf(file: DumpFile): string {
  if (file.suffix === '.log') return `Log starting offset: ${startOffset(file)}`;
  if (file.name === 'bootstrap.checkpoint') return 'KRaft bootstrap snapshot';
  const match = /^(\d{20})-(\d{10})\.checkpoint$/.exec(file.name);
  if (match === null) throw new CorruptError(`${file.path} is not named as a snapshot is`, { file: file.path });
  return `Snapshot end offset: ${Number(match[1])}, epoch: ${Number(match[2])}`;
}

async function printBatch(window: LogWindow, batch: ShownBatch, position: number, output: DumpOutput): Promise<void> {
  if (batch.isLegacy)
    throw new CorruptError(
      `The batch at position ${position} is of the format before Kafka 0.11, which is not read here.`,
    );
  output.out(batch.head());
  const { sizeInBytes, crc } = batch;
  // The tail is taken before the checksum is: the window may move then, and the header with it.
  const tails = [false, true].map((isValid) => batch.tail(position, isValid));
  const isValid = sizeInBytes >= 61 && (await window.crc(position + 21, position + sizeInBytes)) === crc;
  output.out(tails[Number(isValid)]);
}

async function printRecords(window: LogWindow, position: number, records: RecordLines): Promise<void> {
  const sizeInBytes = 12 + (await window.bytes(position, 12)).readInt32BE(8);
  if (sizeInBytes > SHOWN_BATCH_BYTES_MAX)
    throw new CorruptError(`The batch at position ${position} has ${sizeInBytes} bytes, too many to show its records.`);
  records.print(await window.bytes(position, sizeInBytes));
}

/** The lines of the records of one file, and the gaps between them. */
class RecordLines {
  readonly gaps = new Map<bigint, bigint>();
  readonly #options: LogDumpOptions;
  readonly #output: DumpOutput;
  #lastOffset = -1n;

  constructor(options: LogDumpOptions, output: DumpOutput) {
    this.#options = options;
    this.#output = output;
  }

  /** @param bytes the whole batch, borrowed. */
  print(bytes: Buffer): void {
    const batch = new ShownBatch(bytes);
    if (batch.recordCount === 0) return;
    const cursor = readRecords(batch.readable(), 0, { decompressedBytesMax: SHOWN_BATCH_BYTES_MAX });
    for (const record of recordsOf(cursor, batch)) this.#printRecord(batch, record);
  }

  #printRecord(batch: ShownBatch, record: RawRecord): void {
    const { skipRecordMetadata, decoder } = this.#options;
    const offset = batch.offsetOf(record);
    if (offset !== this.#lastOffset + 1n) this.gaps.set(this.#lastOffset, offset);
    this.#lastOffset = offset;
    if (!skipRecordMetadata) {
      this.#output.out(batch.recordText(record));
      if (batch.isControl) this.#output.out(controlRecordText(record));
    }
    if (decoder !== undefined && !batch.isControl) {
      const { key, value } = decoder(record, offset);
      let prefix = skipRecordMetadata ? '| ' : ' ';
      if (key !== undefined) {
        this.#output.out(`${prefix}key: ${key}`);
        prefix = ' ';
      }
      if (value !== undefined) this.#output.out(`${prefix}payload: ${value}`);
    }
    this.#output.out('\n');
  }
}

/**
 * Damage is told where Kafka tells it: in a compressed batch before any record, since the whole is unpacked first; in another one
 * when its record is reached, and what is behind the last record before that one.
 */
function recordsOf(cursor: RecordCursor, batch: ShownBatch): Iterable<RawRecord> {
  return batch.isCompressed ? [...untilLast(cursor, batch.recordCount)] : untilLast(cursor, batch.recordCount);
}

function* untilLast(cursor: RecordCursor, count: number): Generator<RawRecord, void> {
  for (let index = 0; index < count; index++) {
    const record = cursor.next();
    if (record === undefined) throw new CorruptError('Incorrect declared batch size, premature EOF reached');
    if (index === count - 1) cursor.next();
    yield record;
  }
}
