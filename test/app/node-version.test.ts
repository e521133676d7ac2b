import { expect, test } from '@jest/globals';
import { NODE_MAJOR_MIN, requireNode } from '../../src/app/node-version.ts';

test('an older Node is refused with the version that is needed, a newer one is not', () => {
  expect(() => requireNode('20.19.4')).toThrow(`needs Node ${NODE_MAJOR_MIN} or newer; this is Node 20.19.4`);
  expect(() => requireNode(`${NODE_MAJOR_MIN}.0.0`)).not.toThrow();
  expect(() => requireNode(process.versions.node)).not.toThrow();
});
