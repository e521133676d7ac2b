/** What is damaged on the disk is an answer to readers, never data, and costs its own offsets alone. */
import { describe, expect, test } from '@jest/globals';
import { seededRandom } from '#core';
import {
  changeFile,
  closedLog,
  logPath,
  openLog,
  positionsIn,
  RECORDS,
  readEach,
  readOnwards,
  SMALL,
  timeOf,
} from './damage-scene.ts';
import { fileBytes } from './golden-folder.ts';
import { START_MS } from './scene.ts';

const CORRUPT = 'CORRUPT_MESSAGE';

/** `values` with the offsets from `start` on and below `end` refused. */
function without(values: readonly string[], start: number, end: number): string[] {
  return values.map((value, offset) => (offset >= start && offset < end ? CORRUPT : value));
}

describe('a batch in a closed segment', () => {
  test('with any bit flipped is refused, and every other offset is served', async () => {
    const { disk, values, bases } = await closedLog();
    const path = logPath(bases[1]);
    const content = await fileBytes(disk, path);
    const places = positionsIn(content);
    for (const offset of [bases[1], bases[1] + 2, bases[2] - 1]) {
      const { position, sizeInBytes } = places.get(offset)!;
      for (let bit = 0; bit < sizeInBytes * 8; bit++) {
        const at = position + (bit >> 3);
        // The leader epoch is outside the checksum.
        const isEpoch = at - position >= 12 && at - position < 16;
        const damaged = disk.kill();
        await changeFile(damaged, path, (bytes) => {
          bytes[at] ^= 1 << (bit & 7);
          return bytes;
        });
        const { log, warnings } = await openLog(damaged);
        const expected = isEpoch ? values : without(values, offset, offset + 1);
        expect([bit, await readEach(log)]).toEqual([bit, expected]);
        expect([bit, await readOnwards(log)]).toEqual([bit, expected.filter((value) => value !== CORRUPT)]);
        expect(warnings.filter((text) => text.includes('is damaged'))).toHaveLength(isEpoch ? 0 : 1);
      }
    }
  });

  test('whose length leads exactly to the next but one is refused alone', async () => {
    const { disk, values, bases } = await closedLog();
    const path = logPath(bases[0]);
    const places = positionsIn(await fileBytes(disk, path));
    const [first, second] = [places.get(1)!, places.get(2)!];
    await changeFile(disk, path, (bytes) => {
      bytes.writeInt32BE(first.sizeInBytes + second.sizeInBytes - 12, first.position + 8);
      return bytes;
    });
    const { log } = await openLog(disk);
    expect(await readEach(log)).toEqual(without(values, 1, 2));
    expect(await readOnwards(log)).toEqual(values.filter((_, offset) => offset !== 1));
  });

  test('that is overwritten with anything costs what was overwritten', async () => {
    const { disk, values, bases } = await closedLog();
    const path = logPath(bases[1]);
    const places = positionsIn(await fileBytes(disk, path));
    const random = seededRandom(5);
    for (let round = 0; round < 200; round++) {
      const first = bases[1] + Math.floor(random.float() * (bases[2] - bases[1]));
      const count = 1 + Math.floor(random.float() * (bases[2] - first));
      const [from, last] = [places.get(first)!.position, places.get(first + count - 1)!];
      const damaged = disk.kill();
      await changeFile(damaged, path, (bytes) => {
        const part = bytes.subarray(from, last.position + last.sizeInBytes);
        if (round % 3 === 0) part.fill(0);
        else if (round % 3 === 1) part.fill(2);
        else random.bytes(part.length).copy(part);
        return bytes;
      });
      const { log } = await openLog(damaged);
      expect(await readOnwards(log)).toEqual(
        without(values, first, first + count).filter((value) => value !== CORRUPT),
      );
      expect(await readEach(log)).toEqual(without(values, first, first + count));
    }
  });
});

