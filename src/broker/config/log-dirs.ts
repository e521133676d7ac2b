/** `log.dirs`, `log.dir` and `metadata.log.dir`: which directories a broker uses. ◇ */
import { KafkaError, parseConfigValue } from '#core';
import { brokerConfigTable } from './config.ts';

export interface LogDirs {
  /** Where partitions go; each once, at least one. */
  readonly paths: readonly string[];
  /** One of `paths`, or another one. */
  readonly metadataPath: string;
}

/**
 * @param given the broker's keys as they were written
 * @throws KafkaError INVALID_CONFIG
 */
export function logDirsOf(given: Readonly<Record<string, unknown>>): LogDirs {
  const key = given['log.dirs'] === undefined ? 'log.dir' : 'log.dirs';
  const raw = given[key] ?? brokerConfigTable[key].default;
  const paths = parseConfigValue(key, brokerConfigTable[key], raw) as string[];
  checkPaths(key, paths);
  const metadata = parseConfigValue(
    'metadata.log.dir',
    brokerConfigTable['metadata.log.dir'],
    given['metadata.log.dir'],
  );
  if (typeof metadata !== 'string') return { paths, metadataPath: paths[0] };
  return { paths, metadataPath: paths.find((path) => plain(path) === plain(metadata)) ?? metadata };
}

/**
 * The data folders that get no new partitions.
 *
 * @param cordoned the value of `cordoned.log.dirs`
 * @throws KafkaError INVALID_CONFIG
 */
export function cordonedPaths(cordoned: readonly string[], { paths }: LogDirs): readonly string[] {
  if (cordoned.includes('*')) return paths;
  const found = cordoned.map((wanted) => ({ wanted, path: paths.find((path) => plain(path) === plain(wanted)) }));
  const strange = found.find(({ path }) => path === undefined);
  if (strange === undefined) return found.map(({ path }) => path!);
  const text = `cordoned.log.dirs names ${strange.wanted}, which is none of log.dirs: ${paths.join(',')}.`;
  throw new KafkaError('INVALID_CONFIG', text);
}

function checkPaths(key: string, paths: readonly string[]): void {
  if (paths.length === 0 || paths.includes('')) {
    throw new KafkaError('INVALID_CONFIG', `${key}=${paths.join(',')} must name data folders, separated by commas.`);
  }
  const twice = paths.find((path, index) => paths.slice(0, index).some((other) => plain(other) === plain(path)));
  if (twice !== undefined) {
    throw new KafkaError('INVALID_CONFIG', `${key}=${paths.join(',')} names ${twice} twice. Name each folder once.`);
  }
}

/** Without steps that lead nowhere. */
function plain(path: string): string {
  const steps = path.split('/').filter((step, index) => (step !== '' || index === 0) && step !== '.');
  return steps.join('/');
}
