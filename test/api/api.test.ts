/** The public face: a change of it shows as a change of these files. `UPDATE=1` writes them anew, to be read in review. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { exportsOf } from './exports.ts';

const DOORS = {
  springtide: 'app',
  'springtide-client': 'client',
  'springtide-broker': 'broker',
  'springtide-testing': 'testing',
};

test.each(Object.entries(DOORS))('the exports of %s are those on file', (name, room) => {
  const found = exportsOf(`src/${room}/index.ts`);
  const text = [...found].map(([exported, signature]) => `## ${exported}\n${signature}\n`).join('\n');
  const file = new URL(`./${name}.txt`, import.meta.url);
  if (process.env.UPDATE === '1') writeFileSync(file, text);
  expect(readFileSync(file, 'utf8')).toBe(text);
});

test('every name of a door is found with its declaration', () => {
  for (const room of Object.values(DOORS)) {
    const found = exportsOf(`src/${room}/index.ts`);
    expect(found.size).toBeGreaterThan(0);
    expect([...found].filter(([, signature]) => signature.startsWith('unknown'))).toEqual([]);
  }
});
