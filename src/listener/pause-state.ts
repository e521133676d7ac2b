/**
 * Which partitions should be paused, and why. Pure: reasons go in, a difference for the consumer comes out. What the
 * application paused on the consumer itself is left alone.
 */
import { PartitionMap, type TopicPartition, type TopicPartitionLike } from '#serde';

/** `requested`: pause() was called. `handler`: a handler, retry or nack is under way. `unacked`: too many open records. */
export type HoldReason = 'requested' | 'handler' | 'unacked';

export interface PauseChange {
  pause: TopicPartition[];
  resume: TopicPartition[];
}

export class PauseState {
  private readonly holds = new Set<HoldReason>();
  private readonly requested = new PartitionMap<true>();
  /** Paused by this state, and not by the application. */
  private readonly ours = new PartitionMap<true>();

  /** Returns whether that changed anything. */
  hold(reason: HoldReason, isHeld: boolean): boolean {
    if (this.holds.has(reason) === isHeld) return false;
    if (isHeld) this.holds.add(reason);
    else this.holds.delete(reason);
    return true;
  }

  isHeld(reason?: HoldReason): boolean {
    return reason === undefined ? this.holds.size > 0 : this.holds.has(reason);
  }

  requestPartition(partition: TopicPartitionLike, isPaused: boolean): void {
    if (isPaused) this.requested.set(partition, true);
    else this.requested.delete(partition);
  }

  isPartitionRequested(partition: TopicPartitionLike): boolean {
    return this.requested.has(partition);
  }

  /** What to tell the consumer, given what it has; afterwards it is taken as done. */
  change(assignment: readonly TopicPartition[], paused: readonly TopicPartition[]): PauseChange {
    const isPaused = new PartitionMap<true>(paused.map((of) => [of, true] as const));
    const change: PauseChange = { pause: [], resume: [] };
    const assigned = new PartitionMap<true>();
    for (const of of assignment) {
      assigned.set(of, true);
      const isWanted = this.holds.size > 0 || this.requested.has(of);
      if (isWanted && !isPaused.has(of)) {
        this.ours.set(of, true);
        change.pause.push(of);
      } else if (!isWanted && this.ours.delete(of) && isPaused.has(of)) {
        change.resume.push(of);
      }
    }
    for (const [of] of [...this.ours]) if (!assigned.has(of)) this.ours.delete(of);
    return change;
  }
}
