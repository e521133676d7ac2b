/** What opening a partition's folder came to. */
import type { Uuid } from '#core';
import type { TopicConfig } from '../config.ts';
import type { ProducerState } from '../producers/producer-state.ts';
import type { DamagedRange } from '../recovery/damage-book.ts';
import type { RestoredEpochs } from '../recovery/log-state.ts';
import type { Segment } from '../segment/segment.ts';

export interface LoadedLog {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: Uuid;
  readonly folder: string;
  readonly config: TopicConfig;
  readonly segments: readonly Segment[];
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly recoveryPoint: number;
  readonly storedRecoveryPoint: number;
  /** @see SegmentsOwner */
  readonly compactedTo: number;
  /** What is damaged below what was durable: the log takes no records. */
  readonly damage: readonly DamagedRange[];
  readonly epochs: RestoredEpochs;
  readonly producers: ProducerState;
  /** Indexes and producer state are in their files, synced, for all of the log. */
  readonly isSealed: boolean;
}
