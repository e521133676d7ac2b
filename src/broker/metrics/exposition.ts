/** ◇ The text that Prometheus reads, format 0.0.4, in pieces of some lines. @see https://prometheus.io/docs/instrumenting/exposition_formats/ */
import type { LiveFamily, MetricSample } from './families.ts';

export const EXPOSITION_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
/** Lines of one piece, about. */
const LINES_PER_PIECE = 500;

/** A family without series is left out. */
export function* exposition(families: Iterable<LiveFamily>): Iterable<string> {
  let lines: string[] = [];
  for (const family of families) {
    let isBegun = false;
    for (const sample of family.samples) {
      if (!isBegun)
        lines.push(`# HELP ${family.name} ${escapeDoc(family.doc)}`, `# TYPE ${family.name} ${family.kind}`);
      isBegun = true;
      writeSample(lines, family.name, sample);
      if (lines.length < LINES_PER_PIECE) continue;
      yield `${lines.join('\n')}\n`;
      lines = [];
    }
  }
  if (lines.length > 0) yield `${lines.join('\n')}\n`;
}

function writeSample(lines: string[], name: string, { labels, value, summary }: MetricSample): void {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  if (summary === undefined) {
    lines.push(`${name}${braced(pairs)} ${numberText(value)}`);
    return;
  }
  for (const [quantile, at] of summary.quantiles)
    lines.push(`${name}${braced([...pairs, `quantile="${quantile}"`])} ${numberText(at)}`);
  lines.push(`${name}_sum${braced(pairs)} ${numberText(summary.sum)}`);
  lines.push(`${name}_count${braced(pairs)} ${numberText(value)}`);
}

function braced(pairs: readonly string[]): string {
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeDoc(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
}

function escapeLabel(text: string): string {
  return escapeDoc(text).replace(/"/g, '\\"');
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
