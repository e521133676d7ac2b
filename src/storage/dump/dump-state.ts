/** Prints what a partition knows of its producers: `.snapshot` and `.txnindex`. */
import { CorruptError, crc32c, errorText } from '#core';
import type { Disk } from '../disk/disk.ts';
import { decodeProducerSnapshot } from '../producers/producer-snapshot.ts';
import { ABORTED_TXN_BYTES } from '../segment/transaction-index.ts';
import { contentOf, type DumpFile, type DumpOutput } from './dump-output.ts';
import { optionalLong } from './java-text.ts';

const CRC_POSITION = 2;
const CRC_END = 6;

/** A damaged snapshot is told on standard error, and the dump goes on, as in Kafka. */
export async function dumpProducerSnapshot(disk: Disk, file: DumpFile, output: DumpOutput): Promise<void> {
  const bytes = await contentOf(disk, file.path);
  try {
    checkSnapshot(bytes);
    for (const entry of decodeProducerSnapshot(bytes, file.path)) {
      const last = entry.batches.at(-1);
      const head =
        `producerId: ${entry.producerId} producerEpoch: ${entry.epoch} coordinatorEpoch: ${entry.coordinatorEpoch}` +
        ` currentTxnFirstOffset: ${optionalLong(entry.currentTxnFirstOffset)} lastTimestamp: ${entry.lastTimestamp}`;
      const batch =
        last === undefined
          ? ''
          : ` firstSequence: ${last.baseSequence} lastSequence: ${last.lastSequence} lastOffset: ${last.lastOffset}` +
            ` offsetDelta: ${last.lastOffset - last.baseOffset} timestamp: ${last.timestamp}`;
      output.out(`${head}${batch}\n`);
    }
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error;
    output.err(`${errorText(error)}\n`);
  }
}

/** Kafka's words for what `decodeProducerSnapshot` would find as well. */
function checkSnapshot(bytes: Buffer): void {
  if (bytes.length < CRC_END) return;
  const version = bytes.readInt16BE(0);
  if (version !== 1)
    throw new CorruptError(`Snapshot failed schema validation: Snapshot contained an unknown file version ${version}`);
  const stored = bytes.readUInt32BE(CRC_POSITION);
  const computed = crc32c(bytes.subarray(CRC_END));
  if (stored === computed) return;
  throw new CorruptError(
    `Snapshot is corrupt (CRC is no longer valid). Stored crc: ${stored}. Computed crc: ${computed}`,
  );
}

export async function dumpTxnIndex(disk: Disk, file: DumpFile, output: DumpOutput): Promise<void> {
  const bytes = await contentOf(disk, file.path);
  for (let at = 0; at + ABORTED_TXN_BYTES <= bytes.length; at += ABORTED_TXN_BYTES) {
    const version = bytes.readInt16BE(at);
    if (version > 0) {
      throw new CorruptError(
        `Unexpected aborted transaction version ${version} in transaction index ${file.absolutePath}, current version is 0`,
        { file: file.path, position: at },
      );
    }
    const [producerId, firstOffset, lastOffset, lastStableOffset] = [2, 10, 18, 26].map((place) =>
      bytes.readBigInt64BE(at + place),
    );
    output.out(
      `version: ${version} producerId: ${producerId} firstOffset: ${firstOffset} lastOffset: ${lastOffset}` +
        ` lastStableOffset: ${lastStableOffset}\n`,
    );
  }
}
