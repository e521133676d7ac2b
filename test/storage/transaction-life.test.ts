/** Random transactions over segments, lives and cleanings, against a model of what a reader of committed records sees. */
import { describe, expect, test } from '@jest/globals';
import { TransactionRun } from './transaction-life.ts';

const SEEDS_PER_TEST = 40;

/** `SPRINGTIDE_TRANSACTION_SEED=17` runs that one alone. */
const only = process.env.SPRINGTIDE_TRANSACTION_SEED;
const firsts = only === undefined ? [0, 1, 2].map((n) => n * SEEDS_PER_TEST) : [Number(only)];
const count = only === undefined ? SEEDS_PER_TEST : 1;

async function live(seed: number, isCompacted: boolean): Promise<TransactionRun['counts']> {
  const run = new TransactionRun(seed, isCompacted);
  try {
    await run.run();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new Error(`SPRINGTIDE_TRANSACTION_SEED=${seed}: ${text}`, { cause: error });
  }
  return run.counts;
}

test.each([
  [1359, false],
  [1427, true],
])('seed %d, which found a snapshot that vouched for an index that was never stored', async (seed, isCompacted) => {
  expect((await live(seed, isCompacted)).starts).toBeGreaterThan(1);
});

describe.each([
  ['as they are', false],
  ['under a cleaner', true],
])('transactions, %s', (_name, isCompacted) => {
  test.each(firsts)('readers of committed records see what the model says (seeds from %d on)', async (first) => {
    const totals = { starts: 0, commits: 0, aborts: 0 };
    for (let seed = first; seed < first + count; seed++) {
      const { starts, commits, aborts } = await live(seed, isCompacted);
      totals.starts += starts;
      totals.commits += commits;
      totals.aborts += aborts;
    }
    if (only !== undefined) return;
    expect(totals.starts).toBeGreaterThan(3 * SEEDS_PER_TEST);
    expect(totals.commits).toBeGreaterThan(3 * SEEDS_PER_TEST);
    expect(totals.aborts).toBeGreaterThan(3 * SEEDS_PER_TEST);
  });
});
