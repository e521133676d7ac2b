/** Of brokers that a test starts nothing is left, whatever became of the test. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startSpringtide } from '../../processes/springtide-server.ts';
import { brokersWithEnd, startBroker } from './brokers.ts';

const before = process.env['TMPDIR'];
const folder = mkdtempSync(join(tmpdir(), 'springtide-brokers-'));

beforeAll(() => {
  process.env['TMPDIR'] = folder;
});

afterAll(() => {
  if (before === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = before;
  rmSync(folder, { recursive: true });
});

test('a broker that has started beside one that does not is stopped, and the folders of both are taken away', async () => {
  const { tend, end } = brokersWithEnd();
  const starting = tend(startSpringtide());
  const failing = tend(startBroker('Apache Kafka', { 'process.roles': 'nobody' }));
  await expect(failing).rejects.toThrow(/process\.roles/);
  await end();
  const { pid } = await starting;
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  expect(readdirSync(folder)).toEqual([]);
});

test('a broker that is there only when the tests are over is stopped, too', async () => {
  const { tend, end } = brokersWithEnd();
  await end();
  const { pid, dataFolder } = await tend(startSpringtide());
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  expect(existsSync(dataFolder)).toBe(false);
});

test('of a broker of ours that does not start no folder is left', async () => {
  await expect(startBroker('springtide', { 'log.segment.bytes': 'none' })).rejects.toThrow(/segment\.bytes: "none"/);
  expect(readdirSync(folder)).toEqual([]);
});
