/** Compaction of a log with transactions: what goes, what stays how long, and that readers see the same before and after. */
import { describe, expect, test } from '@jest/globals';
import {
  batches,
  buildTransactionMarker,
  readBatchHeader,
  readTransactionMarker,
  type TransactionMarker,
} from '#protocol';
import type { PartitionLog } from '#storage';
import {
  BatchCleaning,
  type CleaningRules,
  type LastOfProducer,
} from '../../../src/storage/compaction/batch-cleaning.ts';
import { TransactionCleaning } from '../../../src/storage/compaction/transaction-cleaning.ts';
import { openScene, type Scene, START_MS } from '../scene.ts';
import { abortedFrom, endTransaction, readCommittedRecords, readCommittedValues } from '../transaction-scene.ts';
import { appendKeyed, clean, compactedLog, filesOf, keyedBatch, openCompacted } from './scene.ts';
import { SnapshotDisk } from './snapshot-disk.ts';

/** One step of a pass: a data batch of a producer, or its marker. */
type Step = readonly [offset: number, producerId: number, kind: 'data' | 'plain' | 'abort' | 'commit'];

/** What a pass says of each step: `-` goes, `+` as any other; of markers, `+` something depends on it. */
function passOver(
  steps: readonly Step[],
  aborted: readonly (readonly [producerId: number, first: number, last: number])[],
) {
  const transactions = new TransactionCleaning(0);
  const entries = aborted.map(([producerId, firstOffset, lastOffset]) => ({
    producerId,
    firstOffset,
    lastOffset,
    lastStableOffset: 0,
  }));
  transactions.expect(entries);
  const kept: number[] = [];
  const verdicts = steps.map(([offset, producerId, kind]) => {
    const header = headerOf(offset, producerId, kind);
    if (kind === 'data' || kind === 'plain') return transactions.batch(header) ? '-' : '+';
    const needed = transactions.marker(header, { type: kind, coordinatorEpoch: 0 });
    if (typeof needed === 'object') kept.push(needed.lastOffset);
    return needed === false ? '-' : '+';
  });
  return { verdicts: verdicts.join(''), kept };
}

function headerOf(offset: number, producerId: number, kind: Step[2]) {
  const isControl = kind === 'abort' || kind === 'commit';
  const options = { producerId, producerEpoch: 0, baseSequence: 0, isTransactional: kind !== 'plain', isControl };
  const batch = keyedBatch([{ key: 'k', value: 'v' }], options);
  batch.writeBigInt64BE(BigInt(offset), 0);
  return readBatchHeader(batch, 0);
}

describe('a pass over transactions', () => {
  test.each<[string, Step[], [number, number, number][], string, number[]]>([
    [
      'committed',
      [
        [0, 1, 'data'],
        [1, 1, 'commit'],
      ],
      [],
      '++',
      [],
    ],
    [
      'aborted',
      [
        [0, 1, 'data'],
        [1, 1, 'abort'],
      ],
      [[1, 0, 1]],
      '-+',
      [1],
    ],
    [
      'two at a time',
      [
        [0, 1, 'data'],
        [1, 2, 'data'],
        [2, 1, 'abort'],
        [3, 2, 'commit'],
      ],
      [[1, 0, 2]],
      '-+++',
      [2],
    ],
    [
      'one after the other',
      [
        [0, 1, 'data'],
        [1, 1, 'abort'],
        [2, 1, 'data'],
        [3, 1, 'commit'],
      ],
      [[1, 0, 1]],
      '-+++',
      [1],
    ],
    [
      'aborted twice',
      [
        [0, 1, 'data'],
        [1, 1, 'abort'],
        [2, 1, 'data'],
        [3, 1, 'abort'],
      ],
      [
        [1, 0, 1],
        [1, 2, 3],
      ],
      '-+-+',
      [1, 3],
    ],
    [
      'what the producer sends outside',
      [
        [0, 1, 'plain'],
        [1, 1, 'data'],
        [2, 1, 'abort'],
        [3, 1, 'plain'],
      ],
      [[1, 1, 2]],
      '+-++',
      [2],
    ],
    ['a commit without its batches', [[1, 1, 'commit']], [], '-', []],
    ['an abort without its batches', [[1, 1, 'abort']], [[1, 0, 1]], '-', []],
    ['an abort that is in no index', [[1, 1, 'abort']], [], '-', []],
  ])('%s', (_name, steps, aborted, verdicts, kept) => {
    expect(passOver(steps, aborted)).toEqual({ verdicts, kept });
  });

  test('knows those that it is within when it is told of them again', () => {
    const transactions = new TransactionCleaning(0);
    const entry = { producerId: 1, firstOffset: 0, lastOffset: 9, lastStableOffset: 10 };
    transactions.expect([entry]);
    expect(transactions.batch(headerOf(0, 1, 'data'))).toBe(true);
    transactions.expect([entry]);
    expect(transactions.marker(headerOf(9, 1, 'abort'), { type: 'abort', coordinatorEpoch: 0 })).toEqual(entry);
  });
});

