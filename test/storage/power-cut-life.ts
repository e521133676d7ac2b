/**
 * A log directory that lives several lives on a simulated disk, each ended by a power cut, a kill or a clean stop, wherever that
 * comes; and the book of what it promised in them. Everything is drawn from one seed.
 */
import { ManualClock, type Random, seededRandom } from '#core';
import { type PartitionLog, type SimulatedDisk, simulatedDisk } from '#storage';
import { batchOf, openScene, readValues, type Scene, START_MS, smallConfig, TOPIC_ID } from './scene.ts';
import { checkIndexFiles, readBatches } from './segment-files.ts';

interface SentBatch {
  readonly baseSequence: number;
  readonly baseOffset: number;
  readonly values: readonly string[];
}

/** What is known of a partition whatever the disk forgets. */
class PartitionBook {
  readonly topic: string;
  readonly partition: number;
  /** By offset: what was appended there last. */
  values: string[] = [];
  /** By offset: the leader epoch it was appended in. */
  epochs: number[] = [];
  /** Offsets below were reported durable, or shown by a start. */
  shownEndOffset = 0;
  /** Batches of the idempotent producer that may be in the log, oldest first. */
  sent: SentBatch[] = [];
  producerEpoch = 0;
  leaderEpoch = 0;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  get name(): string {
    return `${this.topic}-${this.partition}`;
  }
}

/** What broke, in words; thrown. */
class Broken extends Error {}

const LIVES_MAX = 6;
const APPENDS_MAX = 45;
const PRODUCER_ID = 7;
const DUPLICATES_KNOWN = 5;

