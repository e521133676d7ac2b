/**
 * A project of a user: a folder of its own with this package as `npm pack` makes it, and exactly the packages that it says it needs. Those
 * are links to ours, so that no registry has to be asked. `npm test` builds before it tests.
 */
import { execFileSync, type StdioOptions } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const isWindows = process.platform === 'win32';

export interface Project {
  readonly path: string;
  /** Where the package is. */
  readonly springtide: string;
  /** The files of the package, from its folder, with slashes. */
  readonly files: readonly string[];
  /** Copies files of this repository into the project's folder. */
  copy(folder: string, ...names: readonly string[]): void;
  /** Compiles its `.ts` files with the options that the README asks for. @throws with the compiler's words */
  compile(): void;
  /** Runs a module of JavaScript in the project and gives what it printed. @throws when it fails */
  evaluate(code: string): string;
  remove(): void;
}

export function createProject(): Project {
  const path = mkdtempSync(join(tmpdir(), 'springtide-project-'));
  const springtide = join(path, 'node_modules', 'springtide');
  unpack(path, springtide);
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(springtide, 'package.json'), 'utf8'));
  for (const name of [...Object.keys({ ...dependencies, ...peerDependencies }), '@types/node']) link(path, name);
  writeFileSync(join(path, 'package.json'), JSON.stringify({ type: 'module' }));
  writeFileSync(join(path, 'tsconfig.json'), JSON.stringify({ compilerOptions: readmeOptions(springtide) }));
  return {
    path,
    springtide,
    files: filesOf(springtide),
    copy: (folder, ...names) => {
      for (const name of names) cpSync(join(root, folder, name), join(path, name));
    },
    compile: () => {
      execFileSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', path], printed);
    },
    evaluate: (code) =>
      execFileSync(process.execPath, ['--input-type=module', '--eval', code], { ...printed, cwd: path }),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

const printed: { encoding: 'utf8'; stdio: StdioOptions } = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] };

function unpack(path: string, springtide: string): void {
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', path];
  const told = execFileSync('npm', pack, { ...printed, cwd: root, shell: isWindows });
  const [{ filename }] = JSON.parse(told) as { filename: string }[];
  mkdirSync(springtide, { recursive: true });
  execFileSync('tar', ['-xzf', join(path, filename), '--strip-components=1', '-C', springtide]);
}

function link(path: string, name: string): void {
  const to = join(path, 'node_modules', name);
  mkdirSync(dirname(to), { recursive: true });
  symlinkSync(join(root, 'node_modules', name), to, 'junction');
}

function filesOf(springtide: string): string[] {
  return readdirSync(springtide, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(springtide.length + 1))
    .map((name) => name.replaceAll('\\', '/'))
    .sort();
}

function readmeOptions(springtide: string): Record<string, unknown> {
  const [json] = /\{ "compilerOptions"[\s\S]*?\} \}/.exec(readFileSync(join(springtide, 'README.md'), 'utf8')) ?? [];
  return JSON.parse(json ?? '').compilerOptions;
}
