/** The order of test files: those that take longest come first, so that none of them is alone at the end. jest itself knows only what it ran before, and sizes. */
import TestSequencer from '@jest/test-sequencer';

const LONGEST = [
  'clients/clients',
  'java-transactions',
  'differential',
  'clients/together',
  'word-count',
  'transactions',
];

export default class LongestFirst extends TestSequencer {
  sort(tests) {
    const placeOf = ({ path }) => {
      const place = LONGEST.findIndex((name) => path.endsWith(`/${name}.test.ts`));
      return place < 0 ? LONGEST.length : place;
    };
    return super.sort(tests).sort((a, b) => placeOf(a) - placeOf(b));
  }
}
