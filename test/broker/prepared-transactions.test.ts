/**
 * Transactions whose end is decided and whose markers are not all written when the broker stops: as the log says so, from wherever it was
 * taken. The next life completes them, once.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Deferred, ManualClock, seededRandom, silentLogger } from '#core';
import { Apis, batches, buildTransactionMarker, readRecords } from '#protocol';
import { type Disk, type DiskFile, LogDirectory, type PartitionLog } from '#storage';
import { coordinatorCodec } from '../../src/broker/coordination/coordinators.ts';
import { readTransactionRecord, type Transaction, transactionRecord } from '../../src/broker/transaction/index.ts';
import { prepared } from '../../src/broker/transaction/transaction.ts';
import { GatedDisk } from './gated-disk.ts';
import { Scene } from './scene.ts';
import { nameOf, readValues, TestProducer } from './test-producer.ts';

type Outcome = 'commit' | 'abort';
type Version = 1 | 2;

const GROUP = 'g';
/** Between two tries of a marker. */
const RETRY_MS = 500;
const config = { 'transaction.state.log.num.partitions': 1, 'offsets.topic.num.partitions': 1 };

let scene: Scene | undefined;

afterEach(() => scene?.close());

/** A broker with a transaction on both partitions of `t`, on `gone` where there is such a topic, and with an offset of a group; stopped. */
async function stoppedInTransaction(
  version: Version,
  topics: Record<string, number> = { t: 2 },
): Promise<TestProducer> {
  scene = await Scene.start({ topics, config });
  const producer = new TestProducer(scene, 'tx', version);
  expect(await producer.init()).toBe('NONE');
  await scene.send(Apis.FindCoordinator, { coordinatorKeys: [GROUP] });
  const all = Object.entries(topics).flatMap(([topic, count]) =>
    Array.from({ length: count }, (_, n) => ({ topic, n })),
  );
  for (const { topic, n } of all) {
    if (version === 1) expect(await producer.add(topic, [n])).toBe('NONE');
    expect(await producer.send(topic, [`${topic}-${n}`], { partition: n })).toBe('NONE');
  }
  if (version === 1) expect(await producer.addOffsets(GROUP)).toBe('NONE');
  expect(await producer.commitOffset(GROUP, 't', 7)).toBe('NONE');
  expect(await producer.state()).toMatch(/^Ongoing epoch 0 __consumer_offsets-0 /);
  await scene.close();
  return producer;
}

/** Writes into the logs of a stopped broker. */
async function write(disk: Disk, change: (logOf: (name: string) => PartitionLog) => Promise<void>): Promise<void> {
  const options = {
    path: '/data',
    nodeId: 1,
    durability: 'os',
    random: seededRandom(2),
    logger: silentLogger,
  } as const;
  const directory = await LogDirectory.open({ ...options, disk, clock: new ManualClock() });
  const logs = new Map(Array.from(directory.logs(), (log) => [`${log.topic}-${log.partition}`, log]));
  await change((name) => logs.get(name)!);
  await directory.close();
}

/** Writes that the transaction is to end so, and its markers in `marked`. */
async function decide(disk: Disk, outcome: Outcome, version: Version, marked: readonly string[]): Promise<void> {
  await write(disk, async (logOf) => {
    const log = logOf('__transaction_state-0');
    const ongoing = await lastTransaction(log);
    const state = outcome === 'commit' ? 'PrepareCommit' : 'PrepareAbort';
    const now = { wallMs: ongoing.updateMs + 1, monotonicMs: 0 };
    const end = { clientVersion: version === 2 ? 2 : 0, nextProducerId: -1 };
    const decided = prepared(ongoing, state, end, now.wallMs);
    append(log, coordinatorCodec.encode([transactionRecord(decided, 2)], now));
    for (const name of marked)
      append(logOf(name), buildTransactionMarker({ type: outcome, coordinatorEpoch: 0 }, decided, now.wallMs));
  });
}

function append(log: PartitionLog, batch: Buffer): void {
  const leaderEpoch = log.leaderEpochs.latest?.epoch ?? 0;
  expect(log.append(batch, { leaderEpoch, origin: 'coordinator' }).error).toBeUndefined();
}

async function lastTransaction(log: PartitionLog): Promise<Transaction> {
  let last: Transaction | undefined;
  for await (const chunk of log.readAll(0, log.logEndOffset, 1_000_000)) {
    for (const { position } of batches(chunk)) {
      const cursor = readRecords(chunk, position, { decompressedBytesMax: 1_000_000 });
      for (let record = cursor.next(); record !== undefined; record = cursor.next()) {
        const read = readTransactionRecord(record);
        if (read.type === 'transaction') last = read.transaction;
      }
    }
  }
  return last!;
}

async function offset(): Promise<number | string> {
  const groups = [{ groupId: GROUP, topics: [{ name: 't', partitionIndexes: [0] }] }];
  const answer = await scene!.send(Apis.OffsetFetch, { groups, requireStable: true }, 9);
  const { errorCode, topics } = answer.groups[0];
  if (errorCode !== 0) return nameOf(errorCode);
  const [partition] = topics[0].partitions;
  return partition.errorCode === 0 ? partition.committedOffset : nameOf(partition.errorCode);
}

