/** A log with transactions that Apache Kafka 4.4.0 wrote: we read it as Kafka served it, and make the same files from its batches. */
import { describe, expect, test } from '@jest/globals';
import { ManualClock } from '#core';
import { batches } from '#protocol';
import type { Disk, PartitionLog } from '#storage';
import { decodeProducerSnapshot } from '../../src/storage/producers/producer-snapshot.ts';
import { fileBytes, fileNames, goldenDisk, goldenFile } from './golden-folder.ts';
import { openScene, type Scene, smallConfig } from './scene.ts';
import { readCommittedValues } from './transaction-scene.ts';

interface Served {
  readonly endOffset: number;
  readonly stableOffset: number;
  readonly committed: readonly string[];
  /** By offset. */
  readonly aborted: readonly string[];
}

const served: Served = JSON.parse(goldenFile('transacted', 'served.json').toString());
const FOLDER = '/data/ledger-0';
const CONFIG = smallConfig({ 'segment.ms': 10_000, 'index.interval.bytes': 300 });
/** When Kafka wrote it. */
const WRITTEN_MS = Date.UTC(2026, 10, 21);

async function openLedger(disk: Disk): Promise<Scene & { log: PartitionLog }> {
  const scene = await openScene({ disk, clock: new ManualClock(WRITTEN_MS) });
  const log = scene.directory.get('ledger', 0);
  if (log === undefined) throw new Error('the partition ledger-0 was not opened');
  log.updateConfig(CONFIG);
  return { ...scene, log };
}

async function expectServed(log: PartitionLog): Promise<void> {
  expect([log.logEndOffset, log.lastStableOffset]).toEqual([served.endOffset, served.stableOffset]);
  expect(await readCommittedValues(log)).toEqual(served.committed);
  const lists: string[] = [];
  for (let offset = 0; offset < log.lastStableOffset; offset++) {
    const request = { bytesMax: 1, endOffsetMax: served.endOffset, atLeastOneBatch: true };
    const { abortedTransactions } = await log.readCommitted(offset, request);
    lists.push(abortedTransactions.map(({ producerId, firstOffset }) => `${producerId}@${firstOffset}`).join(' '));
  }
  expect(lists).toEqual(served.aborted);
}

async function indexes(disk: Disk): Promise<Record<string, string>> {
  const names = (await fileNames(disk, FOLDER)).filter((name) => name.endsWith('.txnindex'));
  const contents = names.map(async (name) => [name, (await fileBytes(disk, `${FOLDER}/${name}`)).toString('hex')]);
  return Object.fromEntries(await Promise.all(contents));
}

describe('a log of Kafka with transactions', () => {
  test('is served as Kafka served it', async () => {
    const { log, warnings } = await openLedger(goldenDisk('transacted'));
    await expectServed(log);
    expect(warnings).toEqual([]);
  });

  test('is served so, and gets its indexes back, when nothing but its batches is left', async () => {
    const disk = goldenDisk('transacted');
    const before = await indexes(disk);
    expect(Object.keys(before).length).toBeGreaterThan(5);
    for (const name of await fileNames(disk, FOLDER)) {
      if (!/[.](log|metadata)$/.test(name)) await disk.remove(`${FOLDER}/${name}`);
    }
    const { log, directory } = await openLedger(disk);
    await expectServed(log);
    await directory.close();
    expect(await indexes(disk)).toEqual(before);
  });

  test('is made of the files that we make of its batches', async () => {
    const golden = goldenDisk('transacted', '/kafka');
    const scene = await openScene({ disk: golden, clock: new ManualClock(WRITTEN_MS) });
    const log = scene.directory.create('ledger', 0, 'BFW8RU_yRPugVunx2YS_IA', CONFIG);
    const names = (await fileNames(golden, '/kafka/ledger-0')).filter((name) => /^\d/.test(name));
    for (const name of names.filter((each) => each.endsWith('.log'))) {
      const segment = goldenFile('transacted', `ledger-0/${name}`);
      for (const { position, header } of batches(segment)) {
        const batch = Buffer.from(segment.subarray(position, position + header.sizeInBytes));
        expect(log.append(batch, { leaderEpoch: 0, origin: 'log' }).error).toBeUndefined();
      }
    }
    await scene.directory.close();
    expect((await fileNames(golden, FOLDER)).filter((name) => /^\d/.test(name))).toEqual(names);
    for (const name of names) {
      const [ours, theirs] = [
        await fileBytes(golden, `${FOLDER}/${name}`),
        goldenFile('transacted', `ledger-0/${name}`),
      ];
      if (name.endsWith('.snapshot')) expect([name, producersIn(ours)]).toEqual([name, producersIn(theirs)]);
      else expect([name, ours.toString('hex')]).toEqual([name, theirs.toString('hex')]);
    }
  });
});

/** Kafka takes the time of the last record for that of the producer, though an earlier record may have a later one. */
function producersIn(snapshot: Buffer): object[] {
  const entries = decodeProducerSnapshot(snapshot, 'a snapshot').map((entry) => ({
    ...entry,
    lastTimestamp: 0,
    batches: entry.batches.map((batch) => ({ ...batch, timestamp: 0 })),
  }));
  return entries.sort((a, b) => a.producerId - b.producerId);
}
