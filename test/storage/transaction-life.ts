/**
 * A log with transactions that lives several lives on a simulated disk, each ended by a power cut, a kill or a clean stop, perhaps under
 * a cleaner; and a model that says at any time what a reader of committed records must see. Everything is drawn from one seed.
 */
import { ManualClock, type Random, seededRandom } from '#core';
import { buildTransactionMarker } from '#protocol';
import { type PartitionLog, type SimulatedDisk, simulatedDisk } from '#storage';
import { appendKeyed, CLEANER, keyedBatch } from './compaction/scene.ts';
import { openScene, type Scene, START_MS, smallConfig, TOPIC_ID } from './scene.ts';
import { type CommittedRecord, readCommittedRecords } from './transaction-scene.ts';

/** Something that was appended. */
interface Entry {
  readonly kind: 'plain' | 'data' | 'abort' | 'commit';
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly baseOffset: number;
  /** Of the records; one without a key for a marker. */
  readonly records: readonly CommittedRecord[];
}

/** What the model knows of a producer at the end of its log. */
interface ProducerModel {
  epoch: number;
  nextSequence: number;
  isOpen: boolean;
}

/** A transaction of the model. */
interface TransactionModel {
  readonly producerId: number;
  readonly firstOffset: number;
  /** Of its marker. */
  lastOffset: number;
  outcome: 'open' | 'abort' | 'commit';
}

/** What broke, in words; thrown. */
class Broken extends Error {}

const PRODUCERS = 4;
const LIVES_MAX = 5;
const STEPS_MAX = 60;

export class TransactionRun {
  readonly #random: Random;
  /** What the engine draws does not shift what the run draws. */
  readonly #engineRandom: Random;
  readonly #isCompacted: boolean;
  readonly #config;
  readonly #tailBytesPerLogMax: number;
  readonly #markBytes: number;
  readonly #turnsMax: number;
  /** Where it is small a pass ends before the last stable offset. */
  readonly #dedupeBufferBytes: number;
  #disk: SimulatedDisk;
  #wallMs = START_MS;
  #entries: Entry[] = [];
  #stableSeen = 0;
  #recordCount = 0;
  /** How many starts there were, and committed and aborted transactions at the end. */
  readonly counts = { starts: 0, commits: 0, aborts: 0 };

