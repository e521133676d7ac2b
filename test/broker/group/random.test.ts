import { describe, expect, it } from '@jest/globals';
import { groupConfigTable, groupSettings } from '#broker/group';
import { parseConfig, seededRandom } from '#core';
import { SimulatedGroup } from './simulated-group.ts';

const SEEDS = Array.from({ length: 40 }, (_, seed) => seed);

function settings(initialDelayMs: number) {
  return groupSettings(parseConfig(groupConfigTable, { 'group.initial.rebalance.delay.ms': initialDelayMs }).config);
}

describe.each([0, 50, 3000])(
  'a group of clients that crash, leave, restart and pause (initial delay %i ms)',
  (initialDelayMs) => {
    it('comes to rest with everybody alive in one generation, and nobody left waiting', () => {
      for (const seed of SEEDS) {
        const group = new SimulatedGroup(settings(initialDelayMs), seededRandom(seed));
        for (let step = 0; step < 150; step++) {
          group.disturb();
          group.run(500);
        }
        group.run(90_000);
        const { alive } = group;
        const generations = new Set(alive.map(({ generationId }) => generationId));
        const unassigned = alive.filter(({ assignment }) => !assignment);
        expect([seed, generations.size, unassigned, group.openCount]).toEqual([seed, alive.length > 0 ? 1 : 0, [], 0]);
      }
    });

    it('forgets nothing that it answered when it crashes at any record', () => {
      let records = 0;
      for (const seed of SEEDS) {
        const group = new SimulatedGroup(settings(initialDelayMs), seededRandom(2000 + seed));
        group.onRecords = () => group.checkReplayed();
        for (let step = 0; step < 400; step++) {
          group.disturb();
          group.run(500);
        }
        records += group.recordCount;
      }
      expect(records).toBeGreaterThan(500);
    });

    it('is the same group when its machine is replayed from the log', () => {
      for (const seed of SEEDS) {
        const group = new SimulatedGroup(settings(initialDelayMs), seededRandom(1000 + seed));
        for (let step = 0; step < 60; step++) {
          group.disturb();
          group.run(500);
        }
        group.run(90_000);
        expect([seed, group.describe(true)]).toEqual([seed, group.describe(false)]);
      }
    });
  },
);
