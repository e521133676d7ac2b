/**
 * Plays a story under a configuration of its own, drawn from a seed: sizes of segments and indexes, codec of the topic, memory, reads,
 * durability, and a disk that is stopped, killed or loses its power between the operations. None of it may be noticed.
 */
import { ManualClock, type Random, seededRandom } from '#core';
import { type AppendOptions, type PartitionLog, type SimulatedDisk, simulatedDisk } from '#storage';
import { type EpochStart, expectSame, isCleaned, LogCheck, Noticed } from './metamorphic-checks.ts';
import { VariantConfig } from './metamorphic-config.ts';
import { CLEANER_BACKOFF_MS, type Operation, type Story, type StoryBatch } from './metamorphic-story.ts';
import { openScene, type Scene, START_MS, TOPIC_ID } from './scene.ts';

/** Longer times are a jump of the wall clock. */
const TIMERS_MS_MAX = 3000;
const CLEANER_TURNS = 60;

export class Variant {
  readonly story: Story;
  readonly #config: VariantConfig;
  readonly #engineRandom: Random;
  #disk: SimulatedDisk;
  #scene!: Scene;
  #wallMs = START_MS;
  /** Records so far. */
  #endOffset = 0;
  #deletedTo = 0;
  #epochs: EpochStart[] = [];
  /** How often the directory was opened again. */
  interruptionCount = 0;
  segmentCountMax = 0;

  constructor(story: Story, seed: number) {
    this.story = story;
    this.#disk = simulatedDisk(seed);
    this.#config = new VariantConfig(seed, story);
    this.#engineRandom = seededRandom(seed + 1);
  }

