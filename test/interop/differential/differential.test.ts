/**
 * Apache Kafka 4.4.0 and our broker, node 1 of a cluster of one each, are asked the same, and what they answer is compared: what real
 * clients asked (`recorded/`), and requests made from the schemas by changing one field at a time, and two, in states that earlier
 * requests have made (`chapters/`). `accepted.ts` says where they may differ.
 *
 * In the environment: `SPRINGTIDE_DIFFERENTIAL=full` is the long form, every version of every API; `SPRINGTIDE_DIFFERENTIAL_CHAPTERS` names
 * some chapters, apart by commas; `SPRINGTIDE_DIFFERENTIAL_REPORT` is a file that takes how much was compared, and the differences.
 */
import { writeFileSync } from 'node:fs';
import { beforeAll, expect, test } from '@jest/globals';
import { bothBrokers } from '../kafka/brokers.ts';
import { accepted } from './accepted.ts';
import { chapters } from './chapters/index.ts';
import { clusterSettings } from './cluster-settings.ts';
import { QuestionedBroker } from './questioned-broker.ts';
import { DifferentialRun, type Result } from './run-chapter.ts';
import { tableOf } from './table.ts';

const isWhole = process.env.SPRINGTIDE_DIFFERENTIAL === 'full';
const report = process.env.SPRINGTIDE_DIFFERENTIAL_REPORT;
const names = process.env.SPRINGTIDE_DIFFERENTIAL_CHAPTERS?.split(',');
const wanted = chapters.filter(({ name }) => names?.includes(name) ?? true);

const WHOLE_MS = 1_800_000;

const brokers = bothBrokers((name) =>
  name === 'springtide' ? { ...clusterSettings, 'springtide.broker.durability': 'os' } : clusterSettings,
);
let run: DifferentialRun;

beforeAll(async () => {
  const [kafka, ours] = [brokers['Apache Kafka'], brokers.springtide];
  const questioned = [kafka, ours].map(({ bootstrapServers }) => new QuestionedBroker(bootstrapServers));
  run = new DifferentialRun(questioned[0], questioned[1], { isWhole, pairCount: isWhole ? 60 : 8, seed: 1 });
  await run.start();
});

test.each(wanted)(
  'the brokers differ only where they are meant to: $name',
  async (chapter) => {
    const known = run.result.differences.length;
    await run.chapter(chapter);
    if (report !== undefined) writeFileSync(report, reportOf(run.result));
    expect(tableOf(run.result.differences.slice(known))).toBe('');
  },
  WHOLE_MS,
);

test('every accepted difference comes up', () => {
  if (wanted.length < chapters.length) return;
  const awaited = accepted.filter(({ comesUp }) => comesUp === undefined || (isWhole && comesUp === 'in full'));
  const unused = awaited.filter((row) => !run.result.accepted.has(row));
  expect(unused).toEqual([]);
  expect(Math.min(...run.result.comparedCounts.values())).toBeGreaterThan(50);
});

/** How many requests were compared, and the differences. */
function reportOf({ comparedCounts, differences }: Result): string {
  const counts = [...comparedCounts].map(([name, count]) => `${name}: ${count} requests\n`).join('');
  return `${counts}\n${tableOf(differences)}\n`;
}
