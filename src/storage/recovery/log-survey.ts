/**
 * Reads the end of a log, from its recovery point on, and tells where it ends and what of it is damaged. On the way the segments that
 * are read get their indexes and books. Nothing on the disk is changed.
 *
 *   damage at or above what is known to have been durable      what a crash left: the log may be cut there (`cut`)
 *   damage below that                                          a disk that lost what it had: nothing may be cut, and the log is read
 *                                                              on behind it, to its end (`damage`)
 */
import type { Logger } from '#core';
import type { TopicConfig } from '../config.ts';
import type { Disk } from '../disk/disk.ts';
import { isControlAt, lastOffsetAt, MAX_TIMESTAMP_POSITION, maxTimestampAt } from '../segment/batch-frame.ts';
import { type DamagedPlace, scanThrough } from '../segment/batch-scan.ts';
import { INDEX_SUFFIX, LOG_SUFFIX } from '../segment/file-names.ts';
import { adoptIndexesBelow, noteInto } from '../segment/index-files.ts';
import type { Segment } from '../segment/segment.ts';
import type { DamagedRange } from './damage-book.ts';

export interface SurveyOptions {
  readonly disk: Disk;
  readonly logger: Logger;
  readonly config: TopicConfig;
  /** All of the folder, oldest first, at least one; of each the size of its file is known. */
  readonly segments: readonly Segment[];
  /** After a clean stop indexes are complete. */
  readonly isClean: boolean;
  /** What lies below was right when it was stored. */
  readonly recoveryPoint: number;
  /** Everything below was durable once. */
  readonly durableOffset: number;
  /** Below this offset compaction may have taken records away. */
  readonly compactedTo: number;
  /** Below this offset nobody reads. */
  readonly logStartOffset: number;
}

/** The place where what comes after is to be cut off. */
export interface Cut {
  /** Index of the first segment that is touched. */
  readonly index: number;
  /** Of the first byte that goes; undefined: all of this segment goes, and the one before ends the log. */
  readonly position: number | undefined;
  /** What is wrong there. */
  readonly damage: string;
}

export interface Survey {
  /** Index of the first segment that was read. */
  readonly first: number;
  readonly logEndOffset: number;
  /** Undefined when there is nothing to be cut, or nothing may be. */
  readonly cut: Cut | undefined;
  readonly damage: readonly DamagedRange[];
  /** Index of the last segment that has a part in the log. */
  readonly last: number;
  /** Segments that hold markers of transactions. */
  readonly withMarkers: ReadonlySet<Segment>;
  /** The last segment had no index that could be used. */
  readonly isIndexLost: boolean;
}

export async function surveyLog(options: SurveyOptions): Promise<Survey> {
  const survey = new LogSurvey(options);
  await survey.run();
  return survey;
}

class LogSurvey implements Survey {
  readonly first: number;
  readonly damage: DamagedRange[] = [];
  readonly withMarkers = new Set<Segment>();
  logEndOffset: number;
  cut: Cut | undefined;
  last: number;
  isIndexLost = false;
  readonly #options: SurveyOptions;

  constructor(options: SurveyOptions) {
    this.#options = options;
    const { segments, recoveryPoint } = options;
    this.first = Math.max(
      0,
      segments.findLastIndex(({ baseOffset }) => baseOffset <= recoveryPoint),
    );
    this.last = this.first;
    this.logEndOffset = segments[this.first].baseOffset;
  }

  async run(): Promise<void> {
    const { segments, durableOffset } = this.#options;
    for (let index = this.first; index < segments.length; index++) {
      if (index > this.first && this.#endsBefore(index)) return;
      this.last = index;
      if (await this.#read(index)) return;
    }
    if (this.logEndOffset >= durableOffset) return;
    const position = segments[this.last].writtenBytes;
    const damage = `the log ends here, and everything below offset ${durableOffset} was on the disk once`;
    this.#note(this.last, {
      position,
      endPosition: position,
      startOffset: this.logEndOffset,
      endOffset: durableOffset,
      damage,
    });
    this.logEndOffset = durableOffset;
  }

  /** Whether the log ends before the segment at `index`, because what comes between is missing. */
  #endsBefore(index: number): boolean {
    const { segments, compactedTo } = this.#options;
    const { baseOffset } = segments[index];
    if (baseOffset === this.logEndOffset || baseOffset <= compactedTo) return false;
    const position = segments[index - 1].writtenBytes;
    const damage = `it ends at offset ${this.logEndOffset}, and the next segment begins at ${baseOffset}`;
    const place = { position, endPosition: position, startOffset: this.logEndOffset, endOffset: baseOffset, damage };
    if (!this.#mayGo(place)) {
      this.#note(index - 1, place);
      return false;
    }
    if (this.damage.length === 0) this.cut = { index, position: undefined, damage };
    return true;
  }

  /** Whether the log ends in the segment at `index`, because what comes behind is damaged. */
  async #read(index: number): Promise<boolean> {
    const { segments, config, compactedTo } = this.#options;
    const segment = segments[index];
    const endPosition = segment.writtenBytes;
    const endOffset = segments.at(index + 1)?.baseOffset;
    const start = await this.#start(index);
    const note = noteInto(segment, config);
    let isEnd = false;
    this.logEndOffset = start.nextOffset;
    const range = { ...start, endPosition, endOffset, denseFrom: compactedTo };
    await scanThrough(
      segment.file(),
      range,
      (buffer, at, sizeInBytes, position) => {
        this.logEndOffset = lastOffsetAt(buffer, at) + 1;
        if (isControlAt(buffer, at)) this.withMarkers.add(segment);
        return note(buffer, at, sizeInBytes, position);
      },
      (place) => {
        isEnd = this.#mayGo(place);
        if (isEnd && this.damage.length === 0) this.cut = { index, position: place.position, damage: place.damage };
        if (isEnd) return true;
        segment.skip(place.endPosition - place.position);
        this.logEndOffset = Number.isFinite(place.endOffset) ? place.endOffset : this.#options.durableOffset;
        this.#note(index, { ...place, endOffset: this.logEndOffset });
        return false;
      },
    );
    return isEnd;
  }

  /** Where reading begins in the segment at `index`; what its index files tell of what lies before is taken over. */
  async #start(index: number): Promise<{ position: number; nextOffset: number }> {
    const { segments, disk, logger, config, recoveryPoint, isClean } = this.#options;
    const segment = segments[index];
    const hasEntries = index === this.first && segment.writtenBytes > 0;
    const adopted = hasEntries ? await adoptIndexesBelow(disk, segment, recoveryPoint, config, isClean) : undefined;
    if (adopted === 'lost') {
      const file = segment.path(INDEX_SUFFIX);
      if (isClean) logger.warn({ file }, 'The index of the last segment is missing or wrong and is built anew');
      this.isIndexLost = true;
    } else if (adopted !== undefined) {
      segment.firstTimestamp = await firstTimestampOf(segment);
      return adopted;
    }
    segment.startIndexes(config['segment.index.bytes']);
    return { position: 0, nextOffset: segment.baseOffset };
  }

  #mayGo({ startOffset }: DamagedPlace): boolean {
    return startOffset >= this.#options.durableOffset;
  }

  #note(index: number, place: DamagedPlace): void {
    if (place.endOffset <= this.#options.logStartOffset) return;
    this.damage.push({ ...place, file: this.#options.segments[index].path(LOG_SUFFIX) });
  }
}

async function firstTimestampOf(segment: Segment): Promise<number> {
  const head = Buffer.alloc(MAX_TIMESTAMP_POSITION + 8);
  await segment.file().read(head, 0);
  return maxTimestampAt(head, 0);
}
