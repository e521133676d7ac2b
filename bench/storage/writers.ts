/** Producers as a log sees them: each keeps some batches under way and sends the next one when one of its own is acknowledged. */
import type { PartitionLog } from '#storage';
import { percentile } from '../figures.ts';
import type { Batches } from './scene.ts';

export interface Load {
  readonly writers: number;
  /** Batches that each writer has under way. */
  readonly inFlight: number;
  readonly batchCount: number;
}

export interface LoadFigures {
  readonly seconds: number;
  /** From the append to the callback, milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Where the batch number `index` of a writer goes. */
export function placeOf(writer: number, index: number, { writers }: Load, partitionCount: number): number {
  return (writer + index * writers) % partitionCount;
}

export function driveWriters(logs: readonly PartitionLog[], batches: Batches, load: Load): Promise<LoadFigures> {
  return new Promise((resolve, reject) => {
    const { writers, inFlight, batchCount } = load;
    const nextIndex = new Array<number>(writers).fill(0);
    const latencies = new Float64Array(batchCount);
    const start = performance.now();
    let sentCount = 0;
    let doneCount = 0;

    const send = (writer: number): void => {
      if (sentCount === batchCount) return;
      const batch = sentCount++;
      const log = logs[placeOf(writer, nextIndex[writer]++, load, logs.length)];
      const sentMs = performance.now();
      const { error, errorMessage, lastOffset } = log.append(batches.list[batch % batches.list.length], {
        leaderEpoch: 0,
        origin: 'client',
      });
      if (error !== undefined) reject(new Error(errorMessage));
      log.whenDurable(lastOffset + 1, (failure) => {
        if (failure !== undefined) reject(failure);
        latencies[batch] = performance.now() - sentMs;
        if (++doneCount === batchCount) resolve(figures(performance.now() - start, latencies));
        // As when it arrives by a connection of its own: in a later turn, with microtasks before the next one.
        else setImmediate(send, writer);
      });
    };
    for (let round = 0; round < inFlight; round++) for (let writer = 0; writer < writers; writer++) send(writer);
  });
}

function figures(ms: number, latencies: Float64Array): LoadFigures {
  const sorted = Array.from(latencies.sort());
  return { seconds: ms / 1000, p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) };
}