  constructor(seed: number, isCompacted: boolean) {
    this.#random = seededRandom(seed);
    this.#engineRandom = seededRandom(seed + 1_000_000);
    this.#isCompacted = isCompacted;
    this.#disk = simulatedDisk(seed);
    // Two of three store their indexes often.
    this.#markBytes = [100, 700, 1_000_000][seed % 3];
    this.#tailBytesPerLogMax = this.#draw(2) === 0 ? 0 : 1_000_000;
    this.#turnsMax = this.#draw(4);
    this.#dedupeBufferBytes = 24 * (4 + this.#draw(30));
    this.#config = smallConfig({
      'segment.bytes': 400 + this.#draw(1500),
      'index.interval.bytes': 1 + this.#draw(300),
      'segment.jitter.ms': 0,
      'cleanup.policy': isCompacted ? ['compact'] : ['delete'],
      'min.cleanable.dirty.ratio': 0,
      'delete.retention.ms': this.#draw(2) === 0 ? 0 : 60_000,
      'file.delete.delay.ms': 1,
    });
  }

  /** Throws when a promise was broken. */
  async run(): Promise<void> {
    const lives = 2 + this.#draw(LIVES_MAX - 1);
    for (let life = 0; life < lives; life++) {
      const scene = await this.#start();
      await this.#live(scene);
      await this.#end(scene);
    }
    const scene = await this.#start();
    for (const { outcome } of this.#transactions()) {
      if (outcome === 'commit') this.counts.commits++;
      if (outcome === 'abort') this.counts.aborts++;
    }
    await scene.directory.close();
  }

  async #start(): Promise<Scene> {
    this.counts.starts++;
    this.#wallMs += 60_000;
    this.#hold(this.#disk);
    const scene = await openScene({
      disk: this.#disk,
      durability: 'sync',
      random: this.#engineRandom,
      clock: new ManualClock(this.#wallMs),
      tailBytesPerLogMax: this.#tailBytesPerLogMax,
      markBytes: this.#markBytes,
      // With none the indexes of sealed segments are read again at each use.
      memoryBytesMax: this.#tailBytesPerLogMax,
      ...(this.#isCompacted
        ? { cleaner: { ...CLEANER, backoffMs: 1000, dedupeBufferBytes: this.#dedupeBufferBytes } }
        : {}),
    });
    const log = scene.directory.create('orders', 0, TOPIC_ID, this.#config);
    this.#entries = this.#entries.filter((entry) => endOf(entry) <= log.logEndOffset);
    await this.#check(log);
    return scene;
  }

  /** Steps that the real disk takes its time for end some turns later. */
  #hold(disk: SimulatedDisk): void {
    disk.before = async (step) => {
      if (step === 'open' || step === 'write' || step === 'truncate' || step === 'makeDirectory') return;
      for (let turns = this.#draw(this.#turnsMax + 1); turns > 0; turns--)
        await new Promise((resolve) => setImmediate(resolve));
    };
  }

  async #live(scene: Scene): Promise<void> {
    const log = scene.directory.get('orders', 0) as PartitionLog;
    if (this.#draw(3) === 0) this.#disk.faults.cutPowerAfter(20 + this.#draw(200));
    for (let steps = this.#draw(STEPS_MAX); steps > 0 && !this.#disk.faults.isPowerOff; steps--) {
      this.#append(log);
      if (this.#draw(3) === 0) await new Promise((resolve) => setImmediate(resolve));
      if (this.#draw(8) === 0) await scene.clock.advance(500 + this.#draw(90_000));
      if (this.#draw(6) === 0 && !this.#disk.faults.isPowerOff) await this.#checkAlive(log);
    }
    this.#wallMs = scene.clock.now().wallMs;
  }

  #append(log: PartitionLog): void {
    const producers = this.#producers();
    const producerId = this.#draw(PRODUCERS);
    const producer = producers[producerId];
    const kind = this.#kindFor(producer);
    const isNewEpoch = kind !== 'data' && kind !== 'plain' && this.#draw(2) === 0;
    const entry: Entry = {
      kind,
      producerId: kind === 'plain' ? -1 : producerId,
      producerEpoch: isNewEpoch ? producer.epoch + 1 : producer.epoch,
      baseSequence: producer.nextSequence,
      baseOffset: log.logEndOffset,
      records:
        kind === 'abort' || kind === 'commit' ? [this.#newRecord(log.logEndOffset, true)] : this.#newRecords(log),
    };
    try {
      this.#send(log, entry, isNewEpoch);
    } catch (error) {
      if (this.#disk.faults.isPowerOff) return;
      throw error;
    }
    this.#entries.push(entry);
  }

  #kindFor(producer: ProducerModel): Entry['kind'] {
    if (!producer.isOpen) return this.#draw(4) === 0 ? 'plain' : 'data';
    return (['data', 'abort', 'commit', 'plain'] as const)[this.#draw(4)];
  }

  #send(log: PartitionLog, entry: Entry, isNewEpoch: boolean): void {
    const { kind, producerId, producerEpoch, baseSequence, records } = entry;
    if (kind === 'plain') {
      appendKeyed(log, records);
      return;
    }
    const isMarker = kind !== 'data';
    const batch = isMarker
      ? buildTransactionMarker({ type: kind, coordinatorEpoch: 0 }, { producerId, producerEpoch }, START_MS)
      : keyedBatch(records, { producerId, producerEpoch, baseSequence, isTransactional: true });
    const transactionVersion = isNewEpoch ? 2 : 1;
    const origin = isMarker ? 'coordinator' : 'client';
    const result = log.append(batch, { leaderEpoch: 0, origin, transactionVersion });
    if (result.error !== undefined) throw new Broken(`${kind}: ${result.error.name} ${result.errorMessage}`);
    if (result.baseOffset !== entry.baseOffset) throw new Broken(`${kind} at ${result.baseOffset}`);
  }

  /** The power may go in the middle of it; what is read until then counts. */
  async #checkAlive(log: PartitionLog): Promise<void> {
    try {
      await this.#check(log);
    } catch (error) {
      if (error instanceof Broken || !this.#disk.faults.isPowerOff) throw error;
    }
  }

  /** What the log says, and what readers from some places on see, is what the model says. */
  async #check(log: PartitionLog): Promise<void> {
    const stable = this.#stableOffset(log.highWatermark);
    if (log.lastStableOffset !== stable) throw new Broken(`stable below ${log.lastStableOffset}, not ${stable}`);
    if (stable < this.#stableSeen) throw new Broken(`stable below ${stable}, after ${this.#stableSeen}`);
    this.#stableSeen = stable;
    const offset = this.#draw(3) === 0 ? this.#draw(stable + 1) : 0;
    const { records, endOffset } = await readCommittedRecords(log, offset, 1 + this.#draw(3000));
    // More may have become stable meanwhile.
    if (endOffset < stable) throw new Broken(`a read ended at ${endOffset}, below ${stable}`);
    const expected = this.#committed(offset, endOffset);
    if (this.#isCompacted) this.#checkCompacted(records, expected, offset);
    else if (textOf(records) !== textOf(expected))
      throw new Broken(`read\n${textOf(records)}\nnot\n${textOf(expected)}`);
    if (!this.#isCompacted) await this.#checkAborted(log, offset, stable);
  }

  /** Cleaning removes records that a later one of their key replaces; from the start on, the table stays. */
  #checkCompacted(read: readonly CommittedRecord[], expected: readonly CommittedRecord[], offset: number): void {
    const known = new Set(expected.map(lineOf));
    const strange = read.find((record) => !known.has(lineOf(record)));
    if (strange !== undefined) throw new Broken(`${lineOf(strange)} is not committed`);
    if (offset === 0 && tableText(read) !== tableText(expected))
      throw new Broken(`the table is\n${tableText(read)}\nnot\n${tableText(expected)}`);
  }

  async #checkAborted(log: PartitionLog, offset: number, endOffset: number): Promise<void> {
    const told = (await log.abortedIn(offset, endOffset)).map(
      ({ producerId, firstOffset }) => `${producerId}@${firstOffset}`,
    );
    const expected = this.#transactions()
      .filter(({ outcome }) => outcome === 'abort')
      .filter(({ firstOffset, lastOffset }) => lastOffset >= offset && firstOffset < endOffset)
      .sort((a, b) => a.lastOffset - b.lastOffset)
      .map(({ producerId, firstOffset }) => `${producerId}@${firstOffset}`);
    if (told.join() !== expected.join()) throw new Broken(`aborted are ${told}, not ${expected}`);
  }

  #stableOffset(highWatermark: number): number {
    const unstable = this.#transactions().filter(({ lastOffset }) => lastOffset >= highWatermark);
    return Math.min(highWatermark, ...unstable.map(({ firstOffset }) => firstOffset));
  }

  #committed(offset: number, endOffset: number): CommittedRecord[] {
    const transactions = this.#transactions();
    const isCommitted = ({ kind, producerId, baseOffset }: Entry): boolean =>
      kind === 'plain' ||
      transactions.some(
        (each) =>
          each.producerId === producerId &&
          each.outcome === 'commit' &&
          each.firstOffset <= baseOffset &&
          each.lastOffset > baseOffset,
      );
    const entries = this.#entries.filter(
      (entry) => (entry.kind === 'plain' || entry.kind === 'data') && isCommitted(entry),
    );
    return entries.flatMap(({ records }) => records).filter((each) => each.offset >= offset && each.offset < endOffset);
  }

  #transactions(): TransactionModel[] {
    const transactions: TransactionModel[] = [];
    const open = new Map<number, TransactionModel>();
    for (const { kind, producerId, baseOffset } of this.#entries) {
      const current = open.get(producerId);
      if (kind === 'data' && current === undefined) {
        const begun = {
          producerId,
          firstOffset: baseOffset,
          lastOffset: Number.POSITIVE_INFINITY,
          outcome: 'open',
        } as const;
        const transaction: TransactionModel = { ...begun };
        open.set(producerId, transaction);
        transactions.push(transaction);
      } else if ((kind === 'abort' || kind === 'commit') && current !== undefined) {
        current.lastOffset = baseOffset;
        current.outcome = kind;
        open.delete(producerId);
      }
    }
    return transactions;
  }

  #producers(): ProducerModel[] {
    const producers = Array.from({ length: PRODUCERS }, () => ({ epoch: 0, nextSequence: 0, isOpen: false }));
    for (const { kind, producerId, producerEpoch, baseSequence, records } of this.#entries) {
      const producer = producers[producerId];
      if (producer === undefined) continue;
      if (kind === 'data') producer.nextSequence = baseSequence + records.length;
      else if (producerEpoch > producer.epoch) producer.nextSequence = 0;
      producer.epoch = producerEpoch;
      producer.isOpen = kind === 'data';
    }
    return producers;
  }

  async #end(scene: Scene): Promise<void> {
    const way = this.#draw(4);
    if (way === 0 && !this.#disk.faults.isPowerOff) {
      await scene.directory.close().catch((error: unknown) => {
        if (!this.#disk.faults.isPowerOff) throw error;
      });
      this.#disk = this.#disk.crash(this.#random.uint32());
    } else if (way === 1 && !this.#disk.faults.isPowerOff) {
      const { faults } = this.#disk;
      this.#disk = this.#disk.kill();
      faults.cutPowerAfter(0);
    } else {
      this.#disk.faults.cutPowerAfter(0);
      this.#disk = this.#disk.crash(this.#random.uint32());
    }
  }

  #newRecords(log: PartitionLog): CommittedRecord[] {
    return Array.from({ length: 1 + this.#draw(3) }, (_, index) => this.#newRecord(log.logEndOffset + index, false));
  }

  #newRecord(offset: number, isMarker: boolean): CommittedRecord {
    if (isMarker) return { offset, key: null, value: null };
    const value = this.#draw(10) === 0 ? null : `${this.#recordCount++}`.padEnd(1 + this.#draw(100), '.');
    return { offset, key: `k${this.#draw(12)}`, value };
  }

  /** 0 … count − 1. */
  #draw(count: number): number {
    return Math.floor(this.#random.float() * count);
  }
}

function endOf({ baseOffset, records }: Entry): number {
  return baseOffset + records.length;
}

function lineOf({ offset, key, value }: CommittedRecord): string {
  return `${offset} ${key}=${value}`;
}

function textOf(records: readonly CommittedRecord[]): string {
  return records.map(lineOf).join('\n');
}

function tableText(records: readonly CommittedRecord[]): string {
  const table = new Map<string | null, string>();
  for (const { key, value } of records) {
    if (value === null) table.delete(key);
    else table.set(key, value);
  }
  return [...table]
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join('\n');
}
