/**
 * `.lock`: one process to a log directory. The file names its owner as JSON (pid, start time of the process, boot id), so that a
 * lock whose owner died, with or without the machine, is told from a live one without asking anybody:
 *
 *   other boot id, or no process of that pid, or one that started at another time   → dead, taken over
 *   our own pid: live exactly if some thread of ours still has the file open
 *   empty file: Apache Kafka's. It holds a POSIX lock on it while it runs, which /proc/locks shows
 *
 * Where there is no /proc (macOS, Windows) a process of that pid counts as the owner. The file appears with its content in one
 * step (link), and goes away on release, so a normal start says nothing.
 */
import {
  closeSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { errorText, KafkaError, systemRandom } from '#core';
import type { DiskLock } from './disk.ts';

interface Owner {
  readonly pid: number;
  /** Clock ticks from the boot of the machine to the start of the process; null where the system does not tell. */
  readonly processStart: string | null;
  readonly bootId: string | null;
  readonly host: string;
}

/** Taking over a dead lock can race with another taker; in each round one of them gets on. */
const ATTEMPTS_MAX = 10;

export async function lockFile(path: string, onTakeover: (owner: string) => void): Promise<DiskLock> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const lock = tryCreate(path);
    if (lock !== undefined) return lock;
    const text = readText(path);
    if (text === undefined) continue;
    const owner = parseOwner(text);
    const livePid = livePidOf(owner, path);
    if (livePid !== undefined) throw locked(path, livePid);
    if (!removeStale(path, text)) continue;
    if (owner !== undefined) onTakeover(`process ${owner.pid} on ${owner.host}`);
  }
  throw new KafkaError('LOCKED', `${path} keeps changing hands: other processes start on the same log directory`);
}

/** The process that holds the lock at `path`; undefined when none does. Only looks. */
export function lockOwnerPid(path: string): number | undefined {
  const text = readText(path);
  return text === undefined ? undefined : livePidOf(parseOwner(text), path);
}

function livePidOf(owner: Owner | undefined, path: string): number | undefined {
  if (owner === undefined) return posixLockPid(path);
  return isAlive(owner, path) ? owner.pid : undefined;
}

/** Undefined when the file is there already. */
function tryCreate(path: string): DiskLock | undefined {
  const own = uniqueName(path);
  try {
    writeFileSync(own, JSON.stringify(self()), { flag: 'wx' });
    linkSync(own, path);
    return holdLock(path, openSync(path, 'r'));
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return undefined;
    throw new KafkaError('STORAGE_FAILED', `cannot lock ${path}: ${errorText(error)}`, { cause: error });
  } finally {
    unlinkQuietly(own);
  }
}

/** The open descriptor is what tells other threads of this process that the owner lives. */
function holdLock(path: string, descriptor: number): DiskLock {
  let isHeld = true;
  return {
    async release() {
      if (!isHeld) return;
      isHeld = false;
      unlinkQuietly(path);
      closeSync(descriptor);
    },
  };
}

/**
 * Moves the file aside, and looks whether it was still the dead one: another taker may have put its own there meanwhile. If so,
 * it goes back, unless a third one came.
 */
function removeStale(path: string, staleText: string): boolean {
  const aside = uniqueName(path);
  try {
    renameSync(path, aside);
    if (readFileSync(aside, 'utf8') === staleText) return true;
    linkSync(aside, path);
    return false;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'EEXIST')) return false;
    throw new KafkaError('STORAGE_FAILED', `cannot take over ${path}: ${errorText(error)}`, { cause: error });
  } finally {
    unlinkQuietly(aside);
  }
}

function self(): Owner {
  return { pid: process.pid, processStart: processStart(process.pid), bootId: bootId(), host: hostname() };
}

function parseOwner(text: string): Owner | undefined {
  try {
    const owner: unknown = JSON.parse(text);
    const hasPid = typeof owner === 'object' && owner !== null && 'pid' in owner && Number.isInteger(owner.pid);
    return hasPid ? (owner as Owner) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isAlive(owner: Owner, path: string): boolean {
  if (owner.bootId !== null && bootId() !== null && owner.bootId !== bootId()) return false;
  if (!processExists(owner.pid)) return false;
  const start = processStart(owner.pid);
  if (start !== null && owner.processStart !== null && start !== owner.processStart) return false;
  return owner.pid === process.pid ? isOpenHere(path) : true;
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !hasCode(error, 'ESRCH');
  }
}

/** Field 22 of /proc/<pid>/stat; the command in field 2 may hold spaces and brackets, so it counts from the last one. */
function processStart(pid: number): string | null {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === undefined) return null;
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

function bootId(): string | null {
  return readText('/proc/sys/kernel/random/boot_id')?.trim() ?? null;
}

/** Whether this process has the file open: descriptors are shared by all its threads, and go when their thread ends. */
function isOpenHere(path: string): boolean {
  try {
    const file = statSync(path);
    return readdirSync('/proc/self/fd').some((descriptor) => {
      const open = statQuietly(`/proc/self/fd/${descriptor}`);
      return open !== undefined && open.ino === file.ino && open.dev === file.dev;
    });
  } catch (error) {
    // Without /proc nobody can tell, and a live owner must not be robbed.
    if (hasCode(error, 'ENOENT')) return true;
    throw error;
  }
}

/** Lines of /proc/locks: `1: POSIX  ADVISORY  WRITE 1234 fe:01:262146 0 EOF`. */
function posixLockPid(path: string): number | undefined {
  const file = statQuietly(path);
  const locks = readText('/proc/locks');
  if (file === undefined || locks === undefined) return undefined;
  for (const line of locks.split('\n')) {
    const match = /POSIX\s+\S+\s+\S+\s+(\d+) [0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line);
    if (match !== null && Number(match[2]) === file.ino) return Number(match[1]);
  }
  return undefined;
}

function locked(path: string, pid: number): KafkaError {
  const directory = path.slice(0, path.lastIndexOf('/'));
  const who = pid === process.pid ? `this process (pid ${pid})` : `process ${pid}`;
  return new KafkaError(
    'LOCKED',
    `the log directory ${directory} is in use by ${who}. Stop that broker, or give this one another directory (log.dirs).`,
  );
}

function uniqueName(path: string): string {
  return `${path}.${process.pid}-${systemRandom.uint32().toString(16)}`;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ESRCH') || hasCode(error, 'EACCES')) return undefined;
    throw error;
  }
}

function statQuietly(path: string): { ino: number; dev: number } | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return Error.isError(error) && 'code' in error && error.code === code;
}
