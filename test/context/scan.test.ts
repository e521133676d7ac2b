import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from '@jest/globals';
import { scanComponents } from '#context';
import { folderWith } from './scene.ts';

const loaded = (globalThis as { scanned?: string[] }).scanned ?? [];
(globalThis as { scanned?: string[] }).scanned = loaded;
const module = (name: string): string => `globalThis.scanned.push('${name}');`;

const folder = folderWith({
  'app/b.mjs': module('b'),
  'app/a.mjs': module('a'),
  'app/deep/c.mjs': module('c'),
  'app/a.test.mjs': module('test'),
  'app/a.d.ts': module('types'),
  'app/a.mjs.map': '{}',
  'app/node_modules/x/index.mjs': module('package'),
  'app/.cache/y.mjs': module('hidden'),
});

test('loads every module below a folder, except tests, declarations, packages and hidden folders', async () => {
  await scanComponents('app', folder);
  expect(loaded).toEqual(['a', 'b', 'c']);
});

test('takes a file URL', async () => {
  loaded.length = 0;
  const other = folderWith({ 'z.mjs': module('z') });
  await scanComponents(pathToFileURL(join(other, '/')), '/');
  expect(loaded).toEqual(['z']);
});

test('refuses a folder that is not there', async () => {
  await expect(scanComponents('nowhere', folder)).rejects.toThrow("nowhere' cannot be scanned for components");
});
