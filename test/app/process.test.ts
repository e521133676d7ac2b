import { afterEach, describe, expect, test } from '@jest/globals';
import { endPrograms, Program } from './program.ts';
import { folderWith } from './scene.ts';

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
    const program = new Program('shop', ['--app.mode=hang', '--spring.lifecycle.timeout-per-shutdown-phase=200ms']);
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

describe('the exit code is 1', () => {
  test('when the start fails, and a block says why without a stack', async () => {
    const program = new Program('shop', ['--springtide.broker.num.partitions=many']);
    expect(await program.exit).toBe(1);
    expect(program.stderr).toContain('APPLICATION FAILED TO START');
    expect(program.stderr).toContain('Origin: command line --springtide.broker.num.partitions=many');
    expect(program.stderr).not.toMatch(/^\s+at /m);
  });

  test('when something is thrown that nobody catches, and the stack says where', async () => {
    const program = new Program('shop', ['--app.mode=crash']);
    expect(await program.exit).toBe(1);
    expect(program.stderr).toMatch(/RangeError: nobody caught this\n\s+at /);
    expect(program.stdout).toContain('uncaught: nobody caught this');
  });
});