describe('a closed segment', () => {
  test.each([
    ['is emptied', () => 0],
    ['ends behind a batch', (sizes: number[]) => sizes[0] + sizes[1]],
    ['ends in the middle of a batch', (sizes: number[]) => sizes[0] + sizes[1] + 30],
  ])('that %s refuses what is missing, and what comes after is served', async (_, lengthOf) => {
    const { disk, values, bases } = await closedLog();
    const path = logPath(bases[1]);
    const sizes = [...positionsIn(await fileBytes(disk, path)).values()].map(({ sizeInBytes }) => sizeInBytes);
    const length = lengthOf(sizes);
    await changeFile(disk, path, (bytes) => bytes.subarray(0, length));
    const { log, warnings } = await openLog(disk);
    const expected = without(values, bases[1] + (length === 0 ? 0 : 2), bases[2]);
    expect(await readEach(log)).toEqual(expected);
    expect(await readOnwards(log)).toEqual(expected.filter((value) => value !== CORRUPT));
    expect(warnings.filter((text) => text.includes('is damaged'))).toHaveLength(1);
  });

  test('that is gone is refused', async () => {
    const { disk, values, bases } = await closedLog();
    await disk.remove(logPath(bases[1]));
    const { log } = await openLog(disk);
    expect(await readEach(log)).toEqual(without(values, bases[1], bases[2]));
  });

  test('whose damage was told is not searched again by who asks again', async () => {
    const { disk, bases } = await closedLog();
    await changeFile(disk, logPath(bases[1]), (bytes) => bytes.fill(0));
    const { log, warnings } = await openLog(disk);
    await readEach(log);
    const told = warnings.length;
    for (let round = 0; round < 3; round++) await readEach(log);
    expect(warnings).toHaveLength(told);
    // The file could even be gone: nobody looks.
    await disk.remove(logPath(bases[1]));
    expect((await readEach(log))[bases[1]]).toBe(CORRUPT);
  });
});

describe('an index', () => {
  test.each([
    ['.index', 0],
    ['.timeindex', 0],
    ['.index', -1],
    ['.timeindex', -1],
  ])('%s of segment %i with any bit flipped misleads nobody, by offset or by time', async (suffix, segment) => {
    const { disk, values, bases } = await closedLog();
    const path = logPath(bases.at(segment) as number, suffix);
    const { length } = await fileBytes(disk, path);
    expect(length).toBeGreaterThanOrEqual(16);
    for (let bit = 0; bit < length * 8; bit++) {
      const damaged = disk.kill();
      await changeFile(damaged, path, (bytes) => {
        bytes[bit >> 3] ^= 1 << (bit & 7);
        return bytes;
      });
      const { log } = await openLog(damaged);
      expect([bit, await readEach(log)]).toEqual([bit, values]);
      for (let offset = 0; offset < RECORDS; offset++)
        expect([bit, (await log.offsetForTimestamp(timeOf(offset) - 5))?.offset]).toEqual([bit, offset]);
      expect((await log.maxTimestampOffset())?.offset).toBe(RECORDS - 1);
    }
  });

  test('of times that come twice and out of order misleads nobody with any bit flipped', async () => {
    const time = (offset: number): number => START_MS + 20 * Math.floor(offset / 3) + 50 * (offset % 4 === 1 ? 1 : 0);
    const { disk, bases } = await closedLog(SMALL, time);
    const first = (timestamp: number): number | undefined => {
      const offset = Array.from({ length: RECORDS }, (_, at) => time(at)).findIndex((each) => each >= timestamp);
      return offset < 0 ? undefined : offset;
    };
    for (const base of bases) {
      const path = logPath(base, '.timeindex');
      const { length } = await fileBytes(disk, path);
      for (let bit = 0; bit < length * 8; bit++) {
        const damaged = disk.kill();
        await changeFile(damaged, path, (bytes) => {
          bytes[bit >> 3] ^= 1 << (bit & 7);
          return bytes;
        });
        const { log } = await openLog(damaged);
        for (let timestamp = START_MS; timestamp < START_MS + 300; timestamp += 10)
          expect([bit, (await log.offsetForTimestamp(timestamp))?.offset]).toEqual([bit, first(timestamp)]);
      }
    }
  });

  test('of random bytes, of zeros, cut off or swapped misleads nobody', async () => {
    const { disk, values, bases } = await closedLog();
    const random = seededRandom(9);
    const draw = (count: number): number => Math.floor(random.float() * count);
    for (let round = 0; round < 300; round++) {
      const damaged = disk.kill();
      const path = logPath(bases[draw(bases.length)], draw(2) === 0 ? '.index' : '.timeindex');
      const other = await fileBytes(disk, logPath(bases[draw(bases.length)], path.slice(path.lastIndexOf('.'))));
      await changeFile(damaged, path, (bytes) => {
        const way = draw(5);
        if (way === 0) return random.bytes(draw(100));
        if (way === 1) return bytes.fill(0, draw(bytes.length));
        if (way === 2) return bytes.subarray(0, draw(bytes.length));
        if (way === 3) return other;
        random.bytes(4).copy(bytes, draw(Math.max(1, bytes.length - 4)));
        return bytes;
      });
      const { log } = await openLog(damaged);
      expect([round, await readEach(log)]).toEqual([round, values]);
      for (let offset = 0; offset < RECORDS; offset++)
        expect([round, (await log.offsetForTimestamp(timeOf(offset)))?.offset]).toEqual([round, offset]);
    }
  });

  test('that leads astray is built anew, once', async () => {
    const { disk, values, bases } = await closedLog();
    const path = logPath(bases[0], '.index');
    const whole = await fileBytes(disk, path);
    await changeFile(disk, path, (bytes) => {
      // The first entry keeps its order and names no batch.
      bytes.writeInt32BE(bytes.readInt32BE(4) - 1, 4);
      return bytes;
    });
    const { log, warnings, clock } = await openLog(disk);
    for (let round = 0; round < 2; round++) expect(await readEach(log)).toEqual(values);
    expect(warnings.filter((text) => text.includes('built anew'))).toHaveLength(1);
    await clock.settle();
    expect((await fileBytes(disk, path)).equals(whole)).toBe(true);
  });
});

