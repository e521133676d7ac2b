/** Programs of `programs/` in processes of their own, each in a new folder, with a broker on a free port. */
import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { folderWith } from './scene.ts';

const running: ChildProcess[] = [];

export function endPrograms(): void {
  for (const child of running.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
}

export class Program {
  readonly #child: ChildProcess;
  readonly exit: Promise<number | null>;
  stdout = '';
  stderr = '';
  readonly #waiting: (() => void)[] = [];

  constructor(name: string, args: readonly string[], folder = folderWith({})) {
    const file = resolve('test/app/programs', `${name}.ts`);
    const port = '--springtide.broker.listeners=PLAINTEXT://127.0.0.1:0';
    this.#child = spawn(process.execPath, ['--conditions=springtide-src', file, port, ...args], {
      cwd: folder,
      stdio: 'pipe',
    });
    running.push(this.#child);
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
      for (const check of this.#waiting) check();
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    this.exit = new Promise((ended) => this.#child.on('close', ended));
  }

  /** Resolves when standard output has the text; rejects when the program ends without. */
  shows(text: string): Promise<void> {
    return new Promise((found, failed) => {
      const check = (): void => {
        if (this.stdout.includes(text)) found();
      };
      this.#waiting.push(check);
      check();
      void this.exit.then((code) =>
        failed(new Error(`ended with ${code} before '${text}':\n${this.stdout}\n${this.stderr}`)),
      );
    });
  }

  signal(signal: 'SIGTERM' | 'SIGINT'): void {
    this.#child.kill(signal);
  }
}
