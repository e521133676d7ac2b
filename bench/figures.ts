/** What a run of a bench program reports, and how several runs become one row: by medians. */
export interface Figures {
  records: number;
  bytes: number;
  seconds: number;
  /** User and system seconds of the program itself. */
  cpuSeconds: number;
  /** Milliseconds; only where single records are timed. */
  p50Ms?: number;
  p99Ms?: number;
}

/** The program's only line on stdout. */
export function report(figures: Figures): void {
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}

/** Times `work` with the wall clock and this process's CPU clock. */
export async function timed(records: number, bytes: number, work: () => Promise<void>): Promise<Figures> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  const used = process.cpuUsage(cpu);
  return { records, bytes, seconds, cpuSeconds: (used.user + used.system) / 1e6 };
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return percentile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}
