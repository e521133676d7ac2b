/**
 * Loads every compiled module below a folder, so that the components in them enter the registry. For applications that do not want
 * to import each service by hand. Skips declarations, tests, source maps, and folders that start with a dot or are `node_modules`.
 */
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { StartupFailure } from './startup-failure.ts';

const MODULE = /\.m?js$/;
const SKIPPED_FOLDER = /^(\.|node_modules$)/;

/**
 * @param folder a path (relative to `workingFolder`) or a `file:` URL such as `new URL('.', import.meta.url)`.
 * @param include which file names are modules; by default `*.js` and `*.mjs` except tests.
 */
export async function scanComponents(
  folder: string | URL,
  workingFolder: string,
  include: (fileName: string) => boolean = (name) => MODULE.test(name) && !/\.(test|spec)\./.test(name),
): Promise<void> {
  const root =
    folder instanceof URL || folder.startsWith('file:') ? fileURLToPath(folder) : resolve(workingFolder, folder);
  for (const file of filesBelow(root).filter((path) => include(path))) await import(pathToFileURL(file).href);
}

function filesBelow(folder: string): string[] {
  return entries(folder).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED_FOLDER.test(entry.name) ? [] : filesBelow(path);
    return [path];
  });
}

function entries(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw new StartupFailure(`The folder '${folder}' cannot be scanned for components: ${(error as Error).message}`, {
      action:
        'Correct `scan`: it names a folder of compiled modules, relative to the working folder or as a file: URL.',
    });
  }
}
