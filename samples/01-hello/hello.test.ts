import { afterEach, expect, test } from '@jest/globals';
import { Program, scratchFolder } from '../../test/processes/program.ts';

const folder = scratchFolder();
const programs: Program[] = [];

afterEach(async () => {
  for (const program of programs.splice(0)) await program.stop('SIGKILL');
  folder.remove();
});

function start(): Program {
  const args = ['--springtide.broker.listeners=PLAINTEXT://127.0.0.1:0', `--springtide.broker.log.dirs=${folder.path}`];
  const program = new Program('dist/samples/01-hello/main.js', { args, workingFolder: 'samples/01-hello' });
  programs.push(program);
  return program;
}

test('the smallest application sends a greeting to itself, drains on SIGTERM, and goes on where it was', async () => {
  const first = start();
  await first.sees(/received: Hello, world!/);
  expect(await first.stop()).toBe(0);

  const second = start();
  await second.sees(/sent, offset 1/);
  await second.sees(/received: Hello, world!/);
  expect(await second.stop()).toBe(0);
  expect(second.output.match(/received: /g)).toHaveLength(1);
}, 60_000);
