import { describe, expect, it } from '@jest/globals';
import { groupConfigTable, groupSettings } from '#broker/group';
import { parseConfig, seededRandom } from '#core';
import { SimulatedMembers } from './simulated-members.ts';

const SEEDS = Array.from({ length: 40 }, (_, seed) => seed);
const settings = groupSettings(parseConfig(groupConfigTable, {}).config);

function disturbed(seed: number): SimulatedMembers {
  const members = new SimulatedMembers(settings, seededRandom(seed));
  for (let step = 0; step < 120; step++) {
    members.disturb();
    members.run(1_000);
  }
  return members;
}

describe('members of both protocols that join, die, fall silent, come back and lose answers', () => {
  it('have one owner a partition, no commit of a fenced member, rising epochs, and reach the target', () => {
    for (const seed of SEEDS) {
      const members = disturbed(seed);
      members.wake();
      members.run(120_000);
      expect([seed, members.unrest]).toEqual([seed, undefined]);
    }
  });

  it('leave a log that can be replayed up to every record, and tells what the machine knows', () => {
    for (const seed of SEEDS.slice(0, 10)) {
      const members = disturbed(1000 + seed);
      members.replayEveryPrefix();
      const [actual, replayed] = members.portraits();
      expect([seed, replayed]).toEqual([seed, actual]);
    }
  });
});
