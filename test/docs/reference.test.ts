/** The reference in the docs says what the tables say; `UPDATE=1` writes it anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { operatingErrors } from '#core';
import { Errors } from '#protocol';
import { readSources } from '../tidy/source.ts';
import { referencePages } from './reference.ts';

const folder = new URL('../../docs/reference/', import.meta.url);

test.each(Object.keys(referencePages))('docs/reference/%s is what the tables say', (name) => {
  const text = referencePages[name]();
  const file = new URL(name, folder);
  if (process.env.UPDATE === '1') writeFileSync(file, text);
  expect(readFileSync(file, 'utf8')).toBe(text);
});

test('every code that an error is made with is in one of the two tables', () => {
  const known = new Set([...Object.keys(operatingErrors), ...Object.keys(Errors)]);
  const used = readSources('src').flatMap(({ path, text }) =>
    [...text.matchAll(/new KafkaError\(\s*'(\w+)'/g)].map(([, code]) => ({ path, code })),
  );
  expect(used.length).toBeGreaterThan(50);
  expect(used.filter(({ code }) => !known.has(code))).toEqual([]);
});