/** Of partition `n` of `t`: where committed records end, less where all end; 0 when nothing is open. */
async function openCount(n: number): Promise<number> {
  const ends = [0, 1].map(async (isolationLevel) => {
    const topics = [{ name: 't', partitions: [{ partitionIndex: n, timestamp: -1 }] }];
    const answer = await scene!.send(Apis.ListOffsets, { replicaId: -1, isolationLevel, topics });
    return answer.topics[0].partitions[0].offset;
  });
  const [all, stable] = await Promise.all(ends);
  return all - stable;
}

/** Nobody gets anything out of the log of `name` until the test says so; but a broker that starts, until it writes that it is there. */
class HeldReads extends GatedDisk {
  readonly #name: string;
  readonly #released = new Deferred<void>();
  #isStarted = false;

  constructor(disk: Disk, name: string) {
    super(disk);
    this.#name = name;
  }

  release(): void {
    this.#released.resolve();
  }

  override openSync(path: string, options: { create: boolean }): DiskFile {
    const file = super.openSync(path, options);
    return {
      ...file,
      read: async (into, position) => {
        if (this.#isStarted && path.includes(this.#name)) await this.#released.promise;
        return file.read(into, position);
      },
      writeSync: (chunks, position) => {
        this.#isStarted ||= path.includes('__cluster_metadata-0');
        return file.writeSync(chunks, position);
      },
    };
  }
}

const names = ['t-0', 't-1', '__consumer_offsets-0'];
const cases = ([1, 2] as const).flatMap((version) =>
  (['commit', 'abort'] as const).flatMap((outcome) =>
    [[], ['t-0'], ['t-0', '__consumer_offsets-0'], names].map((marked) => ({ version, outcome, marked })),
  ),
);

describe.each(cases)('v$version, decided to $outcome, with markers in $marked', ({ version, outcome, marked }) => {
  it('is completed by the next life, and its producer goes on', async () => {
    const before = await stoppedInTransaction(version);
    const { disk } = scene!;
    await decide(disk, outcome, version, marked);
    scene = await Scene.start({ disk, config });
    await scene.clock.advance(RETRY_MS);
    const isCommit = outcome === 'commit';
    const producer = Object.assign(new TestProducer(scene, 'tx', version), before.identity);
    if (version === 2) producer.producerEpoch++;
    expect(await producer.state()).toBe(`Complete${isCommit ? 'Commit' : 'Abort'} epoch ${producer.producerEpoch}`);
    expect([await openCount(0), await openCount(1), await offset()]).toEqual([0, 0, isCommit ? 7 : -1]);
    expect(await readValues(scene, 't', 1)).toEqual(isCommit ? ['t-0'] : []);
    expect(await readValues(scene, 't', 1, 1)).toEqual(isCommit ? ['t-1'] : []);
    expect([scene.book.at('warn'), scene.book.at('error')]).toEqual([[], []]);
    if (version === 1) await producer.add('t', [0]);
    expect(await producer.send('t', ['next'], { baseSequence: version === 1 ? 1 : 0 })).toBe('NONE');
    expect(await producer.end('commit')).toBe('NONE');
    await scene.clock.settle();
    expect(await readValues(scene, 't', 1)).toEqual([...(isCommit ? ['t-0'] : []), 'next']);
  });
});

describe('a marker', () => {
  it('for a group coordinator that is loading is sent again until it has loaded', async () => {
    const before = await stoppedInTransaction(2);
    const { disk } = scene!;
    await decide(disk, 'commit', 2, []);
    const held = new HeldReads(disk, '__consumer_offsets-0');
    scene = await Scene.start({ disk: held, config });
    await scene.clock.advance(20 * RETRY_MS);
    const producer = Object.assign(new TestProducer(scene, 'tx'), before.identity);
    expect(await producer.state()).toBe('PrepareCommit epoch 1 __consumer_offsets-0');
    expect(await readValues(scene, 't', 1)).toEqual(['t-0']);
    expect(await offset()).toBe('COORDINATOR_LOAD_IN_PROGRESS');
    held.release();
    await scene.clock.advance(RETRY_MS);
    expect(await producer.state()).toBe('CompleteCommit epoch 1');
    expect([await openCount(0), await offset()]).toEqual([0, 7]);
  });

  it.each([1, 2] as const)('for a topic that was deleted is not waited for (v%i)', async (version) => {
    const before = await stoppedInTransaction(version, { t: 2, gone: 1 });
    const { disk } = scene!;
    scene = await Scene.start({ disk, config });
    await scene.send(Apis.DeleteTopics, { topics: [{ name: 'gone' }], timeoutMs: 1000 });
    await scene.close();
    await decide(disk, 'commit', version, ['t-1']);
    scene = await Scene.start({ disk, config });
    await scene.clock.advance(RETRY_MS);
    const producer = Object.assign(new TestProducer(scene, 'tx', version), before.identity);
    expect(await producer.state()).toBe(`CompleteCommit epoch ${version - 1}`);
    expect([await openCount(0), await openCount(1), await offset()]).toEqual([0, 0, 7]);
    expect(await readValues(scene, 't', 1)).toEqual(['t-0']);
    expect([scene.book.at('warn'), scene.book.at('error')]).toEqual([[], []]);
  });
});
