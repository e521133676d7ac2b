/** Kafka's dump-log on the segments and indexes that our cleaner has written. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ManualClock, seededRandom, silentLogger } from '#core';
import { buildBatch } from '#protocol';
import { LogDirectory, nodeDisk, type PartitionLog, topicConfig } from '#storage';
import { kafkaTool } from './kafka/apache-kafka.ts';

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const KEY_COUNT = 97;
const BACKOFF_MS = 1000;
const START_MS = Date.UTC(2026, 0, 1);

/** Batches of five records in all codecs, some tombstones, every third batch by an idempotent producer. */
function fill(log: PartitionLog, from: number, count: number): void {
  for (let n = from; n < from + count; n++) {
    const records = [0, 1, 2, 3, 4].map((i) => ({
      key: Buffer.from(`k${(n * 7 + i * 13) % KEY_COUNT}`),
      value: (n + i) % 11 === 0 ? null : Buffer.from(`value ${n} ${i}`),
      timestamp: START_MS + i,
    }));
    const producer = n % 3 === 0 ? { producerId: 9, producerEpoch: 0, baseSequence: (n / 3) * 5 } : {};
    const result = log.append(buildBatch(records, { ...producer, compression: CODECS[n % 5] }), {
      leaderEpoch: 0,
      origin: 'client',
    });
    expect(result.error).toBeUndefined();
  }
}

async function dump(...args: string[]): Promise<string> {
  const result = await kafkaTool('dump-log', args);
  expect({ status: result.status, stderr: result.stderr }).toMatchObject({ status: 0 });
  expect(result.stdout).not.toMatch(
    /isvalid: false|Mismatches|Found (?:timestamp|out of order)|Index sanity check failed|Could not/i,
  );
  return result.stdout;
}

describe('kafka-dump-log on a log that we compacted', () => {
  const path = mkdtempSync(join(tmpdir(), 'springtide-compaction-'));
  const files = (ending: string): string => {
    const folder = join(path, 'orders-0');
    const names = readdirSync(folder).filter((name) => name.endsWith(ending));
    return names.map((name) => join(folder, name)).join(',');
  };
  let activeBaseOffset = 0;
  let endOffset = 0;

  beforeAll(async () => {
    const clock = new ManualClock(START_MS);
    const directory = await LogDirectory.open({
      disk: nodeDisk(),
      path,
      clock,
      random: seededRandom(1),
      logger: silentLogger,
      nodeId: 1,
      durability: 'sync',
      cleaner: {
        backoffMs: BACKOFF_MS,
        dedupeBufferBytes: 1024 * 1024,
        dedupeLoadFactor: 0.9,
        ioBufferBytes: 65536,
        ioBytesPerSecondMax: Number.POSITIVE_INFINITY,
      },
    });
    const log = directory.create('orders', 0, seededRandom(2).uuid(), {
      ...topicConfig({ 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': 0 }),
      'segment.bytes': 30_000,
      'index.interval.bytes': 500,
    });
    for (let round = 0; round < 2; round++) {
      fill(log, round * 1200, 1200);
      await log.flush();
      expect(log.segmentCount).toBeGreaterThan(5);
      const checkpoint = `orders 0 ${log.activeBaseOffset}\n`;
      // The cleaner takes what the stored recovery point covers, so its round may have to be a later one.
      while (!(await nodeDisk().readFile(join(path, 'cleaner-offset-checkpoint')))?.includes(checkpoint)) {
        await clock.advance(BACKOFF_MS);
      }
    }
    ({ activeBaseOffset, logEndOffset: endOffset } = log);
    await directory.close();
  });

  afterAll(() => rmSync(path, { recursive: true, force: true }));

  test('reads the last record of every key, and a delete horizon where tombstones are', async () => {
    const text = await dump('--deep-iteration', '--print-data-log', '--files', files('.log'));
    const records = [...text.matchAll(/\| offset: (\d+) .*? key: (k\d+)(?: payload: (.*))?$/gm)];
    const offsets = records.map((match) => Number(match[1]));
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    const cleaned = records.filter((match) => Number(match[1]) < activeBaseOffset).map((match) => match[2]);
    expect(new Set(cleaned).size).toBe(KEY_COUNT);
    expect(cleaned).toHaveLength(KEY_COUNT);
    expect(offsets.at(-1)).toBe(endOffset - 1);
    expect(text).toMatch(/deleteHorizonMs: OptionalLong\[\d+\]/);
  });

  test('finds the indexes of the cleaned segments consistent with them', async () => {
    expect(await dump('--files', files('.index'))).toMatch(/offset: \d+ position: \d+/);
    expect(await dump('--files', files('.timeindex'))).toMatch(/timestamp: \d+ offset: \d+/);
    expect(await dump('--index-sanity-check', '--files', files('.index'))).toContain('passed sanity check');
  });
});
