/** What the system said when it refused a call, and what that means for a log directory. ◇ */
import { KafkaError } from '#core';

const NO_ROOM = ['ENOSPC', 'EDQUOT'];
const NO_HANDLE = ['EMFILE', 'ENFILE'];

/** The disk has no room. */
export function isOutOfRoom(error: unknown): error is KafkaError {
  return NO_ROOM.includes(systemCode(error) ?? '');
}

/** The process has no free file handle. */
export function isOutOfHandles(error: unknown): error is KafkaError {
  return NO_HANDLE.includes(systemCode(error) ?? '');
}

/** The system refused to read or write a directory: it is not what lies there that is wrong, nor a limit of the process. */
export function isDiskFailure(error: unknown): error is KafkaError {
  return systemCode(error) !== undefined && !isOutOfHandles(error);
}

/** The disk has a place that it cannot read. */
export function isUnreadable(error: unknown): error is KafkaError {
  return systemCode(error) === 'EIO';
}

/** What to tell who starts a broker on `path`: of a disk without room or a process without handles, what to do. */
export function startFailure(path: string, given: unknown): unknown {
  // What a log directory refuses says last what its disk refused.
  const error = given instanceof KafkaError && given.cause instanceof KafkaError ? given.cause : given;
  if (isOutOfRoom(error)) {
    const action = `Make room on the disk of ${path}, or choose another directory (log.dirs).`;
    const text = `The disk of the log directory ${path} is full, and a start has to write: ${error.message}. ${action}`;
    return new KafkaError('STORAGE_FAILED', text, { cause: error.cause, action });
  }
  if (isOutOfHandles(error)) {
    const action = 'Raise the limit of the process (ulimit -n).';
    const text = `The process may open no more files, which it needs for ${path}: ${error.message}. ${action}`;
    return new KafkaError('STORAGE_FAILED', text, { cause: error.cause, action });
  }
  return given;
}

function systemCode(error: unknown): string | undefined {
  const cause = error instanceof KafkaError ? error.cause : undefined;
  if (!Error.isError(cause) || cause instanceof KafkaError) return undefined;
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
}
