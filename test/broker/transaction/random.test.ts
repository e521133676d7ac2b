/**
 * Clients that crash, are replaced, go on as zombies and lose answers, on a coordinator that crashes as well. Invariants, by the names that
 * errors have:
 *
 *     no marker lost                    at rest nothing that was decided is open in a partition, from whatever prefix of the log one begins
 *     at most one outcome               a transaction ends once, and in all its partitions alike
 *     nothing commits by itself         only what its client wanted to be committed is
 *     an answer is kept                 what a client was told of the end of its transaction is its end
 *     a fenced producer never commits   nor does anything of a client end otherwise once another has begun (a fence decides)
 *     no two clients are the same producer
 *     epochs never go down
 */
import { describe, expect, it } from '@jest/globals';
import { transactionConfigTable, transactionSettings } from '#broker/transaction';
import { parseConfig, seededRandom } from '#core';
import { SimulatedClients } from './simulated-clients.ts';
import { SimulatedCoordinator } from './simulated-coordinator.ts';

const SEEDS = Array.from({ length: 40 }, (_, seed) => seed);
const STEPS = 3000;
const PREFIX_SEEDS = SEEDS.slice(0, 8);

function run(seed: number): SimulatedCoordinator {
  const settings = transactionSettings(parseConfig(transactionConfigTable, {}).config);
  const coordinator = new SimulatedCoordinator(settings, seededRandom(seed));
  const clients = new SimulatedClients(coordinator, 3);
  for (let step = 0; step < STEPS; step++) {
    clients.step();
    coordinator.step();
  }
  coordinator.settle();
  clients.finish();
  coordinator.advance(120_000);
  coordinator.settle();
  clients.check();
  coordinator.checkEpochs();
  return coordinator;
}

describe('transactions of clients that crash and come back, by a coordinator that does', () => {
  it.each(SEEDS)('keep every invariant (seed %i)', (seed) => {
    const coordinator = run(seed);
    const states = coordinator.transactions().map(({ state }) => state);
    expect(states.filter((state) => /Ongoing|Prepare/.test(state))).toEqual([]);
  });

  it.each(PREFIX_SEEDS)('come to their decided end from every prefix of the log (seed %i)', (seed) => {
    run(seed).checkPrefixes();
  });
});
