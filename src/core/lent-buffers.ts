/**
 * Large buffers that are used again instead of being left to the garbage collector. Memory outside of its heap is what it knows least about:
 * measured on a broker, it went over all of its heap for every 15 to 40 MB that were received or read, which took a third to a half of the
 * CPU time.
 *
 * Who keeps a slice holds it. `takeBuffer` gives the first hold, `hold` one more, `release` gives one back; after the last one the memory is
 * somebody else's. So nothing may be touched after its release, and each hold is given back at most once. Never to release is always
 * right: such memory goes the usual way. Slices of other memory may be held and released as well; nothing happens then. ◇
 */
import { assert } from './assert.ts';

/** Below, a buffer of its own is cheaper. */
const BYTES_MIN = 16 * 1024;
/** Above, they are rare. */
const BYTES_MAX = 1024 * 1024;
/** So much waits for its next use; of what is more, the size that was wanted longest ago goes. */
const FREE_BYTES_MAX = 16 * 1024 * 1024;
/** In the place of a count: waits for its next use. */
const FREE = -1;

interface Lent {
  readonly buffer: Buffer;
  holdCount: number;
}

/** What waits for its next use, of one size. */
interface SizeClass {
  readonly free: Lent[];
  /** Counts on with each buffer that is wanted. */
  wantedLast: number;
}

const lent = new WeakMap<ArrayBufferLike, Lent>();
/** By the binary logarithm of their size. */
const sizeClasses: SizeClass[] = Array.from({ length: Math.log2(BYTES_MAX) + 1 }, () => ({ free: [], wantedLast: 0 }));
let freeBytes = 0;
let wantedCount = 0;
let poison: number | undefined;

/** `bytes` bytes of any content, held once. Memory of the next power of two is behind them. */
export function takeBuffer(bytes: number): Buffer {
  if (bytes < BYTES_MIN || bytes > BYTES_MAX) return Buffer.allocUnsafeSlow(bytes);
  const logarithm = 32 - Math.clz32(bytes - 1);
  const sizeClass = sizeClasses[logarithm];
  sizeClass.wantedLast = ++wantedCount;
  const taken = sizeClass.free.pop() ?? made(2 ** logarithm);
  if (taken.holdCount < 0) freeBytes -= taken.buffer.length;
  taken.holdCount = 1;
  return taken.buffer.subarray(0, bytes);
}

/** Holds the memory that `slice` lies in once more. @returns `slice` */
export function hold(slice: Buffer): Buffer {
  const memory = lent.get(slice.buffer);
  if (memory !== undefined) {
    assert(memory.holdCount > 0, 'memory was held that nobody has');
    memory.holdCount++;
  }
  return slice;
}

/** Gives back one hold of the memory that `slice` lies in. */
export function release(slice: Buffer): void {
  const memory = lent.get(slice.buffer);
  if (memory === undefined) return;
  assert(memory.holdCount > 0, 'memory was released more often than it was held');
  memory.holdCount--;
  if (memory.holdCount === 0) keep(memory);
}

/** For tests: memory that is given back is filled with this byte, so that whoever still reads it finds out. Undefined: no longer. */
export function poisonReleased(byte: number | undefined): void {
  poison = byte;
}

function made(bytes: number): Lent {
  const buffer = Buffer.allocUnsafeSlow(bytes);
  const memory = { buffer, holdCount: 0 };
  lent.set(buffer.buffer, memory);
  return memory;
}

function keep(memory: Lent): void {
  const { buffer } = memory;
  if (poison !== undefined) buffer.fill(poison);
  memory.holdCount = FREE;
  freeBytes += buffer.length;
  sizeClasses[31 - Math.clz32(buffer.length)].free.push(memory);
  while (freeBytes > FREE_BYTES_MAX) leaveToCollector();
}

/** One of the size that was wanted longest ago. */
function leaveToCollector(): void {
  const { free } = sizeClasses
    .filter((sizeClass) => sizeClass.free.length > 0)
    .reduce((oldest, other) => (other.wantedLast < oldest.wantedLast ? other : oldest));
  freeBytes -= (free.pop() as Lent).buffer.length;
}
