/** The one Java process that runs Kafka's tools (ToolServer.java): started before all tests, ended after them, asked over loopback. */
import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { end } from '../../processes/child.ts';
import { here, javaFlags } from './jars.ts';

const PORT_VARIABLE = 'SPRINGTIDE_TOOL_SERVER_PORT';
const RUN_TIMEOUT_MS = 240_000;

export interface ToolResult {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Starts it; `askToolServer` finds it by the environment of this process. */
export async function startToolServer(): Promise<{ stop(): Promise<void> }> {
  const source = join(here, 'ToolServer.java');
  const child = spawn('java', [...javaFlags('tools', '1G'), source], { stdio: ['pipe', 'pipe', 'pipe'] });
  process.env[PORT_VARIABLE] = await portOf(child);
  return { stop: () => end(child) };
}

function portOf(child: ChildProcess): Promise<string> {
  let output = '';
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const listening = /listening on (\d+)\s/.exec(output);
      if (listening) resolve(listening[1]);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.on('error', reject);
    child.on('exit', (status) => reject(new Error(`the server of Kafka's tools ended with ${status}:\n${output}`)));
  });
}

/** A tool that runs until it ends by itself or is stopped. */
export interface RunningTool {
  /** What it has printed so far. */
  output(): string;
  readonly ended: Promise<ToolResult>;
  /** As Ctrl-C does: it ends in its own way, and gives back what it holds. */
  stop(): Promise<ToolResult>;
}

/** Starts the main class `tool`. A run that says nothing for four minutes fails. */
export function startTool(tool: string, args: readonly string[], stdin: string): RunningTool {
  const socket = connect(Number(process.env[PORT_VARIABLE]), '127.0.0.1');
  const run = `${tool} ${args.join(' ')}`;
  socket.setTimeout(RUN_TIMEOUT_MS, () => socket.destroy(new Error(`silent for ${RUN_TIMEOUT_MS} ms: ${run}`)));
  const answer = new Answer();
  socket.on('data', (chunk: Buffer) => answer.take(chunk));
  socket.write(Buffer.concat([bytes(tool), int32(args.length), ...args.map(bytes), bytes(stdin)]));
  const ended = new Promise<ToolResult>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => {
      const { status } = answer;
      if (status === undefined) reject(new Error(`the server of Kafka's tools did not end: ${run}`));
      else resolve({ status, stdout: answer.text(STDOUT), stderr: answer.text(STDERR) });
    });
  });
  ended.catch(() => {}); // Who waits for it is told.
  const stop = () => {
    socket.end();
    return ended;
  };
  return { output: () => answer.text(STDOUT), ended, stop };
}

const STDOUT = 1;
const STDERR = 2;
const PIECE_HEAD_BYTES = 5;

/** The pieces of a run that have come. */
class Answer {
  status: number | undefined;
  readonly #pieces = { [STDOUT]: [] as Buffer[], [STDERR]: [] as Buffer[] };
  #left: Buffer = Buffer.alloc(0);

  take(chunk: Buffer): void {
    this.#left = this.#left.length === 0 ? chunk : Buffer.concat([this.#left, chunk]);
    let at = 0;
    for (;;) {
      const head = at + PIECE_HEAD_BYTES;
      if (this.#left.length < head) break;
      const end = head + this.#left.readInt32BE(at + 1);
      if (this.#left.length < end) break;
      this.#add(this.#left[at], this.#left.subarray(head, end));
      at = end;
    }
    this.#left = this.#left.subarray(at);
  }

  /** Characters of more than one byte may come in parts. */
  text(kind: typeof STDOUT | typeof STDERR): string {
    return Buffer.concat(this.#pieces[kind]).toString();
  }

  #add(kind: number, piece: Buffer): void {
    if (kind === STDOUT || kind === STDERR) this.#pieces[kind].push(piece);
    else this.status = piece.readInt32BE(0);
  }
}

function bytes(text: string): Buffer {
  const content = Buffer.from(text);
  return Buffer.concat([int32(content.length), content]);
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}
