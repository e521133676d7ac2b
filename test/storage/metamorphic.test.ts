/**
 * The same operations under random configurations read the same: records at their offsets, offsets by time, epochs, what
 * is committed, verdicts on batches that come again. How many seeds: `SPRINGTIDE_METAMORPHIC_SEEDS=2000`; one alone: `SPRINGTIDE_METAMORPHIC_SEED=17`.
 */
import { describe, expect, test } from '@jest/globals';
import { Story } from './metamorphic-story.ts';
import { Variant } from './metamorphic-variant.ts';

const SEEDS_PER_TEST = 25;
const VARIANTS = 3;
const seedCount = Number(process.env.SPRINGTIDE_METAMORPHIC_SEEDS ?? 150);
const only = process.env.SPRINGTIDE_METAMORPHIC_SEED;

const kinds = ['plain', 'transactional', 'keyed'] as const;

async function run(seed: number): Promise<Variant[]> {
  const story = new Story(seed, kinds[seed % 3]);
  const variants = Array.from({ length: VARIANTS }, (_, n) => new Variant(story, seed * VARIANTS + n));
  try {
    for (const variant of variants) await variant.play();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new Error(`SPRINGTIDE_METAMORPHIC_SEED=${seed}: ${text}`, { cause: error });
  }
  return variants;
}

describe('a log reads the same under every configuration', () => {
  const firsts = Array.from({ length: Math.ceil(seedCount / SEEDS_PER_TEST) }, (_, n) => n * SEEDS_PER_TEST);

  if (only === undefined)
    test.each(firsts)('seeds from %i on', async (first) => {
      const variants: Variant[] = [];
      for (let seed = first; seed < Math.min(first + SEEDS_PER_TEST, seedCount); seed++)
        variants.push(...(await run(seed)));
      // They must have been worth it.
      const count = (isSuch: (variant: Variant) => boolean) => variants.filter(isSuch).length;
      expect(count(({ interruptionCount }) => interruptionCount > 2)).toBeGreaterThan(SEEDS_PER_TEST / 3);
      expect(count(({ segmentCountMax }) => segmentCountMax > 5)).toBeGreaterThan(SEEDS_PER_TEST / 3);
    });
  else test(`seed ${only}`, () => run(Number(only)).then(() => {}));
});
