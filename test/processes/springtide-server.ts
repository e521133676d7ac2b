/** Our broker as users run it alone: `springtide server`, from source, in a process and a data folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { end } from './child.ts';

const cli = new URL('../../src/cli/index.ts', import.meta.url).href;
const program = `import { main } from '${cli}'; process.exitCode = await main(process.argv.slice(1));`;

export interface SpringtideServer {
  bootstrapServers: string;
  dataFolder: string;
  pid: number;
  stop(signal?: NodeJS.Signals): Promise<void>;
  remove(): void;
}

export interface ServerOptions {
  /** An earlier server's folder, or a new one. */
  dataFolder?: string;
  /** 0, the default, takes a free one. */
  port?: number;
  /** `key=value` pairs of server.properties. */
  overrides?: readonly string[];
}

/** Starts the server and waits for its ready line, which names the address. Of one that does not start nothing is left. */
export async function startSpringtide(options: ServerOptions = {}): Promise<SpringtideServer> {
  const { child, dataFolder, ready } = spawnSpringtide(options);
  const remove = () => rmSync(dataFolder, { recursive: true, force: true });
  try {
    const bootstrapServers = await ready;
    return { bootstrapServers, dataFolder, pid: child.pid ?? 0, stop: (signal) => end(child, signal), remove };
  } catch (error) {
    if (options.dataFolder === undefined) remove();
    throw error;
  }
}

/** The process of a server that is starting; `ready` gives the address, and rejects when it ends before. */
export function spawnSpringtide(options: ServerOptions = {}): {
  child: ChildProcess;
  dataFolder: string;
  ready: Promise<string>;
} {
  const dataFolder = options.dataFolder ?? mkdtempSync(join(tmpdir(), 'springtide-broker-'));
  const overrides = [
    `listeners=PLAINTEXT://127.0.0.1:${options.port ?? 0}`,
    `log.dirs=${dataFolder}`,
    ...(options.overrides ?? []),
  ];
  const server = ['server', ...overrides.flatMap((override) => ['--override', override])];
  const args = ['--conditions=springtide-src', '--input-type=module', '--eval', program, '--', ...server];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  return { child, dataFolder, ready: readyAddress(child) };
}

function readyAddress(child: ReturnType<typeof spawn>): Promise<string> {
  let output = '';
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const ready = /ready[^\n]*?(127\.0\.0\.1:\d+)\D/.exec(output);
      if (ready) resolve(ready[1]);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.on('error', reject);
    child.on('exit', (status) => reject(new Error(`springtide server ended with ${status}:\n${output}`)));
  });
}
