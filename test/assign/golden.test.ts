import { describe, expect, it } from '@jest/globals';
import { assignorByName } from '#assign';
import { decodeStickyUserData, encodeStickyUserData } from '../../src/assign/sticky-user-data.ts';
import { formatPartitions, readGoldenCases } from './cases.ts';

const cases = readGoldenCases(new URL('./golden/assignments.txt', import.meta.url));

describe('against the assignors of the Java client', () => {
  it.each(['range', 'roundrobin', 'sticky', 'cooperative-sticky'])(
    '%s gives the same members the same partitions',
    (name) => {
      const own = cases.filter(({ assignorName }) => assignorName === name);
      expect(own.length).toBeGreaterThanOrEqual(30);
      for (const { name: caseName, partitionCounts, members, expected } of own) {
        const assignment = assignorByName(name).assign(partitionCounts, members);
        const actual = [...assignment].map(([memberId, partitions]) => [memberId, formatPartitions(partitions)]);
        expect([caseName, ...actual]).toEqual([caseName, ...expected]);
      }
    },
  );

  it('the user data of sticky is read and written byte for byte', () => {
    const members = cases
      .filter(({ assignorName }) => assignorName === 'sticky')
      .flatMap((golden) => [...golden.members.values()]);
    const written = members.flatMap(({ userData }) => userData ?? []);
    expect(written.length).toBeGreaterThan(100);
    for (const userData of written) {
      const { partitions, generationId } = decodeStickyUserData(userData);
      expect(encodeStickyUserData(partitions, generationId!).toString('hex')).toBe(userData.toString('hex'));
    }
  });
});
