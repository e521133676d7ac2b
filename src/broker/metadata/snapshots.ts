/**
 * When snapshots of the metadata log are written, and what of the log they make superfluous. One is written when so many bytes of records
 * came since the last, or when there is anything new after so long; then the oldest goes, with the log below the next one, when it is too old or
 * all together are too large. The newest always stays. What fails is told and tried again with the next occasion: the log has it all.
 * @see KIP-630
 */
import { type Clock, errorText, type Logger, type Timer } from '#core';
import { BATCH_HEADER_BYTES, readBatchHeader } from '#protocol';
import type { Disk } from '#storage';
import {
  finalizedLevel,
  METADATA_VERSION,
  type MetadataImage,
  type MetadataRecord,
  recordsOf,
} from '../controller/index.ts';
import type { RecordCodec } from '../coordination/log-replay.ts';
import type { HostedPartition } from '../hosting/hosted-partition.ts';
import type { QuorumRecords } from './quorum-records.ts';
import {
  listSnapshots,
  removeUnfinished,
  type SnapshotContent,
  type SnapshotId,
  snapshotName,
  writeSnapshot,
} from './snapshot-file.ts';

export interface SnapshotLimits {
  /** A snapshot after so many bytes of records. */
  readonly bytesBetweenMax: number;
  /** And after so long, when anything is new. 0 = not by time. */
  readonly intervalMs: number;
  /** Log and snapshots together; negative = any. */
  readonly retentionBytes: number;
  /** Age of a snapshot that is not the newest; negative = any. */
  readonly retentionMs: number;
}

export interface SnapshotsOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: SnapshotLimits;
  readonly partition: HostedPartition;
  /** What is committed. */
  readonly image: MetadataImage;
  readonly quorum: QuorumRecords;
  /** Fulfilled when what the records so far took away is gone: a snapshot no longer names it. */
  settled(): Promise<void>;
}

export class Snapshots {
  readonly #options: SnapshotsOptions;
  #newestEndOffset = 0;
  #bytesSince = 0;
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: SnapshotsOptions) {
    this.#options = options;
  }

  /** A codec that also counts what goes through it. */
  counting(codec: RecordCodec<MetadataRecord>): RecordCodec<MetadataRecord> {
    return {
      encode: (records, now) => {
        const batch = codec.encode(records, now);
        this.#bytesSince += batch.length;
        return batch;
      },
      decode: (buffer, position, each) => {
        this.#bytesSince += readBatchHeader(buffer, position).sizeInBytes;
        codec.decode(buffer, position, each);
      },
    };
  }

  /** The log was loaded, behind a snapshot that ended at `endOffset`. */
  async loaded(endOffset: number): Promise<void> {
    const { disk, partition } = this.#options;
    this.#newestEndOffset = endOffset;
    await removeUnfinished(disk, partition.log.folder);
    this.committed();
  }

  /** Something was committed. */
  committed(): void {
    if (this.#isStopped || this.#running !== undefined) return;
    const { limits, clock } = this.#options;
    if (this.#bytesSince >= limits.bytesBetweenMax) this.#run();
    else if (this.#timer === undefined && limits.intervalMs > 0 && this.#hasNews) {
      this.#timer = clock.setTimer(limits.intervalMs, () => this.#run(), { unref: true });
    }
  }

  /** Begins nothing new; resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#running;
  }

  get #hasNews(): boolean {
    return this.#options.image.offset + 1 > this.#newestEndOffset;
  }

  /** In a turn of its own: all records of a batch are in the image then. */
  #run(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#running ??= this.#writeAndClean().finally(() => {
      this.#running = undefined;
      this.committed();
    });
  }

  async #writeAndClean(): Promise<void> {
    const { clock, logger, partition } = this.#options;
    await new Promise<void>((resolve) => clock.nextTurn(resolve));
    this.#bytesSince = 0;
    if (this.#isStopped || partition.isOffline || !this.#hasNews) return;
    try {
      await this.#write();
      await this.#clean();
    } catch (error) {
      const { folder } = partition.log;
      logger.warn(
        { err: error, folder },
        `No snapshot of the metadata could be written in ${folder}: ${errorText(error)}`,
      );
    }
  }

  async #write(): Promise<void> {
    const { disk, clock, logger, image, quorum, partition, settled } = this.#options;
    const { folder, leaderEpochs } = partition.log;
    const endOffset = image.offset + 1;
    const epoch = leaderEpochs.epochAt(image.offset) ?? 0;
    const content: SnapshotContent = { endOffset, epoch, records: [...recordsOf(image)] };
    const level = finalizedLevel(image, METADATA_VERSION);
    const sizeInBytes = await writeSnapshot({ disk, folder, clock, quorum, level, before: settled }, content);
    this.#newestEndOffset = endOffset;
    logger.info(
      { file: snapshotName(content), records: content.records.length, sizeInBytes },
      `Wrote a snapshot of the metadata below offset ${endOffset}: ${content.records.length} records`,
    );
  }

  /** At most one snapshot a round: how large the log then is shows after the next round of retention. */
  async #clean(): Promise<void> {
    const { disk, partition } = this.#options;
    const ids = await listSnapshots(disk, partition.log.folder);
    if (ids.length < 2 || !this.#isSuperfluous(ids)) return;
    const [oldest, next] = ids;
    if (next.endOffset > partition.log.logStartOffset) await partition.deleteRecords(next.endOffset);
    await disk.remove(this.#pathOf(oldest));
  }

  #isSuperfluous(ids: readonly SnapshotId[]): boolean {
    const { clock, limits, partition } = this.#options;
    const sizes = ids.map((id) => this.#sizeOf(id));
    const total = sizes.reduce((sum, size) => sum + size, partition.log.sizeInBytes);
    if (limits.retentionBytes >= 0 && total > limits.retentionBytes) return true;
    return limits.retentionMs >= 0 && clock.now().wallMs - this.#timestampOf(ids[0]) > limits.retentionMs;
  }

  #sizeOf(id: SnapshotId): number {
    return this.#read(id, (file) => file.sizeSync());
  }

  /** When it was written. */
  #timestampOf(id: SnapshotId): number {
    return this.#read(id, (file) => {
      const head = Buffer.alloc(Math.min(file.sizeSync(), BATCH_HEADER_BYTES));
      file.readSync(head, 0);
      return head.length < BATCH_HEADER_BYTES ? 0 : readBatchHeader(head, 0).maxTimestamp;
    });
  }

  #read<T>(id: SnapshotId, read: (file: ReturnType<Disk['openSync']>) => T): T {
    const file = this.#options.disk.openSync(this.#pathOf(id), { create: false });
    try {
      return read(file);
    } finally {
      file.close();
    }
  }

  #pathOf(id: SnapshotId): string {
    return `${this.#options.partition.log.folder}/${snapshotName(id)}`;
  }
}
