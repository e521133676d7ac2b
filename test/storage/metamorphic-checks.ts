/** Whether a log reads as its story tells: everything, single offsets, offsets by time, epochs. */
import { readRecords } from '#protocol';
import type { PartitionLog } from '#storage';
import type { VariantConfig } from './metamorphic-config.ts';
import { recordText, type Story, type StoryRecord } from './metamorphic-story.ts';
import { readCommittedRecords } from './transaction-scene.ts';

/** What was noticed, in words. */
export class Noticed extends Error {}

export function expectSame(what: string, actual: unknown, expected: unknown): void {
  const [is, should] = [actual, expected].map((value) => JSON.stringify(value) ?? 'nothing');
  if (is !== should) throw new Noticed(`${what}: ${is}, not ${should}`);
}

/** Tells the first difference. */
function expectSameList(what: string, actual: readonly string[], expected: readonly string[]): void {
  const count = Math.max(actual.length, expected.length);
  for (let index = 0; index < count; index++) expectSame(`${what}, at ${index}`, actual[index], expected[index]);
}

export interface EpochStart {
  readonly epoch: number;
  readonly startOffset: number;
}

const LOOKUPS = 4;

export class LogCheck {
  readonly #story: Story;
  readonly #config: VariantConfig;
  readonly #log: PartitionLog;
  readonly #endOffset: number;

  /** @param endOffset records of the story so far */
  constructor(story: Story, config: VariantConfig, log: PartitionLog, endOffset: number) {
    this.#story = story;
    this.#config = config;
    this.#log = log;
    this.#endOffset = endOffset;
  }

  async run(epochs: readonly EpochStart[]): Promise<void> {
    const stored = await this.#readAll();
    this.#checkRecords(stored);
    await this.#checkReads(stored);
    await this.#checkTimes(stored);
    this.#checkEpochs(stored, epochs);
    if (!this.#isCleaned) await this.#checkCommitted();
  }

  /** All that was written from the start of the log on; behind a cleaner what it may not take. */
  #checkRecords(stored: readonly StoryRecord[]): void {
    const expected = this.#story.records.slice(this.#log.logStartOffset, this.#endOffset);
    if (!this.#isCleaned) expectSameList('the log', texts(stored), texts(expected));
    const { activeBaseOffset } = this.#log;
    const isActive = ({ offset }: StoryRecord): boolean => offset >= activeBaseOffset;
    expectSameList('the active segment', texts(stored.filter(isActive)), texts(expected.filter(isActive)));
    expectSameList('what the keys have', texts(tableOf(stored)), texts(tableOf(expected)));
  }

  async #readAll(): Promise<StoryRecord[]> {
    const stored: StoryRecord[] = [];
    for (let offset = this.#log.logStartOffset; offset < this.#endOffset; ) {
      const { records, next } = await this.#readAt(offset);
      stored.push(...records);
      if (next <= offset) throw new Noticed(`a read at ${offset} leads to ${next}`);
      offset = next;
    }
    return stored;
  }

  async #readAt(offset: number): Promise<{ records: StoryRecord[]; next: number; error: string | undefined }> {
    const request = { bytesMax: this.#config.readBytesMax, endOffsetMax: this.#endOffset, atLeastOneBatch: true };
    const read = await this.#log.read(offset, request);
    const records = this.#recordsIn(Buffer.concat(read.records)).filter((record) => record.offset >= offset);
    return { records, next: read.endOffset, error: read.error?.name };
  }

