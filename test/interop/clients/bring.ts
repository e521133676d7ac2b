/**
 * Brings foreign clients: what their manifest beside their program pins is installed once a machine into a folder of its own under the
 * interop cache, never into the project. A changed manifest makes a new folder.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../kafka/jars.ts';

/** Where the programs of clients are. */
export const programFolder = fileURLToPath(new URL('.', import.meta.url));

export type Command = readonly [command: string, ...args: string[]];

/**
 * Copies the `manifests` of a client into its cache folder and runs `commands` there, unless that is done already.
 * @returns the folder @throws with the command's own words when one fails
 */
export function bring(client: string, manifests: readonly string[], commands: readonly Command[]): string {
  const folder = folderOf(client, manifests);
  const done = join(folder, '.complete');
  if (existsSync(done)) return folder;
  console.log(`interop: bringing ${client} (once)`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const name of manifests) cpSync(join(programFolder, client, name), join(folder, name));
  for (const [command, ...args] of commands) runIn(folder, command, args);
  writeFileSync(done, '');
  return folder;
}

export function isBrought(client: string, manifests: readonly string[]): boolean {
  return existsSync(join(folderOf(client, manifests), '.complete'));
}

function runIn(folder: string, command: string, args: readonly string[]): void {
  const env = { ...process.env, PATH: machinePath() };
  const result = spawnSync(command, args, { cwd: folder, encoding: 'utf8', env, maxBuffer: 1 << 28 });
  if (result.status === 0) return;
  const words = result.error?.message ?? `${result.stdout}${result.stderr}`.slice(-4000);
  throw new Error(`could not bring it: ${command} ${args.join(' ')} in ${folder}:\n${words}`);
}

/** The machine's own tools first: npm compiles for the Node that it runs on, which is not the one that the project pins. */
export function machinePath(): string {
  const entries = (process.env.PATH ?? '').split(delimiter);
  return entries.filter((entry) => !entry.includes('node_modules')).join(delimiter);
}

function folderOf(client: string, manifests: readonly string[]): string {
  const hash = createHash('sha256');
  for (const name of manifests) hash.update(readFileSync(join(programFolder, client, name)));
  return join(cacheFolder, 'clients', `${client}-${hash.digest('hex').slice(0, 12)}`);
}

/** The names of files in a client's folder. */
export function filesOf(client: string): string[] {
  return readdirSync(join(programFolder, client));
}
