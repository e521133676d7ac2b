/** A configuration that nobody should notice: sizes, codecs, memory, durability, a cleaner, and how rough the disk's life is. */
import { type Random, seededRandom } from '#core';
import { type CleanerConfig, type LogDirectoryOptions, type TopicConfig } from '#storage';
import { CLEANER_BACKOFF_MS, type Story } from './metamorphic-story.ts';
import { smallConfig } from './scene.ts';

export class VariantConfig {
  readonly topic: TopicConfig;
  readonly directory: Partial<LogDirectoryOptions>;
  readonly readBytesMax: number;
  /** How often the directory is opened again, and how often a turn goes by, between two operations. */
  readonly interruptionShare: number;
  readonly turnShare: number;
  readonly #random: Random;

  constructor(seed: number, story: Story) {
    this.#random = seededRandom(seed);
    this.topic = this.#drawTopic(story);
    this.directory = {
      durability: this.pick(['sync', 'os'] as const),
      tailBytesPerLogMax: this.pick([0, 3000, undefined]),
      memoryBytesMax: this.pick([1, 5000, undefined]),
      openFilesMax: this.pick([1, 4, undefined]),
      cleaner: this.#drawCleaner(),
      retentionCheckMs: Number.MAX_SAFE_INTEGER,
    };
    this.readBytesMax = this.pick([1, 200, 2000, 1_000_000]);
    this.turnShare = this.pick([0, 0.2, 1]);
    this.interruptionShare = this.pick([0, 0.05, 0.3]);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.draw(choices.length)];
  }

  /** 0 … count − 1. */
  draw(count: number): number {
    return Math.floor(this.#random.float() * count);
  }

  happens(share: number): boolean {
    return this.#random.float() < share;
  }

  /** What differs from the usual. */
  toString(): string {
    const usual = smallConfig();
    const topic = Object.entries(this.topic).filter(
      ([key, value]) => JSON.stringify(value) !== JSON.stringify(usual[key as keyof TopicConfig]),
    );
    return JSON.stringify({ ...Object.fromEntries(topic), ...this.directory, readBytesMax: this.readBytesMax });
  }

  #drawTopic({ isStamped, kind, retentionMs, retentionBytes }: Story): TopicConfig {
    return smallConfig({
      'segment.bytes': this.pick([1000, 2000, 6000, 1_000_000]),
      'segment.ms': this.pick([1, 4000, 1e12]),
      'segment.jitter.ms': this.pick([0, 1000]),
      'index.interval.bytes': this.pick([0, 100, 700, 4096]),
      'segment.index.bytes': this.pick([24, 120, 1_000_000]),
      'compression.type': this.pick(['producer', 'producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd']),
      'flush.messages': this.pick([1, 5, Number.MAX_SAFE_INTEGER]),
      preallocate: this.draw(2) === 0,
      'message.timestamp.type': isStamped ? 'LogAppendTime' : 'CreateTime',
      'retention.ms': retentionMs,
      'retention.bytes': retentionBytes,
      'cleanup.policy': [kind === 'keyed' ? 'compact' : 'delete'],
      'min.cleanable.dirty.ratio': this.pick([0, 0.3]),
      'delete.retention.ms': this.pick([0, 1e12]),
    });
  }

  #drawCleaner(): CleanerConfig | undefined {
    if (this.draw(3) === 0) return undefined;
    return {
      backoffMs: CLEANER_BACKOFF_MS,
      dedupeBufferBytes: this.pick([24 * 40, 1_000_000]),
      dedupeLoadFactor: 0.9,
      ioBufferBytes: this.pick([64, 4096]),
      ioBytesPerSecondMax: Number.POSITIVE_INFINITY,
    };
  }
}
