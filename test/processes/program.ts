/** A compiled program of this repository as a child process whose output tests can wait for. `npm test` builds before it tests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { end } from './child.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface ProgramOptions {
  args?: readonly string[];
  /** From the repository's root, or absolute. */
  workingFolder?: string;
  env?: Readonly<Record<string, string>>;
}

export class Program {
  readonly child: ChildProcess;
  #output = '';
  readonly #ended: Promise<number | null>;
  readonly #waiting = new Set<() => void>();

  /** A TypeScript file as it is: no decorators in it, everything it imports from source. */
  static fromSource(file: string, options: ProgramOptions = {}): Program {
    return new Program(file, options, ['--conditions=springtide-src']);
  }

  /** @param file from the repository's root, or absolute, compiled: `dist/samples/01-hello/main.js` */
  constructor(file: string, options: ProgramOptions = {}, nodeFlags: readonly string[] = []) {
    const cwd = resolve(root, options.workingFolder ?? '.');
    const env = { ...process.env, ...options.env };
    this.child = spawn(process.execPath, [...nodeFlags, resolve(root, file), ...(options.args ?? [])], {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString();
        this.#look();
      });
    }
    this.#ended = new Promise((resolve) => this.child.on('close', (status) => resolve(status)));
    void this.#ended.then(() => this.#look());
  }

  get output(): string {
    return this.#output;
  }

  /** Resolves when the output matches. @throws when the program ends without it */
  sees(pattern: RegExp): Promise<RegExpExecArray> {
    return this.shows(`${pattern}`, (output) => pattern.exec(output));
  }

  /** Resolves with what `find` finds in the output. @throws what `find` throws, or when the program ends before it finds anything */
  async shows<T>(what: string, find: (output: string) => T | null): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        this.#waiting.delete(look);
        settle();
      };
      const look = () => {
        try {
          const found = find(this.#output);
          const text = `the program ended with ${this.child.exitCode} and never printed ${what}:\n${this.#output}`;
          if (found !== null) end(() => resolve(found));
          else if (this.child.exitCode !== null) end(() => reject(new Error(text)));
        } catch (error) {
          end(() => reject(error));
        }
      };
      this.#waiting.add(look);
      look();
    });
  }

  #look(): void {
    for (const look of this.#waiting) look();
  }

  /** The exit code, once it has ended by itself. */
  exitCode(): Promise<number | null> {
    return this.#ended;
  }

  /** Sends SIGTERM and gives the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    await end(this.child, signal);
    return this.#ended;
  }
}

/** A folder of its own for a test's data; `remove` deletes it. */
export function scratchFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'springtide-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
