import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startBrokerInWorker } from '#broker';
import { systemClock } from '#core';
import { RequestChannel, tcpTransport } from '#net';
import { Apis } from '#protocol';
import { Program } from '../processes/program.ts';
import { LogBook } from './scene.ts';

// Each test starts processes or threads; a busy machine takes its time.

let folder: string;
const programs: Program[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'worker-'));
});

afterEach(async () => {
  for (const program of programs.splice(0)) await program.stop('SIGKILL');
  rmSync(folder, { recursive: true });
});

const config = (extra: Record<string, unknown> = {}) => ({
  listeners: 'PLAINTEXT://127.0.0.1:0',
  'log.dirs': folder,
  ...extra,
});

describe('a broker in a worker thread', () => {
  it('serves over TCP while this thread is blocked, forwards its log lines, and closes cleanly', async () => {
    const book = new LogBook();
    const broker = await startBrokerInWorker({ config: config({ 'num.partition': 1 }), logger: book.logger });
    const connection = await tcpTransport().connect(broker.host, broker.port);
    const channel = new RequestChannel(connection, { clientId: 'test', clock: systemClock, logger: book.logger });
    const { clusterId } = await channel.send(Apis.Metadata, 9, { topics: [{ name: 't' }] }, { timeoutMs: 60_000 });
    expect(clusterId).toBe(broker.clusterId);
    channel.close();
    await Promise.all([broker.close(), broker.close()]);
    expect(book.at('warn')).toEqual(['Unknown broker key "num.partition" is ignored. Did you mean "num.partitions"?']);
    expect(book.at('fatal')).toEqual([]);
    const again = await startBrokerInWorker({ config: config() });
    expect(again.clusterId).toBe(broker.clusterId);
    await again.close();
  });

  it('tells its metrics to this thread and over HTTP', async () => {
    const broker = await startBrokerInWorker({ config: config({ 'springtide.broker.metrics.port': 0 }) });
    const names = (await broker.metrics()).map(({ name }) => name);
    expect(names).toContain('kafka_controller_kafkacontroller_activecontrollercount');
    const response = await fetch(`http://127.0.0.1:${broker.metricsPort}/metrics`);
    expect(await response.text()).toContain('kafka_controller_kafkacontroller_activecontrollercount 1\n');
    await Promise.allSettled([broker.metrics(), broker.close()]);
    await expect(broker.metrics()).rejects.toMatchObject({ code: 'ILLEGAL_STATE' });
  });

  it('rejects a start with the code and the text of the error', async () => {
    await expect(startBrokerInWorker({ config: config({ listeners: 'nonsense' }) })).rejects.toMatchObject({
      name: 'KafkaError',
      code: 'INVALID_CONFIG',
      message: expect.stringMatching(/listeners=nonsense/),
    });
  });

  it('finds its data folder locked while another one runs on it', async () => {
    const broker = await startBrokerInWorker({ config: config() });
    await expect(startBrokerInWorker({ config: config() })).rejects.toMatchObject({ code: 'LOCKED' });
    await broker.close();
  });
});

describe('a broker thread that dies', () => {
  const dying = (kind: string) => {
    const program = Program.fromSource('test/broker/programs/worker.ts', {
      args: [folder],
      env: {
        DYING: kind,
        NODE_OPTIONS: `--import=${new URL('./programs/dying-thread.mjs', import.meta.url).href}`,
      },
    });
    programs.push(program);
    return program;
  };

  it.each([
    ['throw', /The broker thread died of an error: .*a bug/],
    ['exit', /The broker thread ended by itself \(exit code 7\)/],
  ])('by %s ends the application, after what it logged and why', async (kind, text) => {
    const program = dying(kind);
    await program.sees(/ready/);
    expect(await program.exitCode()).toBe(1);
    const lines = program.output.split('\n');
    const lastWords = lines.indexOf('warn: last words');
    const reason = lines.findIndex((line) => text.test(line));
    expect(lastWords).toBeGreaterThan(0);
    expect(reason).toBeGreaterThan(lastWords);
  });
});
