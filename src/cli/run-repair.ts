/** What `springtide repair` does once its flags are read. */
import { resolve } from 'node:path';
import { errorText, KafkaError, silentLogger, systemClock } from '#core';
import { damageText, type Inspection, LogRepair, nodeDisk, type RepairChoice, type RepairOutcome } from '#storage';

/** As commander hands them over; at most one is given. */
export interface RepairFlags {
  readonly truncate?: true;
  readonly skip?: true;
  readonly keep?: true;
}

/** @returns the exit code. */
export async function runRepair(folder: string, partition: string, flags: RepairFlags): Promise<number> {
  const target = { disk: nodeDisk(), clock: systemClock, logger: silentLogger, path: resolve(folder), name: partition };
  const choice = (['truncate', 'skip', 'keep'] as const).find((each) => flags[each]);
  try {
    const repair = await LogRepair.open(target);
    try {
      const { inspection } = repair;
      print(summary(inspection));
      if (inspection.damage.length === 0) return 0;
      if (choice === undefined) {
        print(ways(inspection));
        return 1;
      }
      if (choice === 'keep' && !inspection.isReadOnly) {
        print(['There is nothing to change for that.']);
        return 0;
      }
      print(outcome(inspection, choice, await repair.apply(choice)));
      return 0;
    } finally {
      await repair.close();
    }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    process.stderr.write(`${errorText(error)}\n`);
    return 2;
  }
}

function summary({ folder, segments, survey, sizeInBytes, damage, durableOffset, ...log }: Inspection): string[] {
  const { logStartOffset } = log;
  const lastOffset = survey.logEndOffset - 1;
  const offsets = lastOffset < logStartOffset ? 'no records' : `offsets ${logStartOffset} to ${lastOffset}`;
  const held = `${offsets}, ${count(segments.length, 'segment')}, ${sizeInBytes} bytes`;
  const lines = [`${folder}: ${held}; everything below offset ${durableOffset} was on the disk for good`];
  if (damage.length === 0) return [...lines, 'It is not damaged.'];
  const state = log.isReadOnly
    ? 'The broker serves the rest and takes no records.'
    : 'The broker serves the rest and takes records.';
  return [...lines, ...damage.map((range) => `damaged: ${damageText(range)}`), state];
}

function ways({ survey, damage, isReadOnly }: Inspection): string[] {
  const { logEndOffset } = survey;
  const [{ startOffset }] = damage;
  return [
    '',
    'What can be done, with one of:',
    `  --truncate   the log ends at offset ${startOffset}: ${count(logEndOffset - startOffset)} put aside, the right ones behind the damage too, and given to new records`,
    `  --skip       readers pass over ${count(damagedCount(damage))}, whose bytes are put aside; all others stay`,
    ...(isReadOnly
      ? [
          `  --keep       ${count(damagedCount(damage))} stay CORRUPT_MESSAGE to readers; new records begin at offset ${logEndOffset}`,
        ]
      : []),
  ];
}

function outcome(
  { survey, damage, ...log }: Inspection,
  choice: RepairChoice,
  { corruptFolder, logEndOffset }: RepairOutcome,
): string[] {
  const name = `${log.topic}-${log.partition}`;
  const aside = corruptFolder === undefined ? [] : [`What was put aside lies in ${corruptFolder}.`];
  switch (choice) {
    case 'truncate':
      return [`${name} ends at offset ${logEndOffset} now; it ended at ${survey.logEndOffset}.`, ...aside];
    case 'skip':
      return [`Readers of ${name} pass over ${count(damagedCount(damage))} now.`, ...aside];
    case 'keep':
      return [`${name} takes records again, from offset ${logEndOffset} on.`, ...aside];
  }
}

function damagedCount(damage: Inspection['damage']): number {
  return damage.reduce((sum, { startOffset, endOffset }) => sum + endOffset - startOffset, 0);
}

function count(number: number, what = 'offset'): string {
  return number === 1 ? `1 ${what}` : `${number} ${what}s`;
}

function print(lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}
