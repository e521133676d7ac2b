/** Replays the log of a partition, behind a snapshot where there is one, into a new machine: its records, and the markers of transactions among them. */
import type { Instant } from '#core';
import { batches, readTransactionMarker } from '#protocol';
import type { HostedPartition } from '../hosting/hosted-partition.ts';
import type { Machine, ProducerIdentity } from './machine.ts';

/** How the records of a machine stand in the log. */
export interface RecordCodec<R> {
  /** One batch with all of `records`, of a transaction where `producer` is given. */
  encode(records: readonly R[], now: Instant, producer?: ProducerIdentity): Buffer;
  /** Calls `each` for every record of the batch at `position`, with its offset; control batches are not given. */
  decode(buffer: Buffer, position: number, each: (record: R, offset: number) => void): void;
}

/** What the records below `endOffset` came to. */
export interface Snapshot<R> {
  readonly endOffset: number;
  /** At most `endOffset` of them: they are replayed as if they were the last ones before it. */
  readonly records: readonly R[];
}

export interface ReplaySource<R> {
  readonly partition: HostedPartition;
  readonly codec: RecordCodec<R>;
  /** Hears of the control batches that a load passes. */
  controlBatch?(buffer: Buffer, position: number): void;
  /** Where a load begins; undefined, or without it: at the start of the log. */
  snapshot?(): Promise<Snapshot<R> | undefined>;
}

/**
 * Up to `endOffset`. Rejects when the log cannot be read.
 *
 * @param replayed hears of each record that is no part of a transaction
 * @param isWanted asked now and then: false ends it early
 */
export async function replayLog<R>(
  source: ReplaySource<R>,
  machine: Pick<Machine<never, R, never>, 'replay' | 'endTransaction'>,
  endOffset: number,
  replayed: (record: R, offset: number) => void,
  isWanted: () => boolean,
): Promise<void> {
  const { partition, codec } = source;
  const replay = (record: R, offset: number): void => {
    machine.replay(record, offset, -1);
    replayed(record, offset);
  };
  const snapshot = await source.snapshot?.();
  const startOffset = snapshot?.endOffset ?? partition.log.logStartOffset;
  for (const [index, record] of snapshot?.records.entries() ?? [])
    replay(record, startOffset - snapshot!.records.length + index);
  for await (const chunk of partition.log.readAll(startOffset, endOffset)) {
    if (!isWanted()) return;
    for (const { position, header } of batches(chunk)) {
      const { producerId } = header;
      if (header.isControl) {
        source.controlBatch?.(chunk, position);
        const marker = readTransactionMarker(chunk, position, header);
        if (marker !== undefined) machine.endTransaction?.(producerId, marker.type);
      } else if (header.isTransactional) {
        codec.decode(chunk, position, (record, offset) => machine.replay(record, offset, producerId));
      } else codec.decode(chunk, position, replay);
    }
  }
}
