/**
 * What a request may take of memory before anybody has looked at it: arrays of the smallest elements are small on the wire and large as
 * objects.
 */
import { spawnSync } from 'node:child_process';
import { expect, test } from '@jest/globals';

/** Of memory, for each byte of the request. */
const BYTES_PER_BYTE_MAX = 64;
/** Of memory, for each element. */
const BYTES_PER_ELEMENT_MAX = 200;

test('a request takes no more than 64 times its own size when it is decoded, whatever its API', () => {
  const args = ['--conditions=springtide-src', 'test/protocol/programs/decode-memory.ts'];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as [what: string, perByte: number, perElement: number]);
  expect(rows.length).toBeGreaterThan(100);
  expect(rows.filter(([, perByte]) => perByte > BYTES_PER_BYTE_MAX)).toEqual([]);
  expect(rows.filter(([, , perElement]) => perElement > BYTES_PER_ELEMENT_MAX)).toEqual([]);
});
