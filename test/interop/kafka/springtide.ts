/** Our broker as users run it alone: `springtide server` in a process and a data folder of its own, on a free port. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { end } from './apache-kafka.ts';

const bin = fileURLToPath(new URL('../../../bin/springtide.mjs', import.meta.url));

export interface SpringtideServer {
  bootstrapServers: string;
  dataFolder: string;
  pid: number;
  stop(signal?: NodeJS.Signals): Promise<void>;
  remove(): void;
}

/** Starts the server and waits for its ready line, which names the address. `dataFolder` may be an earlier one. */
export async function startSpringtide(
  options: { dataFolder?: string; overrides?: readonly string[] } = {},
): Promise<SpringtideServer> {
  const dataFolder = options.dataFolder ?? mkdtempSync(join(tmpdir(), 'springtide-broker-'));
  const overrides = ['listeners=PLAINTEXT://127.0.0.1:0', `log.dirs=${dataFolder}`, ...(options.overrides ?? [])];
  const child = spawn(process.execPath, [bin, 'server', ...overrides.flatMap((override) => ['--override', override])], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const address = await readyAddress(child);
  return {
    bootstrapServers: address,
    dataFolder,
    pid: child.pid ?? 0,
    stop: (signal) => end(child, signal),
    remove: () => rmSync(dataFolder, { recursive: true, force: true }),
  };
}

function readyAddress(child: ReturnType<typeof spawn>): Promise<string> {
  let output = '';
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const ready = /ready[^\n]*?(127\.0\.0\.1:\d+)/.exec(output);
      if (ready) resolve(ready[1]);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.on('error', reject);
    child.on('exit', (status) => reject(new Error(`springtide server ended with ${status}:\n${output}`)));
  });
}
