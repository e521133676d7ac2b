/** Lists and ranges of partitions as text: `0-5, 7, 10-15`. Pure. */
import { KafkaError } from '#core';

const ENTRY = /^(\d+)(?:-(\d+))?$/;
/** A typo in a range must not ask for millions of partitions. */
const PARTITIONS_MAX = 100_000;

/** The numbers of all entries, sorted, each once. @throws KafkaError INVALID_CONFIG naming the entry. */
export function parsePartitions(texts: readonly (string | number)[]): number[] {
  const numbers = new Set<number>();
  for (const entry of texts.flatMap((text) => String(text).split(','))) {
    const [first, last] = bounds(entry.trim());
    if (last - first >= PARTITIONS_MAX) throw refused(entry, `a range holds at most ${PARTITIONS_MAX} partitions`);
    for (let number = first; number <= last; number++) numbers.add(number);
  }
  return [...numbers].sort((a, b) => a - b);
}

function bounds(entry: string): [number, number] {
  const match = ENTRY.exec(entry);
  if (match === null) throw refused(entry, "write a number, '0,1', or a range '0-5'");
  const first = Number(match[1]);
  const last = match[2] === undefined ? first : Number(match[2]);
  if (last < first) throw refused(entry, 'the range ends before it starts');
  return [first, last];
}

function refused(entry: string, rule: string): KafkaError {
  return new KafkaError('INVALID_CONFIG', `partitions '${entry.trim()}': ${rule}`);
}
