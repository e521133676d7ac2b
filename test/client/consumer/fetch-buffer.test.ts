import { describe, expect, it } from '@jest/globals';
import { buildBatch, type RawRecord } from '#protocol';
import { TopicPartition } from '#serde';
import { FetchBuffer } from '../../../src/client/consumer/fetch-buffer.ts';
import { FetchedRecords } from '../../../src/client/consumer/fetched-records.ts';
import { PartitionState } from '../../../src/client/consumer/subscription-state.ts';

const CHUNK_BYTES = 100;

class Scene {
  readonly buffer = new FetchBuffer();
  readonly taken: string[] = [];
  refuses: number | undefined;

  partition(number: number): PartitionState {
    const state = new PartitionState(new TopicPartition('t', number));
    state.place({ offset: 0, leaderEpoch: -1 });
    return state;
  }

  fetched(state: PartitionState, baseOffset: number, count: number, damage: (bytes: Buffer) => void = () => {}): void {
    const records = Array.from({ length: count }, () => ({ key: null, value: null, timestamp: 0 }));
    const bytes = buildBatch(records, { baseOffset, partitionLeaderEpoch: 3 });
    damage(bytes);
    this.buffer.add({
      state,
      incarnation: state.incarnation,
      sizeInBytes: CHUNK_BYTES,
      records: new FetchedRecords({
        buffer: bytes,
        fetchOffset: baseOffset,
        abortedTransactions: null,
        checkCrcs: true,
        decompressedBytesMax: 1_000,
      }),
    });
  }

  drain(countMax: number): string[] {
    this.taken.length = 0;
    this.buffer.drain(countMax, {
      take: ({ state }, record: RawRecord) => {
        if (record.offset === this.refuses) throw new Error(`refused ${record.offset}`);
        this.taken.push(`${state.topicPartition.partition}@${record.offset}`);
      },
    });
    return this.taken;
  }
}

describe('the fetch buffer', () => {
  it('hands out at most what was asked for, and goes on where it stopped', () => {
    const scene = new Scene();
    const state = scene.partition(0);
    scene.fetched(state, 0, 3);
    expect(scene.drain(2)).toEqual(['0@0', '0@1']);
    expect(state.position).toEqual({ offset: 2, leaderEpoch: 3 });
    expect(scene.drain(2)).toEqual(['0@2']);
    expect([scene.buffer.sizeInBytes, state.bufferedBytes, scene.buffer.chunkCount]).toEqual([0, 0, 0]);
  });

  it('keeps what it has of a paused partition, and gives the others', () => {
    const scene = new Scene();
    const [paused, other] = [scene.partition(0), scene.partition(1)];
    scene.fetched(paused, 0, 1);
    scene.fetched(other, 0, 1);
    paused.isPaused = true;
    expect(scene.drain(10)).toEqual(['1@0']);
    expect(scene.buffer.hasData()).toBe(false);
    paused.isPaused = false;
    expect(scene.drain(10)).toEqual(['0@0']);
  });

  it('drops what was fetched before a seek, and its bytes with it', () => {
    const scene = new Scene();
    const state = scene.partition(0);
    scene.fetched(state, 0, 5);
    state.place({ offset: 3, leaderEpoch: -1 });
    scene.buffer.dropStale();
    expect(scene.buffer.sizeInBytes).toBe(0);
    scene.fetched(state, 3, 2);
    expect(scene.drain(10)).toEqual(['0@3', '0@4']);
  });

  it('meets a record again that was refused, and keeps the position before it', () => {
    const scene = new Scene();
    const state = scene.partition(0);
    scene.fetched(state, 0, 3);
    scene.refuses = 1;
    expect(() => scene.drain(10)).toThrow('refused 1');
    expect(scene.taken).toEqual(['0@0']);
    expect(state.position?.offset).toBe(1);
    expect(() => scene.drain(10)).toThrow('refused 1');
    scene.refuses = undefined;
    expect(scene.drain(10)).toEqual(['0@1', '0@2']);
  });

  it('throws damaged bytes away, so that they are fetched again', () => {
    const scene = new Scene();
    const state = scene.partition(0);
    scene.fetched(state, 0, 1);
    scene.fetched(state, 1, 1, (bytes) => (bytes[bytes.length - 1] ^= 0xff));
    state.nextFetch = { offset: 2, leaderEpoch: 3 };
    expect(() => scene.drain(10)).toThrow(/checksum/);
    expect(scene.taken).toEqual(['0@0']);
    expect(scene.buffer.chunkCount).toBe(0);
    expect(state.nextFetch.offset).toBe(1);
  });
});
