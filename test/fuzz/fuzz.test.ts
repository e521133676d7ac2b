/**
 * A short run with a seed that never changes. Longer ones with other seeds: `npm run fuzz` (for ten minutes; FUZZ_SECONDS and FUZZ_SEED
 * say otherwise, FUZZ_CASE runs a single case of a seed). What kills the process stands in `springtide-fuzz-last.txt` in the folder of
 * temporary files.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, jest, test } from '@jest/globals';
import { Fuzzer, type FuzzFailure, LEFT_BYTES_MAX, learnServedKeys } from './fuzzer.ts';

const CASES = 1_500;
/** Before these the first broker, and all code, has warmed up. */
const WARM_CASES = 300;
const seconds = Number(process.env.FUZZ_SECONDS ?? 0);
const seed = Number(process.env.FUZZ_SEED ?? (seconds > 0 ? Date.now() % 1_000_000 : 1));
const single = process.env.FUZZ_CASE === undefined ? undefined : Number(process.env.FUZZ_CASE);

jest.setTimeout(120_000 + seconds * 1000);

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Memory of buffers is given back beside the program, after a collection; the next one waits for that. */
function heapBytes(): number {
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Keeps what failed, and says how to run it again. */
function told({ what, frames, index }: FuzzFailure): string {
  const file = join(tmpdir(), `springtide-fuzz-${seed}-${index}.txt`);
  writeFileSync(file, `${[`FUZZ_SEED=${seed} FUZZ_CASE=${index}: ${what}`, ...frames].join('\n')}\n`);
  const shown = frames.map((frame) => (frame.length > 600 ? `${frame.slice(0, 600)}…` : frame));
  return [`${what} (FUZZ_SEED=${seed} FUZZ_CASE=${index}, kept in ${file})`, ...shown].join('\n');
}

/** So that a process that dies leaves its last words. */
function keepLast(index: number): void {
  writeFileSync(join(tmpdir(), 'springtide-fuzz-last.txt'), `FUZZ_SEED=${seed} FUZZ_CASE=${index}\n`);
}

test(`requests of every kind, most of them broken, cost at most their connection (seed ${seed})`, async () => {
  await learnServedKeys();
  const endMs = performance.now() + seconds * 1000;
  const goesOn = (index: number) => {
    if (single !== undefined) return index === single;
    return seconds > 0 ? performance.now() < endMs : index < CASES;
  };
  await new Fuzzer(seed).run(single ?? 0, (index) => index < (single ?? 0) + WARM_CASES && goesOn(index));
  const before = heapBytes();
  const report = await new Fuzzer(seed, seconds > 0 ? keepLast : undefined).run(single ?? 0, goesOn);
  if (seconds > 0) console.log(JSON.stringify({ seed, ...report }));
  expect(report.failure && told(report.failure)).toBeUndefined();
  expect(heapBytes() - before).toBeLessThan(LEFT_BYTES_MAX);
  if (single !== undefined) return;
  // The run is of use only when much of it is answered, and much is refused.
  expect(report.answerCount).toBeGreaterThan(report.caseCount / 3);
  expect(report.closedCount).toBeGreaterThan(report.caseCount / 5);
});
