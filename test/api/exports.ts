/**
 * Collects what a door exports, as text: one entry a name, with the signature that its users see (the body of functions and the
 * private members of classes left out). Reads sources, so it needs no compiler.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Name → signature, sorted by name. */
export function exportsOf(file: string): Map<string, string> {
  const found = new Map<string, string>();
  collect(file, found);
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function collect(file: string, found: Map<string, string>): void {
  const text = readFileSync(join(root, file), 'utf8');
  for (const [, names, from] of text.matchAll(/^export (?:type )?\{([^}]*)\} from '([^']+)';/gm)) {
    const source = exportsOf(resolve(file, from));
    for (const { name, alias } of named(names)) found.set(alias, source.get(name) ?? `unknown ${name} of ${from}`);
  }
  for (const [, from] of text.matchAll(/^export \* from '([^']+)';/gm)) {
    for (const [name, signature] of exportsOf(resolve(file, from))) if (!found.has(name)) found.set(name, signature);
  }
  for (const { name, signature } of declarations(text)) {
    const earlier = found.get(name);
    found.set(name, earlier === undefined ? signature : `${earlier}\n${signature}`);
  }
}

function named(list: string): { name: string; alias: string }[] {
  return list
    .replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
    .split(',')
    .map((entry) => entry.trim().replace(/^type /, ''))
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [name, alias] = entry.split(' as ');
      return { name, alias: alias ?? name };
    });
}

function resolve(file: string, from: string): string {
  return from.startsWith('#') ? `src/${from.slice(1)}/index.ts` : join(dirname(file), from);
}

function declarations(text: string): { name: string; signature: string }[] {
  const starts = /^export (?:declare )?(?:abstract )?(async function|function|class|interface|type|const) ([\w$]+)/gm;
  return [...text.matchAll(starts)].map((match) => {
    const rest = text.slice(match.index + 'export '.length);
    return { name: match[2], signature: signatureOf(match[1], withoutComments(topLevel(rest))) };
  });
}

/** Up to the first line that starts in the first column after this one: the end of the declaration. */
function topLevel(rest: string): string {
  const lines = rest.split('\n');
  const end = lines.findIndex((line, index) => index > 0 && /^[^\s})\]|&?:]/.test(line));
  return lines
    .slice(0, end === -1 ? lines.length : end)
    .join('\n')
    .trimEnd();
}

function withoutComments(code: string): string {
  return code
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/(^|\s)\/\/.*$/gm, '')
    .replaceAll(/^\s*\n/gm, '');
}

function signatureOf(kind: string, code: string): string {
  if (kind === 'class') return classSignature(code);
  if (kind === 'interface' || kind === 'type') return code;
  if (kind === 'const') return code.includes('\n') ? `${code.split('\n')[0].replace(/\s*[=({[]*\s*$/, '')} …` : code;
  return code.split(/\s*\{\n/)[0];
}

/** The heading and the heads of the public members. */
function classSignature(code: string): string {
  const [heading, ...body] = joinHeads(code).split('\n');
  const hidden = /^ {2}(?:(?:static |async |get |set |readonly )*#|private|protected|[})\]])/;
  const members = body.filter((line) => /^ {2}\S/.test(line) && !hidden.test(line));
  return [heading, ...members.map(memberSignature), '}'].join('\n');
}

/** Puts a head that runs over several lines on one. */
function joinHeads(code: string): string {
  return code.replaceAll(/^( {2}\S.*\()\n([\s\S]*?)\n {2}\)/gm, (_, open: string, parameters: string) => {
    const inner = parameters.split('\n').map((line) => line.trim());
    return `${open}${inner.join(' ').replace(/,$/, '')})`;
  });
}

function memberSignature(line: string): string {
  const head = line.replace(/\s*\{$/, ';');
  return head.includes('(') ? head : head.replace(/ = .*;$/, ';');
}
