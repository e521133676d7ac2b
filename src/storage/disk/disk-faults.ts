/**
 * What goes wrong on a simulated disk, by command or by chance: an error code at a step, a disk with so much room, a process with so
 * many handles, writes that take only a part, and the moment the power goes.
 */
import { KafkaError, type Random } from '#core';

export type DiskStep =
  | 'open'
  | 'read'
  | 'write'
  | 'truncate'
  | 'sync'
  | 'makeDirectory'
  | 'rename'
  | 'remove'
  | 'syncDirectory';

export interface FaultRule {
  readonly step: DiskStep;
  /** What the system calls it: EIO, ENOSPC, EMFILE … */
  readonly code: string;
  /** Only where the path matches. */
  readonly path?: RegExp;
  /** So many matching steps go well first. Default 0. */
  readonly skipCount?: number;
  /** So many fail, then the rule is used up. Default: all. */
  readonly failCount?: number;
  /** Share of the matching steps that fail. Default 1. */
  readonly chance?: number;
}

const TEXTS: Readonly<Record<string, string>> = {
  EIO: 'i/o error',
  ENOSPC: 'no space left on device',
  EMFILE: 'too many open files',
};

export class DiskFaults {
  /** All files together may hold so many bytes. Raise it and there is room again. */
  capacityBytes = Number.POSITIVE_INFINITY;
  /** So many files may be open. */
  openFilesMax = Number.POSITIVE_INFINITY;
  /** The share of writes that take only a part of what they are given. */
  shortWriteChance = 0;
  readonly #random: Random;
  #rules: { rule: FaultRule; seenCount: number; failedCount: number }[] = [];
  #stepsLeft = Number.POSITIVE_INFINITY;

  constructor(random: Random) {
    this.#random = random;
  }

  get isPowerOff(): boolean {
    return this.#stepsLeft < 0;
  }

  /** From now on steps that match fail. What is returned ends it. */
  inject(rule: FaultRule): () => void {
    const entry = { rule, seenCount: 0, failedCount: 0 };
    this.#rules.push(entry);
    return () => {
      this.#rules = this.#rules.filter((each) => each !== entry);
    };
  }

  /** After `stepCount` more steps every one fails, and changes nothing: what is there then is what `crash` starts from. */
  cutPowerAfter(stepCount: number): void {
    this.#stepsLeft = stepCount;
  }

  /** Throws when this step is to fail. */
  check(step: DiskStep, path: string): void {
    if (--this.#stepsLeft < 0) throw failure(step, path, 'EIO', 'the power is off');
    for (const entry of this.#rules) {
      const { rule } = entry;
      if (rule.step !== step || rule.path?.test(path) === false) continue;
      if (entry.seenCount++ < (rule.skipCount ?? 0)) continue;
      if (entry.failedCount >= (rule.failCount ?? Number.POSITIVE_INFINITY)) continue;
      if (rule.chance !== undefined && this.#random.float() >= rule.chance) continue;
      entry.failedCount++;
      throw failure(step, path, rule.code, TEXTS[rule.code] ?? 'it failed on purpose');
    }
  }

  /** How much of a write of `bytes` is taken, of which `newBytes` at its end need room. Throws when none is. */
  writableBytes(path: string, bytes: number, newBytes: number, usedBytes: number): number {
    const roomBytes = Math.max(0, this.capacityBytes - usedBytes);
    const fitting = Math.min(bytes, bytes - newBytes + roomBytes);
    if (fitting <= 0 && bytes > 0) throw failure('write', path, 'ENOSPC', TEXTS.ENOSPC);
    const isShort = fitting > 1 && this.shortWriteChance > 0 && this.#random.float() < this.shortWriteChance;
    return isShort ? 1 + Math.floor(this.#random.float() * (fitting - 1)) : fitting;
  }

  checkOpenFiles(path: string, openCount: number): void {
    if (openCount >= this.openFilesMax) throw failure('open', path, 'EMFILE', TEXTS.EMFILE);
  }
}

function failure(step: DiskStep, path: string, code: string, text: string): KafkaError {
  const cause = Object.assign(new Error(`${code}: ${text}, ${step} '${path}'`), { code });
  return new KafkaError('STORAGE_FAILED', `cannot ${step} ${path}: ${cause.message}`, { cause });
}
