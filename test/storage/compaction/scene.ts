/** Scenery of the compaction tests: a log directory with a cleaner, logs of small segments, and what can be read from them. */
import { buildBatch, type ProducerState, readRecords } from '#protocol';
import { type CleanerConfig, type PartitionLog, simulatedDisk, type TopicConfig } from '#storage';
import { createLog, openScene, type Scene, type SceneOptions, START_MS } from '../scene.ts';

export const BACKOFF_MS = 15_000;

export const CLEANER: CleanerConfig = {
  backoffMs: BACKOFF_MS,
  dedupeBufferBytes: 1024 * 1024,
  dedupeLoadFactor: 0.9,
  ioBufferBytes: 4096,
  ioBytesPerSecondMax: Number.POSITIVE_INFINITY,
};

export interface CompactedSceneOptions extends Omit<SceneOptions, 'cleaner'> {
  readonly cleaner?: Partial<CleanerConfig>;
}

/** The memory tail keeps nothing: what is read comes from the files. */
export async function openCompacted({ cleaner, ...options }: CompactedSceneOptions = {}): Promise<Scene> {
  const disk = options.disk ?? simulatedDisk();
  return openScene({ tailBytesPerLogMax: 0, ...options, disk, cleaner: { ...CLEANER, ...cleaner } });
}

export function compactedLog(scene: Scene, overrides: Partial<TopicConfig> = {}, topic = 'orders'): PartitionLog {
  return createLog(
    scene,
    {
      'cleanup.policy': ['compact'],
      'segment.bytes': 400,
      'index.interval.bytes': 100,
      'min.cleanable.dirty.ratio': 0,
      ...overrides,
    },
    topic,
  );
}

export interface KeyedRecord {
  readonly key: string | null;
  /** Null is a tombstone. */
  readonly value: string | null;
  readonly timestamp?: number;
}

export function keyedBatch(
  records: readonly KeyedRecord[],
  options: ProducerState & { compression?: 'none' | 'gzip' | 'zstd' | 'lz4' | 'snappy' } = {},
): Buffer {
  const drafts = records.map(({ key, value, timestamp = START_MS }) => ({
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    timestamp,
    headers: [{ key: 'h', value: Buffer.from('v') }],
  }));
  return buildBatch(drafts, options);
}

export function appendKeyed(
  log: PartitionLog,
  records: readonly KeyedRecord[],
  options: Parameters<typeof keyedBatch>[1] = {},
): number {
  // As a coordinator: clients may not send records without keys to a compacted topic.
  const result = log.append(keyedBatch(records, options), { leaderEpoch: 0, origin: 'coordinator' });
  if (result.error !== undefined) throw new Error(`append: ${result.error.name} ${result.errorMessage}`);
  return result.baseOffset;
}

export interface StoredRecord {
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: number;
}

export async function storedRecords(log: PartitionLog): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  for await (const chunk of log.readAll(log.logStartOffset, log.durableEndOffset, 700)) {
    for (let position = 0; position < chunk.length; ) {
      const cursor = readRecords(chunk, position, { decompressedBytesMax: 1_000_000 });
      for (let record = cursor.next(); record !== undefined; record = cursor.next()) {
        records.push({
          offset: record.offset,
          key: record.key?.toString() ?? null,
          value: record.value?.toString() ?? null,
          timestamp: record.timestamp,
        });
      }
      position += cursor.header.sizeInBytes;
    }
  }
  return records;
}

/** `offset key=value`, or `offset key` for a tombstone. */
export async function lines(log: PartitionLog): Promise<string[]> {
  return (await storedRecords(log)).map(
    ({ offset, key, value }) => `${offset} ${key}${value === null ? '' : `=${value}`}`,
  );
}

/** What a reader that applies the records one after the other ends up with. */
export function tableOf(records: readonly StoredRecord[]): Map<string, string> {
  const table = new Map<string, string>();
  for (const { key, value } of records) {
    if (key === null) continue;
    if (value === null) table.delete(key);
    else table.set(key, value);
  }
  return table;
}

/** One pause of the cleaner, and the work that follows. */
export async function clean(scene: Scene, ms = BACKOFF_MS): Promise<void> {
  await scene.clock.advance(ms);
  for (let i = 0; i < 10; i++) await scene.clock.settle();
}

export async function filesOf(scene: Pick<Scene, 'disk'>, folder = '/data/orders-0'): Promise<string[]> {
  return (await scene.disk.list(folder)).map(({ name }) => name).sort();
}
