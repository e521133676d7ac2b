/**
 * The small text files of a log directory, byte for byte as Apache Kafka writes them. ◇
 *
 *   recovery-point-offset-checkpoint, log-start-offset-checkpoint, replication-offset-checkpoint:
 *       0 \n  count \n  topic partition offset \n …
 *   leader-epoch-checkpoint:      0 \n  count \n  epoch startOffset \n …
 *   partition.metadata:           version: 0 \n topic_id: <uuid>            (no newline at the end)
 *   .kafka_cleanshutdown:         {"version":0,"brokerEpoch":13}            (no newline at the end)
 *
 * A file of length zero reads as no entries, as in Kafka. Anything else that does not parse is a `CorruptError`: the caller
 * decides, and for everything that can be derived from the log it rebuilds.
 */
import { CorruptError, isUuid, type Uuid } from '#core';

export interface OffsetCheckpoint {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface EpochEntry {
  readonly epoch: number;
  /** Offset of the first record written in `epoch`. */
  readonly startOffset: number;
}

export function formatOffsetCheckpoint({ topic, partition, offset }: OffsetCheckpoint): string {
  return `${topic} ${partition} ${offset}`;
}

/** The offset in a line as `formatOffsetCheckpoint` makes it. */
export function offsetOfCheckpoint(line: string): number {
  return Number(line.slice(line.lastIndexOf(' ') + 1));
}

export function parseOffsetCheckpoints(text: string, file: string): OffsetCheckpoint[] {
  return parseLines(text, file).map((line) => {
    const match = /^(\S+) (\d{1,10}) (\d{1,16})$/.exec(line);
    if (match === null)
      throw new CorruptError(`${file}: "${line.slice(0, 80)}" is not "topic partition offset"`, { file });
    return { topic: match[1], partition: Number(match[2]), offset: Number(match[3]) };
  });
}

export function formatEpochs(entries: readonly EpochEntry[]): string {
  return formatLines(entries.map(({ epoch, startOffset }) => `${epoch} ${startOffset}`));
}

export function parseEpochs(text: string, file: string): EpochEntry[] {
  return parseLines(text, file).map((line) => {
    const match = /^(\d{1,10}) (\d{1,16})$/.exec(line);
    if (match === null) throw new CorruptError(`${file}: "${line.slice(0, 80)}" is not "epoch offset"`, { file });
    return { epoch: Number(match[1]), startOffset: Number(match[2]) };
  });
}

export function formatPartitionMetadata(topicId: Uuid): string {
  return `version: 0\ntopic_id: ${topicId}`;
}

export function parsePartitionMetadata(text: string, file: string): Uuid {
  const match = /^version: 0\r?\ntopic_id: (\S+)\s*$/.exec(text);
  if (match === null || !isUuid(match[1])) throw new CorruptError(`${file} does not name a topic id`, { file });
  return match[1];
}

export function formatCleanShutdown(brokerEpoch: number): string {
  return `{"version":0,"brokerEpoch":${brokerEpoch}}`;
}

/** A whole file. */
export function formatLines(lines: readonly string[]): string {
  return `0\n${lines.length}\n${lines.map((line) => `${line}\n`).join('')}`;
}

function parseLines(text: string, file: string): string[] {
  if (text === '') return [];
  const lines = text.split('\n');
  if (lines.pop() !== '') throw new CorruptError(`${file} ends in the middle of a line`, { file });
  const [version, count, ...entries] = lines;
  if (version !== '0') throw new CorruptError(`${file} has version "${String(version).slice(0, 20)}", not 0`, { file });
  if (!/^\d+$/.test(count ?? '') || Number(count) !== entries.length) {
    throw new CorruptError(`${file} announces ${String(count).slice(0, 20)} entries and holds ${entries.length}`, {
      file,
    });
  }
  return entries;
}
