/**
 * How a bench compares: every round runs each contestant once, in an order that alternates, so that all see the
 * same moods of the machine. A figure is the median of the rounds; a ratio is the median of the ratios within each round.
 */
import { median } from './figures.ts';

/** Runs each contestant once per round, after one round that is not counted. Their samples, in the order of the rounds. */
export async function alternate<K extends string, T>(
  rounds: number,
  contestants: Readonly<Record<K, () => Promise<T>>>,
): Promise<Record<K, T[]>> {
  const names = Object.keys(contestants) as K[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as T[]])) as Record<K, T[]>;
  for (let round = -1; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const sample = await contestants[name]();
      if (round >= 0) samples[name].push(sample);
    }
  }
  return samples;
}

export function medianOf<T>(samples: readonly T[], pick: (sample: T) => number): number {
  return median(samples.map(pick));
}

/** Both have a sample of each round. */
export function ratioOf<T>(ours: readonly T[], rival: readonly T[], pick: (sample: T) => number): number {
  return median(ours.map((sample, round) => pick(sample) / pick(rival[round])));
}

/** Rows of words under a title; all but the first column are aligned to the right. */
export function printTable(title: string, columns: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = columns.map((column, index) => Math.max(column.length, ...rows.map((row) => row[index].length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, index) => (index === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[index]))).join('  ');
  console.log(['', title, line(columns), ...rows.map(line)].join('\n'));
}

export function fixed(value: number, digits = 2): string {
  return Number.isNaN(value) ? '-' : value.toFixed(digits);
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}

/** What a figure must come to, and whether it does. */
export function target(isMet: boolean, text: string): string {
  return `${text} ${isMet ? 'met' : 'MISSED'}`;
}
