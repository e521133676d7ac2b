/**
 * The way of one log from its directory into another, while it is used: its batches are copied into a folder that nobody else sees, and
 * when hardly anything is left its owner stops it, the rest is copied, and the copy takes its place.
 *
 *     copying     <topic>-<partition>.<hex>-future in the new directory; a start removes it
 *     marked      the same with a file `moved`, complete and synced
 *     renamed     <topic>-<partition> in both directories; a start keeps the marked one
 *     done        <topic>-<partition> in the new directory alone, without the mark
 *
 * @see KIP-113
 */
import { KafkaError } from '#core';
import type { PartitionLog } from '../log/partition-log.ts';
import type { LogDirectory } from './log-directory.ts';

const CHUNK_BYTES = 1024 * 1024;
/** Records that come faster than this many chunks are copied are waited for no longer: their producers are held up for the last ones. */
const CHUNKS_BEHIND_MAX = 1000;

export interface LogMoveOptions {
  readonly log: PartitionLog;
  readonly source: LogDirectory;
  readonly destination: LogDirectory;
}

export class LogMove {
  readonly log: PartitionLog;
  /** The copy as far as it is. */
  readonly future: PartitionLog;
  readonly destination: LogDirectory;
  readonly #source: LogDirectory;
  #isGivenUp = false;
  #isDecided = false;

  /** Throws what the destination says. */
  constructor({ log, source, destination }: LogMoveOptions) {
    this.log = log;
    this.destination = destination;
    this.#source = source;
    this.future = destination.futures.create(log.topic, log.partition, log.topicId, log.config);
  }

  /** The copy may count as the log from now on: when `run` fails, the log must not be appended to before the next start has decided. */
  get isDecided(): boolean {
    return this.#isDecided;
  }

  /** Copying ends soon, and leaves nothing behind. No longer possible once the log was stopped. */
  giveUp(): void {
    this.#isGivenUp = true;
  }

  /**
   * Copies all but the last records, calls `stop`, after which the log must not be appended to, and copies these.
   *
   * @returns the log in its new place; undefined when it was given up, or the log was closed, before `stop`
   */
  async run(stop: () => void): Promise<PartitionLog | undefined> {
    try {
      if (!(await this.#comeNear())) return undefined;
      stop();
      await this.#copyTo(this.log.logEndOffset);
      return await this.#takePlace();
    } finally {
      await this.destination.futures.drop(this.future);
    }
  }

  async #comeNear(): Promise<boolean> {
    const { log, future } = this;
    for (let chunkCount = 0; !this.#isGivenUp && !log.isClosing; chunkCount++) {
      const isNear = future.logEndOffset >= log.logEndOffset && log.durableEndOffset === log.logEndOffset;
      if (isNear || chunkCount > CHUNKS_BEHIND_MAX) return true;
      await this.#copyTo(log.durableEndOffset, 1);
      await durable(log, log.logEndOffset);
    }
    return false;
  }

  /** Whatever lies below `endOffset` is durable in the copy then; at most `chunkCountMax` reads. */
  async #copyTo(endOffset: number, chunkCountMax = Number.POSITIVE_INFINITY): Promise<void> {
    const { log, future } = this;
    await durable(log, endOffset);
    let chunkCount = 0;
    const from = Math.max(future.logEndOffset, log.logStartOffset);
    for await (const chunk of log.readAll(from, endOffset, CHUNK_BYTES)) {
      // What is read may be memory of the log's tail, which is given back.
      const { error, errorMessage } = future.append(Buffer.from(chunk), { leaderEpoch: 0, origin: 'log' });
      if (error !== undefined)
        throw new KafkaError('STORAGE_FAILED', `${future.folder}: ${error.name} ${errorMessage}`);
      await durable(future, future.logEndOffset);
      if (++chunkCount >= chunkCountMax || this.#isGivenUp) return;
    }
  }

  async #takePlace(): Promise<PartitionLog> {
    const { log, future, destination } = this;
    const { topic, partition } = log;
    if (log.logStartOffset > future.logStartOffset) await future.deleteRecords(log.logStartOffset);
    await future.close();
    this.#isDecided = true;
    const moved = await destination.futures.complete(future, log.config);
    await this.#source.delete(topic, partition);
    await destination.futures.unmark(moved);
    return moved;
  }
}

function durable(log: PartitionLog, endOffset: number): Promise<void> {
  return new Promise((resolve, reject) => {
    log.whenDurable(endOffset, (error) => (error === undefined ? resolve() : reject(error)));
  });
}