describe('a marker on which nothing depends', () => {
  const marker = (): Buffer => {
    const batch = buildTransactionMarker(
      { type: 'abort', coordinatorEpoch: 3 },
      { producerId: 7, producerEpoch: 1 },
      START_MS,
    );
    batch.writeBigInt64BE(10n, 0);
    return batch;
  };
  const spend = (
    batch: Buffer,
    wallMs: number,
    lastOfProducer: [number, LastOfProducer][] = [],
  ): Buffer | undefined => {
    const rules: CleaningRules = {
      latest: { get: () => undefined },
      rangeEnd: 1000,
      lastOffset: 999,
      lastOfProducer: new Map(lastOfProducer),
      wallMs,
      deleteRetentionMs: 100,
      mayForget: true,
      decompressedBytesMax: 1000,
      compressionLevel: () => undefined,
    };
    const cleaning = new BatchCleaning(batch, readBatchHeader(batch, 0), rules, 'spent');
    while (!cleaning.advance(1));
    return cleaning.result();
  };

  test('gets a delete horizon, stays until then, and goes', () => {
    const first = spend(marker(), START_MS + 10) as Buffer;
    const header = readBatchHeader(first, 0);
    expect(header).toMatchObject({
      deleteHorizonMs: START_MS + 110,
      isControl: true,
      isTransactional: true,
      lastOffset: 10,
    });
    expect(header).toMatchObject({ maxTimestamp: START_MS, producerId: 7, producerEpoch: 1 });
    expect(readTransactionMarker(first, 0, header)).toEqual({ type: 'abort', coordinatorEpoch: 3 });
    expect(spend(first, START_MS + 109)).toBe(first);
    expect(spend(first, START_MS + 110)).toBeUndefined();
  });

  test.each<[string, LastOfProducer, boolean]>([
    ['its epoch is the last of its producer, with no batch', { lastOffset: undefined, epoch: 1 }, true],
    ['its producer has a newer epoch', { lastOffset: undefined, epoch: 2 }, false],
    ['its producer has a batch in this epoch', { lastOffset: 5, epoch: 1 }, false],
  ])('keeps its header where %s', (_name, last, isKept) => {
    const aged = spend(marker(), START_MS + 10) as Buffer;
    const left = spend(aged, START_MS + 110, [[7, last]]);
    expect(left !== undefined).toBe(isKept);
    if (left === undefined) return;
    expect(readBatchHeader(left, 0)).toMatchObject({ recordCount: 0, isControl: true, producerEpoch: 1 });
  });
});

function sendKeyed(log: PartitionLog, producerId: number, baseSequence: number, pairs: Record<string, string>): number {
  const records = Object.entries(pairs).map(([key, value]) => ({ key, value }));
  const batch = keyedBatch(records, { producerId, producerEpoch: 0, baseSequence, isTransactional: true });
  const result = log.append(batch, { leaderEpoch: 0, origin: 'client' });
  if (result.error !== undefined) throw new Error(`append: ${result.error.name} ${result.errorMessage}`);
  return result.baseOffset;
}

/** `base..last records` of every batch, with `*` for markers. */
async function batchLines(log: PartitionLog): Promise<string[]> {
  const lines: string[] = [];
  for await (const chunk of log.readAll(log.logStartOffset, log.durableEndOffset)) {
    for (const { header } of batches(chunk))
      lines.push(`${header.baseOffset}..${header.lastOffset} ${header.recordCount}${header.isControl ? '*' : ''}`);
  }
  return lines;
}

async function fillUp(scene: Scene, log: PartitionLog): Promise<void> {
  // The active segment is never cleaned, and the last batch of a range stays: so these are not looked at.
  for (let n = 0; n < 8; n++) appendKeyed(log, [{ key: `filler${n}`, value: 'x'.repeat(150) }]);
  await scene.clock.settle();
}