  /** Throws `Noticed` when the configuration shows. */
  async play(): Promise<void> {
    await this.#open();
    for (const [index, operation] of this.story.operations.entries()) {
      try {
        await this.#do(operation);
        if (this.#config.happens(this.#config.interruptionShare)) await this.#interrupt();
      } catch (error) {
        if (!(error instanceof Noticed)) throw error;
        throw new Noticed(`operation ${index} (${operation.type}): ${error.message}\n${this.#config}`);
      }
    }
    await this.#scene.directory.close();
  }

  async #do(operation: Operation): Promise<void> {
    const log = this.#log;
    switch (operation.type) {
      case 'append':
        this.#append(operation.batch, 'client');
        break;
      case 'marker':
        this.#append(operation.batch, 'coordinator');
        break;
      case 'resend':
        this.#resend(operation.batch, operation.isLast);
        break;
      case 'refuse':
        this.#refuse(operation);
        break;
      case 'epoch':
        log.assignEpoch(operation.epoch);
        this.#assignEpoch(operation.epoch);
        break;
      case 'delete':
        await log.flush();
        await log.deleteRecords(operation.offset);
        this.#deletedTo = Math.max(this.#deletedTo, operation.offset);
        break;
      case 'advance':
        await this.#advance(operation.ms);
        break;
      case 'retain':
        await this.#retain();
        break;
      case 'clean':
        await this.#clean();
        break;
      case 'check':
        await this.#check();
        break;
    }
    if (this.#config.happens(this.#config.turnShare)) await turn();
    const { logStartOffset, logEndOffset } = log;
    expectSame('the end of the log', logEndOffset, this.#endOffset);
    if (logStartOffset < this.#deletedTo)
      throw new Noticed(`it starts at ${logStartOffset}, deleted was up to ${this.#deletedTo}`);
  }

  #append({ bytes, baseOffset, lastOffset }: StoryBatch, origin: AppendOptions['origin']): void {
    const epoch = this.#epochs.at(-1)?.epoch ?? 0;
    const result = this.#log.append(Buffer.from(bytes), { leaderEpoch: epoch, origin });
    expectSame(
      'an append',
      [result.error?.name, result.isDuplicate, result.baseOffset, result.lastOffset],
      [undefined, false, baseOffset, lastOffset],
    );
    this.#assignEpoch(epoch);
    this.#endOffset = lastOffset + 1;
  }

  /** Of a batch that was deleted nothing need be known. */
  #resend({ bytes, baseOffset, lastOffset }: StoryBatch, isLast: boolean): void {
    if (!this.#isKnown(baseOffset)) return;
    const result = this.#log.append(Buffer.from(bytes), { leaderEpoch: 0, origin: 'client' });
    // The cleaner keeps the last batch of a producer, and only that for certain.
    if (this.#isCleaned && !isLast && result.error?.name === 'OUT_OF_ORDER_SEQUENCE_NUMBER') return;
    expectSame(
      'a batch that comes again',
      [result.isDuplicate, result.baseOffset, result.lastOffset],
      [true, baseOffset, lastOffset],
    );
  }

  #refuse({ bytes, last, error }: Operation & { type: 'refuse' }): void {
    if (!this.#isKnown(last.baseOffset)) return;
    const result = this.#log.append(Buffer.from(bytes), { leaderEpoch: 0, origin: 'client' });
    expectSame('a batch out of order', result.error?.name, error);
  }

  #assignEpoch(epoch: number): void {
    if (this.#epochs.at(-1)?.epoch === epoch) return;
    this.#epochs = this.#epochs.filter(({ startOffset }) => startOffset < this.#endOffset);
    this.#epochs.push({ epoch, startOffset: this.#endOffset });
  }

  async #advance(ms: number): Promise<void> {
    this.#wallMs += ms;
    if (ms < TIMERS_MS_MAX) await this.#scene.clock.advance(ms);
    this.#scene.clock.setWall(this.#wallMs);
  }

  /** Whole segments go, so how far depends on where they end; but never too far. */
  async #retain(): Promise<void> {
    const log = this.#log;
    const { logStartOffset: before } = log;
    await log.flush();
    await log.segmentWork.retain(this.#wallMs, true, Number.POSITIVE_INFINITY);
    const { retentionMs, retentionBytes } = this.story;
    const removed = this.story.records.slice(Math.max(before, this.#deletedTo), log.logStartOffset);
    if (removed.length === 0) return;
    const oldest = this.#wallMs - retentionMs;
    const isTooYoung = retentionMs >= 0 && removed.some(({ timestamp }) => timestamp > oldest);
    const isTooMuch = retentionBytes >= 0 && log.sizeInBytes < retentionBytes;
    if (isTooYoung || isTooMuch || (retentionMs < 0 && retentionBytes < 0))
      throw new Noticed(`retention went to ${log.logStartOffset}`);
  }

  async #clean(): Promise<void> {
    this.#wallMs += CLEANER_BACKOFF_MS;
    await this.#log.flush();
    await this.#scene.clock.advance(CLEANER_BACKOFF_MS);
    for (let i = 0; i < CLEANER_TURNS; i++) await turn();
  }

  /** The directory is opened again: after a stop, a kill, or, with everything synced, a power cut. */
  async #interrupt(): Promise<void> {
    this.interruptionCount++;
    this.segmentCountMax = Math.max(this.segmentCountMax, this.#log.segmentCount);
    const way = this.#config.pick(['stop', 'kill', 'power cut'] as const);
    if (way === 'stop') await this.#scene.directory.close();
    else {
      await this.#log.flush();
      await this.#log.epochsStored();
      const dead = this.#disk;
      this.#disk = way === 'kill' ? dead.kill() : dead.crash(this.#config.draw(2 ** 32));
      dead.faults.cutPowerAfter(0);
    }
    if (this.#config.draw(3) === 0) await this.#loseDerivable();
    await this.#open();
  }

  /** Files that say nothing that is not elsewhere too. (Behind a cleaner epochs are in no batch any more.) */
  async #loseDerivable(): Promise<void> {
    const lost = /\.index$|\.timeindex$|\.snapshot$|^partition\.metadata$|^recovery-point-|^replication-offset-/;
    for (const folder of ['/data', '/data/t-0']) {
      for (const { name } of await this.#disk.list(folder)) {
        const isDerivable = lost.test(name) || (name === 'leader-epoch-checkpoint' && !this.#isCleaned);
        if (isDerivable && this.#config.draw(2) === 0) await this.#disk.remove(`${folder}/${name}`);
      }
      await this.#disk.syncDirectory(folder);
    }
  }

  async #open(): Promise<void> {
    // A new clock: nobody fires the timers of a directory that was killed.
    const clock = new ManualClock(this.#wallMs);
    this.#scene = await openScene({
      ...this.#config.directory,
      disk: this.#disk,
      clock,
      random: this.#engineRandom,
    });
    this.#scene.directory.create('t', 0, TOPIC_ID, this.#config.topic);
  }

  async #check(): Promise<void> {
    await this.#log.flush();
    await new LogCheck(this.story, this.#config, this.#log, this.#endOffset).run(this.#epochs);
  }

  get #isCleaned(): boolean {
    return isCleaned(this.story, this.#config);
  }

  #isKnown(baseOffset: number): boolean {
    return baseOffset >= this.#log.logStartOffset;
  }

  get #log(): PartitionLog {
    return this.#scene.directory.get('t', 0)!;
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
