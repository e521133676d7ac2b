/** Scenery of the storage tests: a log directory on a memory disk, and batches to append. */
import { type Logger, ManualClock, type Random, seededRandom, silentLogger } from '#core';
import { type BatchOptions, buildBatch, type ProducerState, readRecords } from '#protocol';
import {
  type Disk,
  type Durability,
  LogDirectory,
  type LogDirectoryOptions,
  memoryDisk,
  type PartitionLog,
  type TopicConfig,
  topicConfig,
} from '#storage';

export const TOPIC_ID = 'BFW8RU_yRPugVunx2YS_IA';
export const START_MS = Date.UTC(2026, 0, 1);

export interface Scene {
  readonly disk: Disk;
  readonly clock: ManualClock;
  readonly random: Random;
  readonly directory: LogDirectory;
  readonly warnings: string[];
}

export interface SceneOptions extends Partial<Omit<LogDirectoryOptions, 'disk' | 'clock'>> {
  readonly disk?: Disk;
  readonly clock?: ManualClock;
  readonly durability?: Durability;
}

export async function openScene(options: SceneOptions = {}): Promise<Scene> {
  const disk = options.disk ?? memoryDisk();
  const clock = options.clock ?? new ManualClock(START_MS);
  const random = options.random ?? seededRandom(1);
  const warnings: string[] = [];
  const directory = await LogDirectory.open({
    path: '/data',
    nodeId: 1,
    durability: 'os',
    ...options,
    logger: recordingLogger(warnings),
    disk,
    clock,
    random,
  });
  return { disk, clock, random, directory, warnings };
}

/** Collects what was said at warn and above. */
export function recordingLogger(warnings: string[]): Logger {
  const record = (fields: object | string, message?: string): void => {
    warnings.push(typeof fields === 'string' ? fields : (message ?? ''));
  };
  return { ...silentLogger, warn: record, error: record, fatal: record, child: () => recordingLogger(warnings) };
}

/** Topic configuration without the lower bounds that apply to users: segments as small as a test wants. */
export function smallConfig(overrides: Partial<TopicConfig> = {}): TopicConfig {
  return { ...topicConfig(), ...overrides };
}

export function createLog(scene: Scene, overrides: Partial<TopicConfig> = {}, topic = 'orders'): PartitionLog {
  return scene.directory.create(topic, 0, TOPIC_ID, smallConfig(overrides));
}

export interface BatchDraft extends ProducerState, Pick<BatchOptions, 'compression'> {
  readonly timestamp?: number;
  readonly timestamps?: readonly number[];
}

export function batchOf(values: readonly string[], draft: BatchDraft = {}): Buffer {
  const records = values.map((value, index) => ({
    key: Buffer.from(`k${index}`),
    value: Buffer.from(value),
    timestamp: draft.timestamps?.[index] ?? draft.timestamp ?? START_MS,
    headers: [],
  }));
  return buildBatch(records, draft);
}

export function appendValues(log: PartitionLog, values: readonly string[], draft: BatchDraft = {}): number {
  const result = log.append(batchOf(values, draft), { leaderEpoch: 0, origin: 'client' });
  if (result.error !== undefined) throw new Error(`append: ${result.error.name} ${result.errorMessage}`);
  return result.baseOffset;
}

/** `offset=value` of everything readable from `offset` on, in order. */
export async function readValues(
  log: PartitionLog,
  offset = log.logStartOffset,
  bytesMax = 1_000_000,
): Promise<string[]> {
  const values: string[] = [];
  const endOffset = log.durableEndOffset;
  for await (const chunk of log.readAll(offset, endOffset, bytesMax)) {
    for (const text of valuesIn(chunk)) {
      if (Number(text.slice(0, text.indexOf('='))) >= offset) values.push(text);
    }
  }
  return values;
}

export function valuesIn(chunk: Buffer): string[] {
  const values: string[] = [];
  for (let position = 0; position < chunk.length; ) {
    const cursor = readRecords(chunk, position, { decompressedBytesMax: 1_000_000 });
    for (let record = cursor.next(); record !== undefined; record = cursor.next()) {
      values.push(`${record.offset}=${record.value?.toString('utf8')}`);
    }
    position += cursor.header.sizeInBytes;
  }
  return values;
}
