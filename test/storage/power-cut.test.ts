/**
 * 500 directories whose power is cut again and again, under `sync`: no record reported durable is lost, none that was shown is
 * taken back, offsets are dense, the producer's last five batches are recognised, indexes agree with their logs, and opening twice
 * gives the same.
 */
import { describe, expect, test } from '@jest/globals';
import { PowerCutRun } from './power-cut-life.ts';

const SEEDS = 500;
const SEEDS_PER_TEST = 50;

/** `SPRINGTIDE_POWER_CUT_SEED=17` runs that one alone. */
const only = process.env.SPRINGTIDE_POWER_CUT_SEED;

async function run(seed: number): Promise<PowerCutRun> {
  const life = new PowerCutRun(seed);
  try {
    await life.run();
  } catch (error) {
    throw new Error(`SPRINGTIDE_POWER_CUT_SEED=${seed}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
  return life;
}

describe('a power cut under sync takes back nothing that was promised', () => {
  const firsts = only === undefined ? Array.from({ length: SEEDS / SEEDS_PER_TEST }, (_, i) => i * SEEDS_PER_TEST) : [];

  if (firsts.length > 0)
    test.each(firsts)('seeds from %i on', async (first) => {
      const counts = { starts: 0, cutStarts: 0, shown: 0 };
      for (let seed = first; seed < first + SEEDS_PER_TEST; seed++) {
        const life = await run(seed);
        counts.starts += life.counts.starts;
        counts.cutStarts += life.counts.cutStarts;
        counts.shown += life.counts.shown;
      }
      // The runs must have been worth it.
      expect(counts.starts).toBeGreaterThan(SEEDS_PER_TEST);
      expect(counts.cutStarts).toBeGreaterThan(0);
      expect(counts.shown).toBeGreaterThan(10 * SEEDS_PER_TEST);
    });

  test.each([
    [108, 'a topic id that a killed process had not synced'],
    [115, 'the torn indexes of a segment that ends at the recovery point'],
    [4, 'a segment behind one that lost its end without a trace'],
    [317, 'epochs that an earlier recovery had found and kept in memory'],
  ])('seed %i, which found %s', (seed) => run(seed).then(() => {}));

  if (only !== undefined) test(`seed ${only}`, () => run(Number(only)).then(() => {}));
});
