/**
 * Data-driven conversations: a text file of commands with the expected answer below each one.
 *
 *     # a comment, kept as it stands
 *     join g1 client=a
 *     ----
 *     parked
 *
 * A block is one or more command lines (the first is the command, further ones its body), a line `----`, the expected output, and an
 * empty line. Output that contains empty lines stands between two `----` lines on either side:
 *
 *     dump
 *     ----
 *     ----
 *     first
 *
 *     second
 *     ----
 *     ----
 *
 * `UPDATE=1` rewrites the file with what the callback answered; the change is then read in review. The form is cockroachdb/datadriven's.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

/** One command of a script, split into words. */
export interface ScriptCommand {
  /** The first word of the first line. */
  readonly name: string;
  /** Further words without `=`, in order. A word may be quoted: `"two words"`. */
  readonly words: readonly string[];
  /** `key=value` words; a list is comma text (`list()`), quotes allowed around the value. */
  readonly args: Readonly<Record<string, string>>;
  /** Lines below the first one, joined by newlines. */
  readonly body: string;
  /** The command as written, body included. */
  readonly text: string;
  /** 1-based line of the command in its file. */
  readonly line: number;
}

/** Answers one command. Throwing is an answer too: `error: <message>`, so that refusals can be written into the script. */
export type ScriptAnswer = (command: ScriptCommand) => string | Promise<string>;

interface Block {
  readonly comments: string[];
  readonly command: string[];
  readonly line: number;
  readonly expected: string;
}

/**
 * Registers one jest test per `*.txt` file in `folder` (a URL such as `new URL('./testdata/', import.meta.url)`). `start` is called once per
 * file and returns the answerer, so every file starts from an empty world. The test's name is the file's first comment line.
 */
export function describeScripts(title: string, folder: URL, start: (file: string) => ScriptAnswer): void {
  const path = fileURLToPath(folder);
  const files = readdirSync(path)
    .filter((name) => name.endsWith('.txt'))
    .sort();
  describe(title, () => {
    for (const file of files) {
      it(`${file.slice(0, -4)}: ${scriptTitle(join(path, file))}`, () => runScript(join(path, file), start(file)));
    }
  });
}

/** Runs one script file: fails at the first command that answers otherwise than written, or rewrites the file when `UPDATE` is set. */
export async function runScript(path: string, answer: ScriptAnswer): Promise<void> {
  const { blocks, tail } = parseScript(readFileSync(path, 'utf8'));
  if (blocks.length === 0) throw new Error(`${path} has no command`);
  const update = (process.env['UPDATE'] ?? '') !== '';
  const rewritten: string[] = [];
  for (const block of blocks) {
    const actual = await answerText(block, answer);
    if (!update && actual !== block.expected) {
      const where = `${path}:${block.line}\n${block.command.join('\n')}\n----\n`;
      expect(where + actual).toBe(where + block.expected);
    }
    rewritten.push(formatBlock(block, actual));
  }
  if (update)
    writeFileSync(path, [...rewritten, ...(tail.length > 0 ? [`${trimEnd(tail.join('\n'))}\n`] : [])].join('\n'));
}

/** Splits a comma list; the empty text is the empty list. */
export function list(text: string | undefined): string[] {
  return text === undefined || text === '' ? [] : text.split(',');
}

async function answerText(block: Block, answer: ScriptAnswer): Promise<string> {
  try {
    return trimEnd(await answer(parseCommand(block)));
  } catch (error) {
    return `error: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function scriptTitle(path: string): string {
  const first = readFileSync(path, 'utf8').split('\n', 1)[0];
  return first.startsWith('#') ? first.slice(1).trim() : 'answers as written';
}

/** Parses the text of a script; exported for the driver's own test. */
export function parseScript(text: string): { blocks: Block[]; tail: string[] } {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  let at = 0;
  let comments: string[] = [];
  while (at < lines.length) {
    if (lines[at].trim() === '' || lines[at].startsWith('#')) {
      comments.push(lines[at++]);
      continue;
    }
    const line = at + 1;
    const command: string[] = [];
    while (at < lines.length && lines[at] !== '----') command.push(lines[at++]);
    if (at === lines.length) throw new Error(`line ${line}: no '----' below the command '${command[0]}'`);
    const [expected, next] = readExpected(lines, at + 1);
    blocks.push({ comments: trimBlankStart(comments), command, line, expected });
    comments = [];
    at = next;
  }
  return { blocks, tail: trimBlankStart(comments) };
}

function readExpected(lines: string[], start: number): [expected: string, next: number] {
  let at = start;
  const output: string[] = [];
  if (lines[at] === '----') {
    at += 1;
    while (at < lines.length && !(lines[at] === '----' && lines[at + 1] === '----')) output.push(lines[at++]);
    return [trimEnd(output.join('\n')), at + 2];
  }
  while (at < lines.length && lines[at] !== '') output.push(lines[at++]);
  return [trimEnd(output.join('\n')), at];
}

/** One command, from its text. */
export function commandOf(text: string): ScriptCommand {
  return parseCommand({ comments: [], command: text.split('\n'), line: 1, expected: '' });
}

function parseCommand(block: Block): ScriptCommand {
  const [first, ...rest] = block.command;
  const tokens = [...first.matchAll(/(?:[^\s"=]+=)?(?:"[^"]*"|\S+)/g)].map((match) => match[0]);
  const words: string[] = [];
  const args: Record<string, string> = {};
  for (const token of tokens.slice(1)) {
    const equals = token.startsWith('"') ? -1 : token.indexOf('=');
    if (equals > 0) args[token.slice(0, equals)] = unquote(token.slice(equals + 1));
    else words.push(unquote(token));
  }
  return { name: tokens[0], words, args, body: rest.join('\n'), text: block.command.join('\n'), line: block.line };
}

function unquote(word: string): string {
  return word.length >= 2 && word.startsWith('"') && word.endsWith('"') ? word.slice(1, -1) : word;
}

function formatBlock(block: Block, actual: string): string {
  const head = [...block.comments, ...block.command, '----'].join('\n');
  if (actual === '') return `${head}\n`;
  const isFenced = /\n\n|^\n|^----$/m.test(actual);
  return isFenced ? `${head}\n----\n${actual}\n----\n----\n` : `${head}\n${actual}\n`;
}

function trimEnd(text: string): string {
  return text.replace(/\s+$/, '');
}

function trimBlankStart(texts: string[]): string[] {
  const first = texts.findIndex((text) => text.trim() !== '');
  return first < 0 ? [] : texts.slice(first);
}
