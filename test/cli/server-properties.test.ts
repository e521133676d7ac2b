import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { StartupFailure } from '#context';
import { readServerProperties } from '../../src/cli/server-properties.ts';

const all = ['num.partitions', 'listeners', 'log.dirs'];
const known = { all, has: (key: string) => all.includes(key) };

function fileWith(text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'springtide-cli-')), 'server.properties');
  writeFileSync(file, text);
  return file;
}

test('overrides win over the file, and every key knows its place', () => {
  const file = fileWith('# comment\nnum.partitions=3\nlog.dirs = /data \n');
  const { config, origins, warnings } = readServerProperties(
    file,
    ['num.partitions=5', 'listeners=PLAINTEXT://:0'],
    known,
  );
  expect(config).toEqual({ 'num.partitions': '5', 'log.dirs': '/data', listeners: 'PLAINTEXT://:0' });
  expect(origins.get('log.dirs')).toBe(`${file}:3`);
  expect(origins.get('num.partitions')).toBe('--override');
  expect(warnings).toEqual([]);
});

test('a key nobody knows is left out and told with its line and the key that was meant', () => {
  const file = fileWith('\nnum.partition=3');
  const { config, warnings } = readServerProperties(file, [], known);
  expect(config).toEqual({});
  expect(warnings).toEqual([`${file}:2: unknown key 'num.partition' is ignored. Did you mean 'num.partitions'?`]);
});

test('an override without a value and a file that is not there are refused', () => {
  expect(() => readServerProperties(undefined, ['num.partitions'], known)).toThrow(
    '--override num.partitions has no value',
  );
  expect(() => readServerProperties('/nowhere/server.properties', [], known)).toThrow(StartupFailure);
});
