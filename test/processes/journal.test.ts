/** What a killed process has written is there, whole, and read once. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { end } from './child.ts';
import { JournalReader, JournalWriter } from './journal.ts';
import { scratchFolder } from './program.ts';

const LINES = 5_000;
const folder = scratchFolder();
afterAll(() => folder.remove());

it('has every line of a process that was killed while nobody read', async () => {
  const path = join(folder.path, 'killed');
  const source = `
    import { JournalWriter } from '${new URL('journal.ts', import.meta.url).href}';
    const journal = new JournalWriter(process.argv[1]);
    for (let line = 0; line < ${LINES}; line++) journal.write(String(line));
    process.stdout.write('written');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  await end(child, 'SIGKILL');
  expect(new JournalReader(path).newLines()).toEqual(Array.from({ length: LINES }, (_, line) => `${line}`));
});

it('gives each line once, and none before its end is there', () => {
  const path = join(folder.path, 'growing');
  const reader = new JournalReader(path);
  expect(reader.newLines()).toEqual([]);
  new JournalWriter(path).write('first');
  appendFileSync(path, 'sec');
  expect(reader.newLines()).toEqual(['first']);
  appendFileSync(path, 'ond\nthird\n');
  expect(reader.newLines()).toEqual(['second', 'third']);
  expect(reader.newLines()).toEqual([]);
});
