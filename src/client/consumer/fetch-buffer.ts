/**
 * Fetched and not yet handed out: a queue of chunks, one chunk being what one fetch brought for one partition. Chunks of
 * paused partitions stay and are passed by; chunks asked under an older incarnation of their partition are dropped when met. ◇
 */
import { KafkaError } from '#core';
import type { RawRecord } from '#protocol';
import type { FetchedRecords } from './fetched-records.ts';
import type { PartitionState } from './subscription-state.ts';

export interface FetchChunk {
  readonly state: PartitionState;
  readonly incarnation: number;
  readonly records: FetchedRecords;
  readonly sizeInBytes: number;
}

/** Told what happens, in order, while `drain` runs. An error that it throws stops the drain before that record. */
export interface RecordSink {
  /** Takes one record. Throwing leaves the record in the buffer, to be met again by the next drain. */
  take(chunk: FetchChunk, record: RawRecord): void;
}

export class FetchBuffer {
  #chunks: FetchChunk[] = [];
  #sizeInBytes = 0;

  get sizeInBytes(): number {
    return this.#sizeInBytes;
  }

  get chunkCount(): number {
    return this.#chunks.length;
  }

  add(chunk: FetchChunk): void {
    this.#chunks.push(chunk);
    this.#sizeInBytes += chunk.sizeInBytes;
    chunk.state.bufferedBytes += chunk.sizeInBytes;
  }

  /** Gives at most `countMax` records to `sink`, oldest chunk first, and moves each partition's position. Returns how many. */
  drain(countMax: number, sink: RecordSink): number {
    let count = 0;
    let index = 0;
    while (index < this.#chunks.length && count < countMax) {
      const chunk = this.#chunks[index];
      if (isStale(chunk)) this.#remove(index);
      else if (chunk.state.isPaused || chunk.state.isRevoking) index += 1;
      else {
        count += this.#drainChunk(chunk, countMax - count, sink);
        if (count < countMax) this.#remove(index);
      }
    }
    return count;
  }

  /** Whether a drain would find something to look at. */
  hasData(): boolean {
    return this.#chunks.some((chunk) => !isStale(chunk) && !chunk.state.isPaused && !chunk.state.isRevoking);
  }

  /** Drops what is void by now: of partitions that were sought or taken away. */
  dropStale(): void {
    for (let index = this.#chunks.length - 1; index >= 0; index--)
      if (isStale(this.#chunks[index])) this.#remove(index);
  }

  /** Drops what is buffered of one partition, which then asks again from its position. */
  dropPartition(state: PartitionState): void {
    for (let index = this.#chunks.length - 1; index >= 0; index--) {
      if (this.#chunks[index].state === state) this.#remove(index);
    }
    state.askAgain();
  }

  /** Drops what is buffered of paused partitions, which ask again when they are resumed. @returns whether there was any */
  dropPaused(): boolean {
    const paused = new Set(this.#chunks.filter(({ state }) => state.isPaused).map(({ state }) => state));
    for (const state of paused) this.dropPartition(state);
    return paused.size > 0;
  }

  #drainChunk(chunk: FetchChunk, countMax: number, sink: RecordSink): number {
    const { records, state } = chunk;
    let count = 0;
    let record: RawRecord | undefined;
    try {
      while (count < countMax && (record = records.next()) !== undefined) {
        sink.take(chunk, record);
        record = undefined;
        count += 1;
      }
      return count;
    } catch (error) {
      // Either the sink refused this record, or the bytes are damaged and are worth another fetch.
      if (record !== undefined) records.putBack(record);
      this.#follow(chunk);
      if (record !== undefined) throw error;
      this.dropPartition(state);
      throw located(error, chunk);
    } finally {
      this.#follow(chunk);
    }
  }

  /** Moves the position to where the chunk was read to. That is no jump: the incarnation stays. */
  #follow({ state, records }: FetchChunk): void {
    if (records.batch !== undefined) state.position = { offset: records.nextOffset, leaderEpoch: records.leaderEpoch };
  }

  #remove(index: number): void {
    const [chunk] = this.#chunks.splice(index, 1);
    this.#sizeInBytes -= chunk.sizeInBytes;
    chunk.state.bufferedBytes -= chunk.sizeInBytes;
  }
}

/** Says where the bytes are that cannot be read. */
function located(error: unknown, { state, records }: FetchChunk): unknown {
  if (!(error instanceof KafkaError)) return error;
  const text = `${state.topicPartition} at offset ${records.nextOffset}: ${error.message}. To go on without it, seek past it.`;
  return new KafkaError(error.code, text, { retriable: false, cause: error, errorCode: error.errorCode });
}

function isStale(chunk: FetchChunk): boolean {
  return chunk.incarnation !== chunk.state.incarnation;
}
