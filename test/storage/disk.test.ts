/** What every disk promises, on the real one and in memory. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, test } from '@jest/globals';
import { type Disk, memoryDisk, nodeDisk, simulatedDisk } from '#storage';

const folder = mkdtempSync(`${tmpdir()}/springtide-disk-`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const floors: [string, () => Disk, string][] = [
  ['node', () => nodeDisk(), folder],
  ['memory', () => memoryDisk(), '/m'],
  ['simulated', () => simulatedDisk(), '/s'],
];

describe.each(floors)('the %s disk', (_name, makeDisk, root) => {
  const disk = makeDisk();
  let fileCount = 0;
  const newPath = () => {
    disk.makeDirectorySync(root);
    return `${root}/file-${fileCount++}`;
  };

  test('writes at positions and reads back, short only at the end', async () => {
    const file = disk.openSync(newPath(), { create: true });
    file.writeSync([Buffer.from('hello '), Buffer.from('world')], 0);
    file.writeSync([Buffer.from('W')], 6);
    expect(file.sizeSync()).toBe(11);
    const into = Buffer.alloc(8);
    expect(await file.read(into, 6)).toBe(5);
    expect(into.subarray(0, 5).toString()).toBe('World');
    expect(file.readSync(into, 0)).toBe(8);
    expect(into.toString()).toBe('hello Wo');
    expect(await file.read(into, 100)).toBe(0);
    await file.sync();
    file.close();
    file.close();
  });

  test('writes any number of chunks in one call, empty ones too', () => {
    const file = disk.openSync(newPath(), { create: true });
    const chunks = Array.from({ length: 5000 }, (_, index) => Buffer.from(index % 7 === 0 ? '' : `${index},`));
    file.writeSync(chunks, 0);
    const whole = Buffer.concat(chunks);
    const into = Buffer.alloc(whole.length + 1);
    expect(file.readSync(into, 0)).toBe(whole.length);
    expect(into.subarray(0, whole.length).equals(whole)).toBe(true);
    file.close();
  });

  test('truncates to shorter and to longer, with zeros', async () => {
    const path = newPath();
    const file = disk.openSync(path, { create: true });
    file.writeSync([Buffer.from('abcdef')], 0);
    file.truncateSync(3);
    file.truncateSync(5);
    file.close();
    expect(await disk.readFile(path)).toEqual(Buffer.from('abc\0\0'));
  });

  test('opening without create does not make a file, and opening again does not empty it', async () => {
    const path = newPath();
    expect(() => disk.openSync(path, { create: false })).toThrow(path);
    const file = disk.openSync(path, { create: true });
    file.writeSync([Buffer.from('kept')], 0);
    file.close();
    disk.openSync(path, { create: true }).close();
    expect((await disk.readFile(path))?.toString()).toBe('kept');
    expect(await disk.readFile(`${path}-absent`)).toBeUndefined();
  });

  test('renames over an existing file and removes directories with all they hold', async () => {
    const path = `${root}/dir-${fileCount++}`;
    expect(disk.makeDirectorySync(`${path}/a/b`)).toBeGreaterThanOrEqual(3);
    expect(disk.makeDirectorySync(`${path}/a/b`)).toBe(0);
    for (const name of ['one', 'two']) {
      const file = disk.openSync(`${path}/${name}`, { create: true });
      file.writeSync([Buffer.from(name)], 0);
      file.close();
    }
    await disk.rename(`${path}/one`, `${path}/two`);
    await disk.rename(`${path}/a`, `${path}/c`);
    await disk.syncDirectory(path);
    const names = (await disk.list(path)).map(({ name, kind }) => `${name} ${kind}`).sort();
    expect(names).toEqual(['c directory', 'two file']);
    expect((await disk.readFile(`${path}/two`))?.toString()).toBe('one');
    await disk.remove(path);
    await disk.remove(path);
    expect(await disk.list(path)).toEqual([]);
  });

  test('a file that is read while it is closed and renamed is read to the end', async () => {
    const path = newPath();
    const file = disk.openSync(path, { create: true });
    file.writeSync([Buffer.alloc(100_000, 'x')], 0);
    const into = Buffer.alloc(100_000);
    const reading = file.read(into, 0);
    file.close();
    await disk.rename(path, `${path}-moved`);
    expect(await reading).toBe(100_000);
    expect(into.every((byte) => byte === 0x78)).toBe(true);
    await expect(file.sync()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  });

  test('a lock is held once, and free again after its release', async () => {
    const path = newPath();
    const lock = await disk.lock(path, () => {});
    await expect(disk.lock(path, () => {})).rejects.toMatchObject({ code: 'LOCKED' });
    await lock.release();
    await lock.release();
    await (await disk.lock(path, () => {})).release();
  });
});
