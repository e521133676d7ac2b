/** Scenery for the tests of this folder. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Environment, type EnvironmentOptions, loadEnvironment, StartupFailure } from '#context';

export function folderWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'springtide-app-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

export function settings(yaml: string, options: Partial<EnvironmentOptions> = {}): Environment {
  return loadEnvironment({ workingFolder: folderWith({ 'application.yaml': yaml }), ...options });
}

export function refusal(run: () => unknown): StartupFailure {
  try {
    run();
  } catch (error) {
    if (error instanceof StartupFailure) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
