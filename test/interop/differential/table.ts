/** Differences as text, those that say the same in one block. */
import type { Difference } from './differences.ts';

const CHANGES_SHOWN = 6;

export function tableOf(differences: readonly Difference[]): string {
  const groups = new Map<string, Difference[]>();
  for (const difference of differences) {
    const { api, path, kafka, ours } = difference;
    const key = `${api}\n  ${generalPath(path) || 'the reply'}: Kafka ${kafka}, ours ${ours}`;
    groups.set(key, [...(groups.get(key) ?? []), difference]);
  }
  return [...groups].map(([key, group]) => `${key}\n${examples(group)}`).join('\n');
}

/** Without what identifies elements. */
export function generalPath(path: string): string {
  return path.replace(/\[[^\]]*\]/g, '[]');
}

function examples(group: readonly Difference[]): string {
  const versions = new Map<string, number[]>();
  for (const { change, version, path } of group) {
    const line = path.endsWith(']') ? `${change} at ${path}` : change;
    versions.set(line, [...(versions.get(line) ?? []), version]);
  }
  const lines = [...versions].map(([change, all]) => `    v${[...new Set(all)].join(',')} ${change}`);
  const more = lines.length - CHANGES_SHOWN;
  return [...lines.slice(0, CHANGES_SHOWN), ...(more > 0 ? [`    … and ${more} more`] : [])].join('\n');
}
