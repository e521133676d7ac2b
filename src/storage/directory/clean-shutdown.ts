/** The file that a clean stop leaves in a log directory: all that a start would else find out by reading is in its files. */
import type { Disk } from '../disk/disk.ts';
import { AtomicFile } from './atomic-file.ts';
import { formatCleanShutdown } from './checkpoint-format.ts';

const CLEAN_SHUTDOWN_FILE = '.kafka_cleanshutdown';

/** Whether the last stop was clean. The file is gone for good then: the next stop may be another one. */
export async function takeCleanShutdown(disk: Disk, path: string): Promise<boolean> {
  const marker = await disk.readFile(`${path}/${CLEAN_SHUTDOWN_FILE}`);
  if (marker === undefined) return false;
  await disk.remove(`${path}/${CLEAN_SHUTDOWN_FILE}`);
  await disk.syncDirectory(path);
  return true;
}

export function leaveCleanShutdown(disk: Disk, path: string, brokerEpoch: number): Promise<void> {
  return new AtomicFile(disk, path, CLEAN_SHUTDOWN_FILE).write(formatCleanShutdown(brokerEpoch));
}
