import { afterEach, describe, expect, test } from '@jest/globals';
import { endPrograms, Program } from './program.ts';
import { folderWith } from './scene.ts';

// Each test starts processes; a busy machine takes its time.

afterEach(endPrograms);

describe('SIGTERM', () => {
  test('drains: what was sent is acknowledged before the beans end, and the exit code is 0', async () => {
    const program = new Program('shop', ['--app.mode=send', '--spring.kafka.producer.properties.linger.ms=3600000']);
    await program.shows('ready');
    program.signal('SIGTERM');
    expect(await program.exit).toBe(0);
    expect(program.stdout).toContain('acknowledged 500\n');
  });

  test('twice ends at once with 143, even when a bean does not end', async () => {
    const program = new Program('shop', ['--app.mode=hang']);
    await program.shows('ready');
    program.signal('SIGTERM');
    await program.shows('acknowledged 0');
    program.signal('SIGTERM');
    expect(await program.exit).toBe(143);
  });

  test('leaves a bean behind that does not end within the limit', async () => {
    const program = new Program('shop', ['--app.mode=hang', '--spring.lifecycle.timeout-per-shutdown-phase=1s']);
    await program.shows('ready');
    program.signal('SIGINT');
    expect(await program.exit).toBe(0);
    expect(program.stdout).toContain("the bean 'shop' did not end in time and is left behind");
  });
});

describe('a listener that is at work when SIGTERM comes', () => {
  test('finishes its record, commits it, and the next start goes on behind it', async () => {
    const folder = folderWith({});
    const first = new Program('worker', ['--app.jobs=slow'], folder);
    await first.shows('began slow');
    first.signal('SIGTERM');
    expect(await first.exit).toBe(0);
    expect(first.stdout).toContain('finished slow\n');
    const second = new Program('worker', ['--app.jobs=next'], folder);
    await second.shows('finished next');
    second.signal('SIGTERM');
    expect(await second.exit).toBe(0);
    expect(second.stdout).not.toContain('began slow');
  });
});

test('a listener that never returns delays the end by the named limit, and its record comes again', async () => {
  const folder = folderWith({});
  const limit = '--spring.lifecycle.timeout-per-shutdown-phase=1s';
  // The group waits no longer for the member that did not leave.
  const args = [limit, '--springtide.broker.group.restart.grace.ms=100'];
  const first = new Program('worker', ['--app.jobs=never', ...args], folder);
  await first.shows('began never');
  first.signal('SIGTERM');
  expect(await first.exit).toBe(0);
  expect(first.stdout).toContain('not stopped within 1000 ms, left behind: kafkaListenerEndpointRegistry');
  expect(first.stdout).toMatch(/not drained, still at work when the process ends: jobs-0; records that/);
  expect(first.stdout).not.toContain('"drained"');
  const second = new Program('worker', ['--app.jobs=', ...args], folder);
  await second.shows('began never');
});

describe('SIGTERM during the start', () => {
  test('ends it with 0 once the bean at hand is made, and starts no listener', async () => {
    const program = new Program('worker', ['--app.jobs=late', '--app.slow-start=true']);
    await program.shows('slow start');
    program.signal('SIGTERM');
    expect(await program.exit).toBe(0);
    expect(program.stdout).not.toMatch(/began|sent all|started in/);
  });
});

describe('the exit code is 1', () => {
  test('when the start fails, and a block says why without a stack', async () => {
    const program = new Program('shop', ['--springtide.broker.num.partitions=many']);
    expect(await program.exit).toBe(1);
    expect(program.stderr).toContain('APPLICATION FAILED TO START');
    expect(program.stderr).toContain('Origin: command line --springtide.broker.num.partitions\n');
    expect(program.stderr).not.toMatch(/^\s+at /m);
  });

  test('when the port is in use, and when the data folder is, with the way out', async () => {
    const folder = folderWith({});
    const first = new Program('shop', [], folder);
    await first.shows('ready');
    await first.shows('using the included broker');
    const port = /using the included broker .* on 127\.0\.0\.1:(\d+),/.exec(first.stdout)?.[1];
    const samePort = new Program('shop', [`--springtide.broker.listeners=PLAINTEXT://127.0.0.1:${port}`]);
    const sameFolder = new Program('shop', [], folder);
    expect([await samePort.exit, await sameFolder.exit]).toEqual([1, 1]);
    expect(samePort.stderr).toContain('Another process listens there');
    expect(sameFolder.stderr).toContain('give this broker a data folder of its own');
  });

  test('when something is thrown that nobody catches, and the stack says where', async () => {
    const program = new Program('shop', ['--app.mode=crash']);
    expect(await program.exit).toBe(1);
    expect(program.stderr).toMatch(/RangeError: nobody caught this\n\s+at /);
    expect(program.stdout).toContain('uncaught: nobody caught this');
  });
});

test('a mistake in a decorator ends the program with its text and the one place where it was written', async () => {
  const program = new Program('misspelt', []);
  expect(await program.exit).toBe(1);
  expect(program.stderr).toContain("@KafkaListener on Orders.onOrder: ackMode 'manul' is none of");
  const frames = program.stderr.split('\n').filter((line) => /^ +at /.test(line));
  expect(frames).toEqual([expect.stringContaining('programs/misspelt.ts:7:')]);
});
