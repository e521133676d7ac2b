/**
 * Brings the jars of Apache Kafka 4.4.0 (broker) and 4.3.1 (tools, streams, Connect) with Maven, once a machine, into
 * `$SPRINGTIDE_INTEROP_DIR` or `.cache/springtide-interop` in the home folder.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const here: string = dirname(fileURLToPath(import.meta.url));
export const cacheFolder: string =
  process.env.SPRINGTIDE_INTEROP_DIR ?? join(homedir(), '.cache', 'springtide-interop');

export type JarSet = 'broker' | 'tools' | 'streams' | 'connect';

export function jarFolder(set: JarSet): string {
  return join(cacheFolder, `${set}-jars`);
}

/** Whether `command` can be started here. */
export function isInstalled(command: string, versionFlag: string): boolean {
  return spawnSync(command, [versionFlag], { stdio: 'ignore' }).error === undefined;
}

/** Copies the sets of jars that all runs need, unless they are there already. */
export function bringJars(): void {
  for (const set of ['broker', 'tools', 'streams'] as const) bringJarSet(set);
}

/** A failed copy throws with Maven's own words. */
export function bringJarSet(set: JarSet): void {
  const done = join(jarFolder(set), '.complete');
  if (existsSync(done)) return;
  console.log(`interop: copying the ${set} jars of Apache Kafka (once)`);
  mkdirSync(jarFolder(set), { recursive: true });
  const copy = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${jarFolder(set)}`];
  const result = spawnSync('mvn', copy, { cwd: join(here, set), encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`Maven could not copy the ${set} jars:\n${result.stdout}${result.stderr}`);
  writeFileSync(done, '');
}

/** Of a Java process that has a set of jars on its class path. */
export function javaFlags(set: JarSet, heap: string): string[] {
  return [...smallJvm(heap), ...classPath(set)];
}

/** Such that it starts fast. */
export function smallJvm(heap: string): string[] {
  return [`-Xmx${heap}`, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
}

export function classPath(set: JarSet): string[] {
  const stored = existsSync(classArchive(set)) ? [`-XX:SharedArchiveFile=${classArchive(set)}`, '-Xlog:disable'] : [];
  return [...stored, `-Dlog4j2.configurationFile=${join(here, 'log4j2.yaml')}`, '-cp', `${jarFolder(set)}/*`];
}

/** Of a set of jars, where it is stored; class-archive.ts stores it. */
export function classArchive(set: JarSet): string {
  return join(jarFolder(set), 'classes.jsa');
}
