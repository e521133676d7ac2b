/** Brings a folder of `test/storage/golden` onto a memory disk. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Disk, type MemoryDisk, memoryDisk } from '#storage';

const GOLDEN = fileURLToPath(new URL('./golden/', import.meta.url));

export type GoldenName = 'clean' | 'running' | 'transacted' | 'whole/folder' | 'whole';

export function goldenDisk(name: GoldenName, path = '/data'): MemoryDisk {
  const disk = memoryDisk();
  disk.makeDirectorySync(path);
  for (const entry of readdirSync(GOLDEN + name, { recursive: true, withFileTypes: true })) {
    const folder = path + entry.parentPath.slice((GOLDEN + name).length);
    if (entry.isDirectory()) disk.makeDirectorySync(`${folder}/${entry.name}`);
    else putFile(disk, `${folder}/${entry.name}`, readFileSync(`${entry.parentPath}/${entry.name}`));
  }
  return disk;
}

export function goldenFile(name: GoldenName, file: string): Buffer {
  return readFileSync(`${GOLDEN}${name}/${file}`);
}

export function putFile(disk: Disk, path: string, content: Buffer): void {
  disk.makeDirectorySync(path.slice(0, path.lastIndexOf('/')));
  const file = disk.openSync(path, { create: true });
  file.truncateSync(0);
  file.writeSync([content], 0);
  file.close();
}

/** The bytes of a file that must be there. */
export async function fileBytes(
  disk: { readFile(path: string): Promise<Buffer | undefined> },
  path: string,
): Promise<Buffer> {
  const bytes = await disk.readFile(path);
  if (bytes === undefined) throw new Error(`${path} is not there`);
  return bytes;
}

export async function fileNames(
  disk: { list(path: string): Promise<{ name: string }[]> },
  path: string,
): Promise<string[]> {
  return (await disk.list(path)).map(({ name }) => name).sort();
}