describe('a look-up by time', () => {
  test('passes damage whose neighbours are older, and stops at damage that may hold what is looked for', async () => {
    const { disk, bases } = await closedLog();
    const path = logPath(bases[1]);
    const place = positionsIn(await fileBytes(disk, path)).get(bases[1] + 2)!;
    await changeFile(disk, path, (bytes) => {
      bytes[place.position + place.sizeInBytes - 1] ^= 1;
      return bytes;
    });
    const { log } = await openLog(disk);
    for (let offset = 0; offset < RECORDS; offset++) {
      // Who looks for the time of the damaged record, or for the one right behind it, is led to the damage.
      const expected = offset === bases[1] + 3 ? bases[1] + 2 : offset;
      expect((await log.offsetForTimestamp(timeOf(offset)))?.offset).toBe(expected);
    }
    expect((await log.maxTimestampOffset())?.offset).toBe(RECORDS - 1);
  });
});

describe('a compacted log', () => {
  const COMPACTED = { ...SMALL, 'cleanup.policy': ['compact'] };

  test('has gaps, which are no damage, and a base offset that does not fit into one is', async () => {
    const { disk, values, bases } = await closedLog();
    const path = logPath(bases[1]);
    const content = await fileBytes(disk, path);
    const places = positionsIn(content);
    const kept = [...places].filter(([offset]) => offset % 3 !== 1);
    // As compaction leaves it: without its indexes, which are built anew.
    await changeFile(disk, path, (bytes) =>
      Buffer.concat(kept.map(([, { position, sizeInBytes }]) => bytes.subarray(position, position + sizeInBytes))),
    );
    await disk.remove(logPath(bases[1], '.index'));
    const keptOffsets = new Set(kept.map(([offset]) => offset));
    const isKept = (offset: number): boolean => offset < bases[1] || offset >= bases[2] || keptOffsets.has(offset);
    const expected = values.filter((_, offset) => isKept(offset));
    const { log, warnings } = await openLog(disk.kill(), COMPACTED as typeof SMALL);
    expect(await readOnwards(log)).toEqual(expected);
    expect(await readOnwards(log, 100)).toEqual(expected);
    const each = await readEach(log);
    expect(each).toEqual(values.map((_, offset) => values.find((__, at) => at >= offset && isKept(at))));
    expect(warnings.filter((text) => text.includes('is damaged'))).toEqual([]);
    // The third batch that is kept says that it begins where the fourth does.
    const [before, third, fourth] = kept.slice(1).map(([offset]) => offset);
    const sizes = kept.map(([, { sizeInBytes }]) => sizeInBytes);
    await changeFile(disk, path, (bytes) => {
      bytes.writeBigInt64BE(BigInt(fourth), sizes[0] + sizes[1]);
      return bytes;
    });
    const { log: damaged } = await openLog(disk, COMPACTED as typeof SMALL);
    expect(await readOnwards(damaged)).toEqual(expected.filter((text) => Number.parseInt(text, 10) !== third));
    expect((await readEach(damaged)).slice(before + 1, fourth)).toEqual(
      Array.from({ length: fourth - before - 1 }, () => CORRUPT),
    );
  });
});