export class PowerCutRun {
  readonly #random: Random;
  /** What the engine draws does not shift what the run draws: a seed stays what it is while the engine changes. */
  readonly #engineRandom: Random;
  readonly #books: PartitionBook[] = [];
  readonly #config;
  readonly #tailBytesPerLogMax: number;
  readonly #markBytes: number;
  readonly #turnsMax: number;
  #disk: SimulatedDisk;
  #wallMs = START_MS;
  #recordCount = 0;
  /** How many starts, cut starts and acknowledged offsets there were. */
  readonly counts = { starts: 0, cutStarts: 0, shown: 0 };

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#engineRandom = seededRandom(seed + 1_000_000);
    this.#disk = simulatedDisk(seed);
    // Two of three store their indexes often.
    this.#markBytes = [300, 1500, 1_000_000][seed % 3];
    this.#config = smallConfig({
      'segment.bytes': 3000 + this.#draw(3000),
      'index.interval.bytes': 1 + this.#draw(300),
      'segment.jitter.ms': 0,
    });
    this.#tailBytesPerLogMax = this.#draw(2) === 0 ? 0 : 1_000_000;
    this.#turnsMax = this.#draw(4);
    const topicCount = 1 + this.#draw(2);
    for (let topic = 0; topic < topicCount; topic++) {
      const partitionCount = 1 + this.#draw(3);
      for (let partition = 0; partition < partitionCount; partition++)
        this.#books.push(new PartitionBook(`t${topic}`, partition));
    }
  }

  /** Throws when a promise was broken. */
  async run(): Promise<void> {
    const lives = 2 + this.#draw(LIVES_MAX - 1);
    for (let life = 0; life < lives; life++) {
      const scene = await this.#start();
      if (scene === undefined) continue;
      await this.#live(scene);
      await this.#end(scene);
    }
    this.#disk.before = () => {};
    const scene = await this.#open(this.#disk);
    await this.#check(scene);
    for (const book of this.#books) this.counts.shown += book.shownEndOffset;
  }

  /** Undefined when the power went before the start was through. */
  async #start(): Promise<Scene | undefined> {
    this.#hold(this.#disk);
    if (this.#draw(3) === 0) this.#disk.faults.cutPowerAfter(this.#draw(120));
    if (this.#draw(4) === 0) await this.#openTwice();
    try {
      this.counts.starts++;
      const scene = await this.#open(this.#disk);
      await this.#check(scene);
      return scene;
    } catch (error) {
      if (error instanceof Broken || !this.#disk.faults.isPowerOff) throw error;
      this.counts.cutStarts++;
      this.#crash();
      return undefined;
    }
  }

  #open(disk: SimulatedDisk): Promise<Scene> {
    this.#wallMs += 60_000;
    return openScene({
      disk,
      durability: 'sync',
      random: this.#engineRandom,
      clock: new ManualClock(this.#wallMs),
      tailBytesPerLogMax: this.#tailBytesPerLogMax,
      markBytes: this.#markBytes,
    });
  }

  /** Starts that nobody sees: the first and the second one find the same. */
  async #openTwice(): Promise<void> {
    const disk = this.#disk.kill();
    const first = await this.#contents(await this.#open(disk));
    const second = await this.#contents(await this.#open(disk.kill()));
    const third = await this.#contents(await this.#open(disk.crash(this.#random.uint32())));
    for (const again of [second, third]) {
      if (again !== first) throw new Broken(`opening twice gives first\n${first}\nand then\n${again}`);
    }
  }

  async #contents(scene: Scene): Promise<string> {
    const lines: string[] = [];
    for (const log of scene.directory.logs()) {
      const values = (await readValues(log)).join();
      lines.push(`${log.topic}-${log.partition} ${log.topicId} ${log.logStartOffset}..${log.logEndOffset} ${values}`);
    }
    return lines.sort().join('\n');
  }

  /** Steps that the real disk takes its time for end some turns later. */
  #hold(disk: SimulatedDisk): void {
    disk.before = async (step) => {
      if (step === 'open' || step === 'write' || step === 'truncate' || step === 'makeDirectory') return;
      for (let turns = this.#draw(this.#turnsMax + 1); turns > 0; turns--) await turn();
    };
  }

  async #check(scene: Scene): Promise<void> {
    for (const book of this.#books) {
      const known = scene.directory.get(book.topic, book.partition);
      if (book.shownEndOffset > 0 && known?.topicId !== TOPIC_ID)
        throw new Broken(`${book.name} lost its ${known === undefined ? 'folder' : 'topic id'}`);
      const log = scene.directory.create(book.topic, book.partition, TOPIC_ID, this.#config);
      await this.#checkLog(book, log);
      await checkIndexFiles(this.#disk, log);
      this.#checkDuplicates(book, log);
    }
  }

  async #checkLog(book: PartitionBook, log: PartitionLog): Promise<void> {
    const { shownEndOffset } = book;
    if (log.logEndOffset < shownEndOffset)
      throw new Broken(`${book.name} ends at ${log.logEndOffset}, and ${shownEndOffset} was shown`);
    if (log.highWatermark < shownEndOffset) throw new Broken(`${book.name} takes its high watermark back`);
    const read = await readValues(log, 0, 200 + this.#draw(5000));
    for (const [offset, text] of read.entries()) {
      const expected = `${offset}=${book.values[offset]}`;
      if (text !== expected) throw new Broken(`${book.name} has ${text} where ${expected} was appended`);
    }
    if (read.length !== log.logEndOffset)
      throw new Broken(`${book.name} has ${read.length} records and ends at ${log.logEndOffset}`);
    const batches = await readBatches(log);
    for (let i = 0; i < 3 && read.length > 0; i++)
      await this.#checkLookups(book, log, batches, this.#draw(read.length));
    book.values = book.values.slice(0, log.logEndOffset);
    book.shownEndOffset = log.logEndOffset;
  }

  /** By offset and by time: each record's timestamp is its offset after `START_MS`. */
  async #checkLookups(
    book: PartitionBook,
    log: PartitionLog,
    batches: readonly { baseOffset: number; lastOffset: number }[],
    offset: number,
  ): Promise<void> {
    const [first] = await readValues(log, offset, 1);
    if (first !== `${offset}=${book.values[offset]}`) throw new Broken(`${book.name}: offset ${offset} reads ${first}`);
    const found = await log.offsetForTimestamp(START_MS + offset, log.logEndOffset);
    if (found?.offset !== offset)
      throw new Broken(`${book.name}: the time of offset ${offset} leads to ${found?.offset}`);
    if (log.epochAt(offset) !== book.epochs[offset])
      throw new Broken(`${book.name}: offset ${offset} has epoch ${log.epochAt(offset)}, not ${book.epochs[offset]}`);
    if (!batches.some((batch) => batch.baseOffset <= offset && offset <= batch.lastOffset))
      throw new Broken(`${book.name}: no batch holds ${offset}`);
  }

  /** The last batches of the idempotent producer that are in the log are known; the one after them is welcome. */
  #checkDuplicates(book: PartitionBook, log: PartitionLog): void {
    book.sent = book.sent.filter((batch) => batch.baseOffset + batch.values.length <= log.logEndOffset);
    for (const batch of book.sent.slice(-DUPLICATES_KNOWN)) {
      const result = log.append(this.#encode(book, batch), { leaderEpoch: book.leaderEpoch, origin: 'client' });
      if (!result.isDuplicate || result.baseOffset !== batch.baseOffset)
        throw new Broken(
          `${book.name}: sequence ${batch.baseSequence} at ${batch.baseOffset} came again and got ${result.error?.name ?? result.baseOffset}`,
        );
    }
  }

  async #live(scene: Scene): Promise<void> {
    const appends = this.#draw(APPENDS_MAX);
    const { faults } = this.#disk;
    if (this.#draw(2) === 0 && !faults.isPowerOff) faults.cutPowerAfter(this.#draw(200));
    for (const book of this.#books) {
      if (this.#draw(3) === 0) scene.directory.get(book.topic, book.partition)?.assignEpoch(++book.leaderEpoch);
    }
    for (let i = 0; i < appends && !this.#disk.faults.isPowerOff; i++) {
      const book = this.#books[this.#draw(this.#books.length)];
      this.#append(scene, book);
      if (this.#draw(3) === 0) await turn();
      if (this.#draw(12) === 0) await scene.clock.advance(1000);
    }
  }

  #append(scene: Scene, book: PartitionBook): void {
    const log = scene.directory.get(book.topic, book.partition);
    if (log === undefined) return;
    const values = Array.from({ length: 1 + this.#draw(4) }, () => this.#newValue());
    const last = book.sent.at(-1);
    const baseSequence = last === undefined ? 0 : last.baseSequence + last.values.length;
    const batch = { baseSequence, baseOffset: log.logEndOffset, values };
    const isIdempotent = this.#draw(3) > 0;
    const records = isIdempotent ? this.#encode(book, batch) : batchOf(values, { timestamps: times(batch) });
    const result = log.append(records, { leaderEpoch: book.leaderEpoch, origin: 'client' });
    if (result.error !== undefined) {
      if (this.#disk.faults.isPowerOff) return;
      throw new Broken(`${book.name} refuses ${result.error.name}: ${result.errorMessage}`);
    }
    if (result.isDuplicate || result.baseOffset !== batch.baseOffset)
      throw new Broken(`${book.name}: appended at ${result.baseOffset}, not ${batch.baseOffset}`);
    for (const [index, value] of values.entries()) {
      book.values[batch.baseOffset + index] = value;
      book.epochs[batch.baseOffset + index] = book.leaderEpoch;
    }
    if (isIdempotent) book.sent.push(batch);
    const endOffset = batch.baseOffset + values.length;
    log.whenDurable(endOffset, (error) => {
      if (error === undefined) book.shownEndOffset = Math.max(book.shownEndOffset, endOffset);
    });
  }

  #encode(book: PartitionBook, batch: SentBatch): Buffer {
    const producer = {
      producerId: PRODUCER_ID,
      producerEpoch: book.producerEpoch,
      baseSequence: batch.baseSequence,
    };
    return batchOf(batch.values, { ...producer, timestamps: times(batch) });
  }

  async #end(scene: Scene): Promise<void> {
    const way = this.#draw(8);
    if (way < 2 && !this.#disk.faults.isPowerOff) {
      // A clean stop, which the power may cut; what it reports meanwhile counts.
      if (way === 0) this.#disk.faults.cutPowerAfter(this.#draw(60));
      await scene.directory.close().catch((error: unknown) => {
        if (!this.#disk.faults.isPowerOff) throw error;
      });
    }
    for (let turns = this.#draw(3); turns > 0; turns--) await turn();
    if (way === 7 && !this.#disk.faults.isPowerOff) this.#kill();
    else this.#crash();
  }

  /** Nothing that the dead directory still says counts. */
  #crash(): void {
    this.#disk.faults.cutPowerAfter(0);
    this.#disk = this.#disk.crash(this.#draw(10) === 0 ? undefined : this.#random.uint32());
  }

  #kill(): void {
    const { faults } = this.#disk;
    this.#disk = this.#disk.kill();
    faults.cutPowerAfter(0);
  }

  #newValue(): string {
    return `${this.#recordCount++}`.padEnd(this.#draw(4) === 0 ? 600 : 1 + this.#draw(100), '.');
  }

  /** 0 … count − 1. */
  #draw(count: number): number {
    return Math.floor(this.#random.float() * count);
  }
}

function times(batch: SentBatch): number[] {
  return batch.values.map((_, index) => START_MS + batch.baseOffset + index);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
