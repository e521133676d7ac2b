/** One run of one client against one contestant, and what it cost the broker. */
import type { Contestant } from './contestants.ts';
import { endedChildrenCpuSeconds, forgetPeak, peakMib } from './usage.ts';

export interface CompareOptions {
  readonly rounds: number;
  /** The sizes that the targets are stated for. */
  readonly isFull: boolean;
  /** Rows whose name has this in it. */
  readonly only: string;
}

export interface Sample {
  /** Records a second, as the client tells. */
  readonly rate: number;
  /** User and system seconds of the broker per million records. */
  readonly brokerCpu: number;
  /** As much of one core as the client used while its process was there. */
  readonly clientShare: number;
  /** The most that was resident of the broker meanwhile. */
  readonly peakMib: number;
}

/** @param run the client, to its end; gives its records a second */
export async function sample(broker: Contestant, records: number, run: () => Promise<number>): Promise<Sample> {
  forgetPeak(broker.pid);
  const cpuBefore = broker.cpuSeconds();
  const clientBefore = endedChildrenCpuSeconds();
  const start = performance.now();
  const rate = await run();
  const seconds = (performance.now() - start) / 1000;
  return {
    rate,
    brokerCpu: ((broker.cpuSeconds() - cpuBefore) / records) * 1e6,
    clientShare: (endedChildrenCpuSeconds() - clientBefore) / seconds,
    peakMib: peakMib(broker.pid),
  };
}
