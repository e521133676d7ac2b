/**
 * Control records of the metadata quorum that hold beyond their place in the log: in which version the set of voters is kept, and who
 * they are. We write neither; what an Apache Kafka wrote goes into our snapshots as it was, since it would not know its voters without.
 * @see KIP-853
 */
import { controlRecordType, type RecordDraft, readRecords } from '#protocol';
import { controlDraft } from './metadata-codec.ts';

/** Control records are a few bytes a voter. */
const CONTROL_BYTES_MAX = 1024 * 1024;

export class QuorumRecords {
  #kraftVersion: Buffer | undefined;
  #voters: Buffer | undefined;

  /** Looks at the control batch at `position`. @returns whether it ends a snapshot */
  take(buffer: Buffer, position: number): boolean {
    const cursor = readRecords(buffer, position, { decompressedBytesMax: CONTROL_BYTES_MAX });
    let endsSnapshot = false;
    for (let record = cursor.next(); record !== undefined; record = cursor.next()) {
      const type = controlRecordType(record.key);
      if (type === 'kraft-version') this.#kraftVersion = Buffer.from(record.value!);
      else if (type === 'kraft-voters') this.#voters = Buffer.from(record.value!);
      else if (type === 'snapshot-footer') endsSnapshot = true;
    }
    return endsSnapshot;
  }

  drafts(timestamp: number): RecordDraft[] {
    return [
      ...(this.#kraftVersion === undefined ? [] : [controlDraft('kraft-version', this.#kraftVersion, timestamp)]),
      ...(this.#voters === undefined ? [] : [controlDraft('kraft-voters', this.#voters, timestamp)]),
    ];
  }
}
