/** Memory that is used again: only when nobody holds it, and never when somebody forgot to release it. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { AssertionError, hold, poisonReleased, release, takeBuffer } from '#core';

const BYTES = 100_000;

afterEach(() => poisonReleased(undefined));

describe('lent memory', () => {
  it('has the length asked for, and is taken again after its last release', () => {
    const first = takeBuffer(BYTES);
    expect(first).toHaveLength(BYTES);
    const slice = hold(first.subarray(10, 20));
    release(first);
    const second = takeBuffer(BYTES);
    expect(second.buffer).not.toBe(first.buffer);
    release(slice);
    expect(takeBuffer(BYTES + 1).buffer).toBe(first.buffer);
  });

  it('may not be held or released by who has no hold', () => {
    const buffer = takeBuffer(BYTES);
    release(buffer);
    expect(() => hold(buffer)).toThrow(AssertionError);
    expect(() => release(buffer)).toThrow(AssertionError);
  });

  it('of small, huge and foreign buffers is left to the garbage collector', () => {
    for (const buffer of [takeBuffer(100), takeBuffer(2 ** 21), Buffer.alloc(BYTES)]) {
      poisonReleased(0xdb);
      buffer.fill(1);
      expect(hold(buffer)).toBe(buffer);
      for (let time = 0; time < 3; time++) release(buffer);
      expect(buffer.every((byte) => byte === 1)).toBe(true);
    }
  });

  it('waits for its next use up to 16 MiB', () => {
    const many = Array.from({ length: 40 }, () => takeBuffer(2 ** 20));
    const memories = new Set(many.map(({ buffer }) => buffer));
    expect(memories.size).toBe(40);
    for (const buffer of many) release(buffer);
    const again = Array.from({ length: 40 }, () => takeBuffer(2 ** 20));
    expect(again.filter(({ buffer }) => memories.has(buffer)).length).toBeLessThanOrEqual(16);
    for (const buffer of again) release(buffer);
  });

  it('of a size that nobody wants any longer makes room for one that is wanted', () => {
    // What other tests left waiting is taken for good.
    for (let count = 0; count < 16; count++) takeBuffer(2 ** 20);
    const unwanted = Array.from({ length: 400 }, () => takeBuffer(2 ** 16));
    for (const buffer of unwanted) release(buffer);
    const wanted = Array.from({ length: 10 }, () => takeBuffer(2 ** 20));
    const memories = new Set(wanted.map(({ buffer }) => buffer));
    for (const buffer of wanted) release(buffer);
    const again = Array.from({ length: 10 }, () => takeBuffer(2 ** 20));
    expect(again.filter(({ buffer }) => memories.has(buffer))).toHaveLength(10);
    for (const buffer of again) release(buffer);
  });
});