  /** A record that is not in the story is noticed by its text. */
  #recordsIn(chunk: Buffer): StoryRecord[] {
    const found: StoryRecord[] = [];
    for (let position = 0; position < chunk.length; ) {
      const cursor = readRecords(chunk, position, { decompressedBytesMax: 1_000_000 });
      for (let record = cursor.next(); record !== undefined; record = cursor.next()) {
        const text = recordText(record);
        const known = this.#story.records[record.offset];
        if (known?.text !== text) throw new Noticed(`read ${text}, written was ${known?.text}`);
        found.push(known);
      }
      position += cursor.header.sizeInBytes;
    }
    return found;
  }

  async #checkReads(stored: readonly StoryRecord[]): Promise<void> {
    const { logStartOffset } = this.#log;
    for (const offset of [logStartOffset - 1, this.#endOffset + 1]) {
      expectSame(`a read at ${offset}`, (await this.#readAt(offset)).error, 'OFFSET_OUT_OF_RANGE');
    }
    for (let i = 0; i < LOOKUPS; i++) {
      const offset = logStartOffset + this.#config.draw(this.#endOffset - logStartOffset + 1);
      const expected = stored.find((record) => record.offset >= offset);
      let { records, next } = await this.#readAt(offset);
      // Batches may be empty.
      while (records.length === 0 && next < this.#endOffset) ({ records, next } = await this.#readAt(next));
      expectSame(`a read at ${offset}`, records[0]?.text, expected?.text);
    }
  }

  async #checkTimes(stored: readonly StoryRecord[]): Promise<void> {
    const times = stored.map(({ timestamp }) => timestamp);
    const largest = times.reduce((max, timestamp) => Math.max(max, timestamp), -1);
    const asked = Array.from(
      { length: LOOKUPS },
      () => times[this.#config.draw(times.length)] + this.#config.draw(3) - 1,
    );
    for (const timestamp of stored.length === 0 ? [0] : [0, largest, largest + 1, ...asked]) {
      const expected = stored.find((record) => record.timestamp >= timestamp);
      const found = await this.#log.offsetForTimestamp(timestamp);
      expectSame(
        `time ${timestamp}`,
        found && foundText(found),
        expected && foundText({ ...expected, leaderEpoch: expected.epoch }),
      );
    }
    const newest = largest < 0 ? undefined : stored.find(({ timestamp }) => timestamp === largest);
    const found = await this.#log.maxTimestampOffset();
    expectSame(
      'the largest timestamp',
      found && foundText(found),
      newest && foundText({ ...newest, leaderEpoch: newest.epoch }),
    );
  }

  async #checkCommitted(): Promise<void> {
    const { logStartOffset, lastStableOffset } = this.#log;
    expectSame(
      'the last stable offset',
      lastStableOffset,
      Math.max(logStartOffset, this.#story.stableOffset(this.#endOffset)),
    );
    const { records } = await readCommittedRecords(this.#log, logStartOffset, this.#config.readBytesMax);
    const expected = this.#story.committed(logStartOffset, this.#endOffset).map(({ shortText }) => shortText);
    expectSameList(
      'what is committed',
      records.map(({ offset, value }) => `${offset}=${value}`),
      expected,
    );
  }

  #checkEpochs(stored: readonly StoryRecord[], epochs: readonly EpochStart[]): void {
    for (const { epoch, text, offset } of stored) expectSame(`the epoch of ${text}`, this.#log.epochAt(offset), epoch);
    // An epoch without records may be forgotten.
    const isKnown = ({ startOffset }: EpochStart): boolean =>
      startOffset > this.#log.logStartOffset && startOffset < this.#endOffset;
    for (const { epoch, startOffset } of epochs.filter(isKnown)) {
      const earlier = this.#log.endOffsetForEpoch(epoch - 1);
      expectSame(`where epochs before ${epoch} end`, earlier?.endOffset, startOffset);
    }
  }

  get #isCleaned(): boolean {
    return isCleaned(this.#story, this.#config);
  }
}

/** Records may be compacted away. */
export function isCleaned(story: Story, config: VariantConfig): boolean {
  return story.kind === 'keyed' && config.directory.cleaner !== undefined;
}

/** The last record of each key, but for keys that were deleted. */
function tableOf(records: readonly StoryRecord[]): StoryRecord[] {
  const latest = new Map(records.map((record) => [record.key, record]));
  return [...latest.values()].filter(({ isTombstone }) => !isTombstone).sort((a, b) => a.offset - b.offset);
}

function texts(records: readonly StoryRecord[]): string[] {
  return records.map(({ text }) => text);
}

function foundText({
  offset,
  timestamp,
  leaderEpoch,
}: {
  offset: number;
  timestamp: number;
  leaderEpoch: number;
}): string {
  return `${offset} @${timestamp} in epoch ${leaderEpoch}`;
}
