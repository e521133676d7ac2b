import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Admin } from '#client';
import { stockKeys } from '../broker/config/stock-keys.ts';

/** The command from source, so that no build has to come before the tests. */
const COMMAND = ['--conditions=springtide-src', '--input-type=module', '-e'];
const SCRIPT = `const { main } = await import(${JSON.stringify(resolve('src/cli/index.ts'))}); process.exitCode = await main(process.argv.slice(1));`;

const children: ChildProcess[] = [];

// Each test starts processes; a busy machine takes its time.

afterEach(() => {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
});

class Run {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly exit: Promise<number | null>;
  readonly #waiting: { text: string; found: () => void }[] = [];

  constructor(args: string[], cwd: string) {
    this.child = spawn(process.execPath, [...COMMAND, SCRIPT, '--', ...args], { cwd, stdio: 'pipe' });
    children.push(this.child);
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
      for (const { text, found } of this.#waiting) if (this.stdout.includes(text)) found();
    });
    this.child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.exit = new Promise((done) => this.child.on('close', done));
  }

  /** Resolves when standard output has the text; rejects when the process ends before. */
  shows(text: string): Promise<void> {
    return new Promise((found, failed) => {
      this.#waiting.push({ text, found });
      void this.exit.then((code) =>
        failed(new Error(`ended with ${code} before "${text}": ${this.stdout}${this.stderr}`)),
      );
    });
  }
}

function folder(): string {
  return mkdtempSync(join(tmpdir(), 'springtide-server-'));
}

const FREE_PORT = ['--override', 'listeners=PLAINTEXT://127.0.0.1:0'];

describe('springtide server', () => {
  test('says in one line where it is, answers clients, and stops cleanly at SIGTERM', async () => {
    const cwd = folder();
    const run = new Run(['server', ...FREE_PORT, '--override', 'num.partitions=2'], cwd);
    await run.shows('\n');
    const match =
      /^springtide broker ready: (127\.0\.0\.1:\d+), data in (\S+), cluster (\S+), durability sync, features .*\bmetadata\.version=\d+.*\n$/.exec(
        run.stdout,
      );
    expect(match?.[2]).toBe(join(cwd, 'data'));
    const admin = Admin.create({ 'bootstrap.servers': match?.[1] ?? '' });
    expect((await admin.describeCluster()).clusterId).toBe(match?.[3]);
    await admin.close();
    run.child.kill('SIGTERM');
    expect(await run.exit).toBe(0);
  });

  test('starts with the server.properties that Kafka brings, overrides over it, and tells what it passes over', async () => {
    const cwd = folder();
    const lines = Object.entries(stockKeys).map(([key, value]) => `${key}=${value}`);
    writeFileSync(join(cwd, 'server.properties'), `${lines.join('\n')}\n`);
    const overrides = {
      'log.dirs': join(cwd, 'logs'),
      listeners: 'PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0',
      'advertised.listeners': 'PLAINTEXT://localhost:0',
      'num.partitions': '2',
    };
    const args = Object.entries(overrides).flatMap(([key, value]) => ['--override', `${key}=${value}`]);
    const run = new Run(['server', 'server.properties', ...args], cwd);
    await run.shows('ready');
    expect(run.stdout).toMatch(/ready: 127\.0\.0\.1:(\d+), told to clients as localhost:\1, data in .*logs,/);
    expect(run.stderr).toMatch(/Passed over: num\.network\.threads, num\.io\.threads, num\.recovery\.threads/);
    expect(run.stderr).not.toMatch(/WARN|unknown key/i);
    run.child.kill('SIGINT');
    expect(await run.exit).toBe(0);
  });

  test('ends at once at a second signal', async () => {
    const run = new Run(['server', ...FREE_PORT], folder());
    await run.shows('ready');
    run.child.kill('SIGTERM');
    run.child.kill('SIGINT');
    expect([130, 143]).toContain(await run.exit);
  });

  test('names all its data folders, and refuses those that do not belong together', async () => {
    const cwd = folder();
    const dirs = (...names: string[]) => ['server', ...FREE_PORT, '--override', `log.dirs=${names.join(',')}`];
    const run = new Run(dirs('one', './two'), cwd);
    await run.shows('ready');
    expect(run.stdout).toContain(`data in ${join(cwd, 'one')}, ${join(cwd, 'two')}, cluster`);
    run.child.kill('SIGTERM');
    expect(await run.exit).toBe(0);
    const other = new Run(dirs('three'), cwd);
    await other.shows('ready');
    other.child.kill('SIGTERM');
    await other.exit;
    const mixed = new Run(dirs('one', 'three'), cwd);
    expect(await mixed.exit).toBe(1);
    expect(mixed.stderr).toMatch(/one\/meta\.properties belongs to cluster \S+, three\/meta\.properties to cluster/);
    symlinkSync(join(cwd, 'one'), join(cwd, 'same'));
    const same = new Run(dirs('one', 'same'), cwd);
    expect(await same.exit).toBe(1);
    expect(same.stderr).toMatch(/one\/meta\.properties and same\/meta\.properties have the same directory\.id/);
  });

  test('refuses a data folder that another process uses, and names that process', async () => {
    const cwd = folder();
    const first = new Run(['server', ...FREE_PORT], cwd);
    await first.shows('ready');
    const second = new Run(['server', ...FREE_PORT], cwd);
    expect(await second.exit).toBe(1);
    expect(second.stderr).toContain('THE BROKER FAILED TO START');
    expect(second.stderr).toContain(String(first.child.pid));
    expect(second.stderr).not.toMatch(/^\s+at /m);
  });

  test('refuses a port in use with the address and the way out', async () => {
    const first = new Run(['server', ...FREE_PORT], folder());
    await first.shows('ready');
    const address = /ready: (\S+),/.exec(first.stdout)?.[1] ?? '';
    const second = new Run(['server', '--override', `listeners=PLAINTEXT://${address}`], folder());
    expect(await second.exit).toBe(1);
    expect(second.stderr).toContain(address);
    expect(second.stderr).toContain('Another process listens there');
  });

  test('refuses a bad value with its line in the file, and warns about an unknown key', async () => {
    const cwd = folder();
    writeFileSync(join(cwd, 'server.properties'), 'num.partition=3\nnum.partitions=many\n');
    const run = new Run(['server', 'server.properties', ...FREE_PORT], cwd);
    expect(await run.exit).toBe(1);
    expect(run.stderr).toContain(
      "server.properties:1: unknown key 'num.partition' is ignored. Did you mean 'num.partitions'?",
    );
    expect(run.stderr).toContain('Origin: server.properties:2');
  });
});

describe('springtide', () => {
  test('tells its version and its help, and exits with 2 when it is called wrongly', async () => {
    const [version, help, wrong] = [['--version'], ['server', '--help'], ['serve']].map(
      (args) => new Run(args, folder()),
    );
    expect([await version.exit, await help.exit, await wrong.exit]).toEqual([0, 0, 2]);
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(help.stdout).toContain('--override <key=value>');
    expect(wrong.stderr).toContain('Did you mean server?');
  });
});
