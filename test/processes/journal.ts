/**
 * What a process that will be killed says it has done: lines of a file. Each is in the file when the call that wrote it returns,
 * and stays there whatever becomes of the process. Its output is no such witness: a pipe takes some hundred lines that nobody has
 * read yet, and the rest waits in the process and dies with it.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';

/** The process's side. Appends to what an earlier process wrote. */
export class JournalWriter {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  write(line: string): void {
    writeSync(this.#file, `${line}\n`);
  }
}

const CHUNK_BYTES = 1024 * 1024;

/** The test's side. The file need not be there yet. */
export class JournalReader {
  readonly #path: string;
  #position = 0;
  /** Of a line whose end is not written yet. */
  #beginning = '';

  constructor(path: string) {
    this.#path = path;
  }

  /** The lines written since the last call. */
  newLines(): string[] {
    const lines = (this.#beginning + this.#newText()).split('\n');
    this.#beginning = lines.pop() ?? '';
    return lines;
  }

  #newText(): string {
    const file = openSync(this.#path, 'a+');
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let text = '';
    try {
      for (;;) {
        const bytesRead = readSync(file, chunk, 0, chunk.length, this.#position);
        if (bytesRead === 0) return text;
        this.#position += bytesRead;
        text += chunk.toString('latin1', 0, bytesRead);
      }
    } finally {
      closeSync(file);
    }
  }
}