const DAY_MS = 86_400_000;

describe('a compacted log with transactions', () => {
  test('loses aborted records at once, what committed ones replace too, and markers when their time is over', async () => {
    const scene = await openCompacted();
    const log = compactedLog(scene, { 'delete.retention.ms': DAY_MS });
    sendKeyed(log, 1, 0, { a: 'old', b: 'b1' });
    endTransaction(log, 'commit', 1);
    sendKeyed(log, 1, 2, { a: 'aborted' });
    endTransaction(log, 'abort', 1);
    sendKeyed(log, 1, 3, { a: 'new' });
    endTransaction(log, 'commit', 1);
    sendKeyed(log, 1, 4, { z: 'z1' });
    endTransaction(log, 'commit', 1);
    await fillUp(scene, log);
    const committed = () => readCommittedValues(log).then((values) => values.filter((value) => !value.includes('xxx')));
    expect(await committed()).toEqual(['0=old', '1=b1', '5=new', '7=z1']);
    expect(await abortedFrom(log, 0)).toEqual(['1 3..4']);

    await clean(scene);
    expect(await committed()).toEqual(['1=b1', '5=new', '7=z1']);
    expect((await batchLines(log)).slice(0, 7)).toEqual([
      '0..1 1',
      '2..2 1*',
      '4..4 1*',
      '5..5 1',
      '6..6 1*',
      '7..7 1',
      '8..8 1*',
    ]);
    expect(await abortedFrom(log, 0)).toEqual(['1 3..4']);

    // The next pass meets no batch of the aborted transaction: its entry goes, its marker gets a horizon.
    await fillUp(scene, log);
    await clean(scene);
    expect(await abortedFrom(log, 0)).toEqual([]);
    expect(await batchLines(log)).toContain('4..4 1*');
    await scene.clock.advance(2 * DAY_MS);
    await fillUp(scene, log);
    await clean(scene);
    expect(await batchLines(log)).not.toContain('4..4 1*');
    expect(await committed()).toEqual(['1=b1', '5=new', '7=z1']);
    await clean(scene, 61_000);
    expect((await filesOf(scene)).filter((name) => name.includes('txnindex'))).toEqual([]);
    expect(scene.warnings).toEqual([]);

    await scene.directory.close();
    const again = await openCompacted({ disk: scene.disk });
    const reopened = compactedLog(again);
    expect((await readCommittedValues(reopened)).slice(0, 3)).toEqual(['1=b1', '5=new', '7=z1']);
    expect(again.warnings).toEqual([]);
  });

  test('is left alone from the first undecided transaction on', async () => {
    const scene = await openCompacted();
    const log = compactedLog(scene);
    appendKeyed(log, [{ key: 'a', value: '1' }]);
    sendKeyed(log, 1, 0, { a: '2' });
    appendKeyed(log, [{ key: 'a', value: '3' }]);
    await fillUp(scene, log);
    const before = await batchLines(log);
    await clean(scene);
    expect(await batchLines(log)).toEqual(before);
    endTransaction(log, 'abort', 1);
    await fillUp(scene, log);
    await clean(scene);
    expect((await batchLines(log)).slice(0, 2)).toEqual(['1..1 0', '2..2 1']);
    expect((await readCommittedValues(log))[0]).toBe('2=3');
  });

  test('keeps the header of the last batch of a producer, and then the transaction in the index', async () => {
    const scene = await openCompacted();
    const log = compactedLog(scene, { 'delete.retention.ms': 0 });
    sendKeyed(log, 1, 0, { a: '1' });
    sendKeyed(log, 1, 1, { b: '1' });
    endTransaction(log, 'abort', 1);
    for (let round = 0; round < 3; round++) {
      await fillUp(scene, log);
      await clean(scene);
      expect((await batchLines(log)).slice(0, 2)).toEqual(['1..1 0', '2..2 1*']);
      expect(await abortedFrom(log, 0)).toEqual(['1 0..2']);
    }
    expect(endTransaction(log, 'commit', 1).error).toBeUndefined();
    expect(sendKeyed(log, 1, 2, { c: '1' })).toBeGreaterThan(0);
  });

  test('keeps the epoch that a marker has begun, so that an older one stays fenced', async () => {
    const scene = await openCompacted();
    const log = compactedLog(scene, { 'delete.retention.ms': 0 });
    sendKeyed(log, 1, 0, { a: '1' });
    endTransaction(log, 'abort', 1, { producerEpoch: 1, transactionVersion: 2 });
    for (let round = 0; round < 3; round++) {
      await fillUp(scene, log);
      await clean(scene);
    }
    expect((await batchLines(log))[0]).toBe('1..1 0*');
    await scene.directory.close();
    for (const name of await filesOf(scene)) {
      if (name.endsWith('.snapshot')) await scene.disk.remove(`/data/orders-0/${name}`);
    }
    const again = await openScene({ disk: scene.disk });
    expect(() => sendKeyed(compactedLog(again), 1, 1, { a: '2' })).toThrow('INVALID_PRODUCER_EPOCH');
  });

  test('loses the marker of an id that no producer can have when its time is over', async () => {
    const scene = await openCompacted();
    const log = compactedLog(scene, { 'delete.retention.ms': DAY_MS });
    expect(endTransaction(log, 'commit', -2).error).toBeUndefined();
    appendKeyed(log, [{ key: 'a', value: '1' }]);
    for (const [waitMs, first] of [
      [0, '0..0 1*'],
      [0, '0..0 1*'],
      [DAY_MS, '1..1 1'],
    ] as const) {
      await scene.clock.advance(waitMs);
      await fillUp(scene, log);
      await clean(scene);
      expect((await batchLines(log))[0]).toBe(first);
    }
  });

  test('is the same to its readers wherever a cleaning is cut off, by a crash or a kill before any change to the disk', async () => {
    const disk = new SnapshotDisk();
    // The map of keys is so small that a pass ends in the middle, with aborted records left behind its end.
    const scene = await openCompacted({ disk, durability: 'sync', cleaner: { dedupeBufferBytes: 24 * 6 } });
    const overrides = { 'delete.retention.ms': 0, 'segment.bytes': 600, 'file.delete.delay.ms': 5_000 };
    const log = compactedLog(scene, overrides);
    for (let n = 0; n < 16; n++) {
      sendKeyed(log, n % 3, Math.floor(n / 3), { [`k${n % 7}`]: `${n}` });
      endTransaction(log, n % 2 === 0 ? 'abort' : 'commit', n % 3);
    }
    await fillUp(scene, log);
    const tableIn = async (each: PartitionLog): Promise<Record<string, string | null>> => {
      const { records } = await readCommittedRecords(each, 0, 500);
      expect(records.filter(({ value }) => Number(value) % 2 === 0)).toEqual([]);
      return Object.fromEntries(records.map(({ key, value }) => [String(key), value]));
    };
    const expected = await tableIn(log);
    expect(Object.values(expected).filter((value) => Number(value) % 2 === 1)).toHaveLength(7);
    disk.isRecording = true;
    await clean(scene);
    disk.isRecording = false;
    expect(disk.cutPoints.some(({ step }) => /rename.*txnindex.swap/.test(step))).toBe(true);
    for (const { step, crashed, killed } of disk.cutPoints) {
      for (const left of [crashed, killed]) {
        const again = await openCompacted({ disk: left, durability: 'sync' });
        const found = { cutBefore: step, table: await tableIn(compactedLog(again, overrides)) };
        expect(found).toEqual({ cutBefore: step, table: expected });
        await again.directory.close();
      }
    }
  });

  test('is never read with records that a pass under way has dropped from the index alone', async () => {
    const scene = await openCompacted({ cleaner: { ioBytesPerSecondMax: 20_000 } });
    const log = compactedLog(scene, { 'delete.retention.ms': 0, 'segment.bytes': 600 });
    const types: TransactionMarker['type'][] = ['abort', 'commit'];
    for (let n = 0; n < 60; n++) {
      sendKeyed(log, n % 4, Math.floor(n / 4), { [`k${n}`]: `${types[n % 2]} ${n}` });
      endTransaction(log, types[n % 2], n % 4);
    }
    await fillUp(scene, log);
    const expected = (await readCommittedValues(log)).filter((value) => value.includes('commit'));
    expect(expected).toHaveLength(30);
    for (let ms = 0; ms < 120_000; ms += 500) {
      const [values] = await Promise.all([readCommittedValues(log, 0, 300), scene.clock.advance(500)]);
      expect(values.filter((value) => !value.includes('xxx'))).toEqual(expected);
    }
    expect((await abortedFrom(log, 0)).length).toBeLessThan(5);
  });
});
