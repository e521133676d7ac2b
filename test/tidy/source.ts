/** Reads the sources of `src/` as text: what each imports, and its code without comments and strings. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

export interface Source {
  /** From the repository's root, with slashes: `src/core/clock.ts`. */
  path: string;
  room: string;
  opening: string;
  imports: string[];
  text: string;
  /** Without comments and strings. */
  code: string;
}

export function readSources(folder: string): Source[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) =>
      parseSource(
        relative(root, join(root, folder, name)).replaceAll('\\', '/'),
        readFileSync(join(root, folder, name), 'utf8'),
      ),
    );
}

export function parseSource(path: string, text: string): Source {
  const code = stripComments(text);
  return {
    path,
    room: path.split('/')[1],
    opening: text.slice(0, 1500).split('*/')[0],
    imports: importsOf(code),
    text,
    code: stripStrings(code),
  };
}

function importsOf(code: string): string[] {
  const statements =
    /(?:^|[\s;])(?:import|export)\b[^'"();]*?\bfrom\s*['"]([^'"]+)['"]|(?:^|[\s;])import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g;
  return [...code.matchAll(statements)].map((match) => match[1] ?? match[2] ?? match[3]);
}

function stripComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|(^|[^:'"`\\])\/\/.*$/gm, '$1');
}

function stripStrings(code: string): string {
  return code.replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, "''");
}
