import { spawnSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { NODE_MAJOR_MIN, requireNode } from '../../src/app/node-version.ts';

test('an older Node is refused with the version that is needed, a newer one is not', () => {
  expect(() => requireNode('20.19.4')).toThrow(`needs Node ${NODE_MAJOR_MIN} or newer; this is Node 20.19.4`);
  expect(() => requireNode(`${NODE_MAJOR_MIN}.0.0`)).not.toThrow();
  expect(() => requireNode(process.versions.node)).not.toThrow();
});

test('an application on an older Node gets as far as saying so, and ends with 1', () => {
  const flags = ['--import', './test/app/programs/older-node.mjs', '--conditions=springtide-src'];
  const ended = spawnSync(process.execPath, [...flags, 'test/app/programs/shop.ts'], { encoding: 'utf8' });
  expect(ended.stderr).toContain(`springtide needs Node ${NODE_MAJOR_MIN} or newer; this is Node 20.20.2.`);
  expect(ended.stderr).not.toMatch(/SyntaxError|TypeError|^ +at /m);
  expect(ended.status).toBe(1);
});
