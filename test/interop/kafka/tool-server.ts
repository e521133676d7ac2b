/** The one Java process that runs Kafka's tools (ToolServer.java): started before all tests, ended after them, asked over loopback. */
import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { end } from '../../processes/child.ts';
import { here, javaFlags } from './jars.ts';

const PORT_VARIABLE = 'SPRINGTIDE_TOOL_SERVER_PORT';
const RUN_TIMEOUT_MS = 120_000;

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
      const listening = /listening on (\d+)/.exec(output);
      if (listening) resolve(listening[1]);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.on('error', reject);
    child.on('exit', (status) => reject(new Error(`the server of Kafka's tools ended with ${status}:\n${output}`)));
  });
}

/** Runs the main class `tool` to its end. */
export function askToolServer(tool: string, args: readonly string[], stdin: string): Promise<ToolResult> {
  const socket = connect(Number(process.env[PORT_VARIABLE]), '127.0.0.1');
  const run = `${tool} ${args.join(' ')}`;
  socket.setTimeout(RUN_TIMEOUT_MS, () => socket.destroy(new Error(`not ended after ${RUN_TIMEOUT_MS} ms: ${run}`)));
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.write(Buffer.concat([bytes(tool), int32(args.length), ...args.map(bytes), bytes(stdin)]));
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => {
      const answer = Buffer.concat(chunks);
      if (answer.length === 0) reject(new Error(`the server of Kafka's tools gave no answer to: ${run}`));
      else resolve(resultIn(answer));
    });
  });
}

function resultIn(answer: Buffer): ToolResult {
  const stdoutEnd = 8 + answer.readInt32BE(4);
  return {
    status: answer.readInt32BE(0),
    stdout: answer.toString('utf8', 8, stdoutEnd),
    stderr: answer.toString('utf8', stdoutEnd + 4),
  };
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
