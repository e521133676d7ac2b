/** Scenery for the tests of this folder: environments without files, and folders with them. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Environment, type EnvironmentOptions, loadEnvironment } from '#context';

/** An environment of these settings only. */
export function environmentOf(settings: Record<string, unknown>): Environment {
  return loadEnvironment({ workingFolder: folderWith({}), defaults: settings });
}

/** A new folder that holds these files; names may have folders in them. */
export function folderWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'springtide-context-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

export function load(files: Record<string, string>, options: Partial<EnvironmentOptions> = {}): Environment {
  return loadEnvironment({ workingFolder: folderWith(files), ...options });
}
