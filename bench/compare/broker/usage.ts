/** What processes used, as /proc of Linux tells it; NaN elsewhere. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const CLOCK_TICKS_PER_SECOND = 100;
const MIB = 1024 * 1024;

/** User and system seconds of all children of this process that have ended. */
export function endedChildrenCpuSeconds(): number {
  if (!existsSync('/proc/self/stat')) return Number.NaN;
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ');
  return (Number(fields[13]) + Number(fields[14])) / CLOCK_TICKS_PER_SECOND;
}

/** Resident now, MiB. */
export function residentMib(pid: number): number {
  return statusMib(pid, 'VmRSS');
}

/** The most that was resident since `forgetPeak`, MiB. */
export function peakMib(pid: number): number {
  return statusMib(pid, 'VmHWM');
}

/** The peak is counted from now on. */
export function forgetPeak(pid: number): void {
  if (existsSync(`/proc/${pid}/clear_refs`)) writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

function statusMib(pid: number, field: string): number {
  if (!existsSync(`/proc/${pid}/status`)) return Number.NaN;
  const line = new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return line === null ? Number.NaN : (Number(line[1]) * 1024) / MIB;
}
