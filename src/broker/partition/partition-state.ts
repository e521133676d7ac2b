/**
 * What a broker knows about one partition it hosts: who leads in which epoch, which replicas are in sync, how far each of them has
 * got, and from that the high watermark. The rule is Kafka's and has no special case for one replica: the high watermark is the
 * smallest end offset over the in-sync replicas, and it never goes back.
 *
 *     role       from                 legal moves
 *     offline    (new)                assign → leader | follower
 *     leader     assign, leader = me  localAdvanced, replicaFetched, shrinkIsr/assign (same or higher epochs), assign → follower
 *     follower   assign, leader ≠ me  assign → leader
 *
 * The end offset of the local replica is the *durable* end of its log: in `sync` durability what a power cut cannot take back.
 * Pure: no I/O, no clock. `hosted-partition.ts` is its shell.
 */
import { assert } from '#core';
import { Errors, type KafkaErrorRow } from '#protocol';

/** One partition as the controller assigned it. */
export interface PartitionAssignment {
  /** Node id of the leader, -1 when there is none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

const UNASSIGNED: PartitionAssignment = { leader: -1, leaderEpoch: -1, partitionEpoch: -1, replicas: [], isr: [] };

export class PartitionState {
  readonly localId: number;
  #assignment: PartitionAssignment = UNASSIGNED;
  #highWatermark: number;
  /** End offset of each replica that has reported one; the local one always has. */
  readonly #endOffsets = new Map<number, number>();

  /** @param highWatermark where a replica that starts may begin: its checkpointed high watermark, or its log start. */
  constructor(localId: number, highWatermark: number) {
    this.localId = localId;
    this.#highWatermark = highWatermark;
  }

  get assignment(): PartitionAssignment {
    return this.#assignment;
  }

  get leaderEpoch(): number {
    return this.#assignment.leaderEpoch;
  }

  get isLeader(): boolean {
    return this.#assignment.leader === this.localId;
  }

  /** Offsets below this one are committed: every in-sync replica has them. */
  get highWatermark(): number {
    return this.#highWatermark;
  }

  /**
   * Takes over an assignment. Older ones than the present (by leader epoch, then partition epoch) are ignored, as a late message is.
   *
   * @param localEndOffset durable end of the local log at this moment
   * @returns whether it was taken
   */
  assign(assignment: PartitionAssignment, localEndOffset: number): boolean {
    const current = this.#assignment;
    if (assignment.leaderEpoch < current.leaderEpoch) return false;
    if (assignment.leaderEpoch === current.leaderEpoch && assignment.partitionEpoch <= current.partitionEpoch)
      return false;
    assert(
      assignment.isr.every((id) => assignment.replicas.includes(id)),
      'the in-sync set is a subset of the replicas',
    );
    if (assignment.leaderEpoch > current.leaderEpoch) this.#endOffsets.clear();
    this.#assignment = assignment;
    this.#endOffsets.set(this.localId, localEndOffset);
    this.#advance();
    return true;
  }

  /** The durable end of the local log moved. @returns whether the high watermark moved */
  localAdvanced(endOffset: number): boolean {
    return this.#replicaAdvanced(this.localId, endOffset);
  }

  /** Replica `replicaId` fetched from `endOffset`, so it has everything below. @returns whether the high watermark moved */
  replicaFetched(replicaId: number, endOffset: number): boolean {
    assert(this.isLeader, 'only a leader learns from fetches of its replicas');
    assert(this.#assignment.replicas.includes(replicaId), `node ${replicaId} is not a replica`);
    return this.#replicaAdvanced(replicaId, endOffset);
  }

  /** Whether acks=all may be promised: enough replicas are in sync. @param minInsyncReplicas topic config of that name */
  hasEnoughReplicas(minInsyncReplicas: number): boolean {
    return this.#assignment.isr.length >= Math.min(minInsyncReplicas, Math.max(1, this.#assignment.replicas.length));
  }

  /**
   * May a request with this leader epoch be served? -1 means the client does not know one.
   *
   * @see KIP-320
   */
  checkLeader(currentLeaderEpoch: number): KafkaErrorRow {
    if (currentLeaderEpoch !== -1 && currentLeaderEpoch < this.leaderEpoch) return Errors.FENCED_LEADER_EPOCH;
    if (currentLeaderEpoch > this.leaderEpoch) return Errors.UNKNOWN_LEADER_EPOCH;
    return this.isLeader ? Errors.NONE : Errors.NOT_LEADER_OR_FOLLOWER;
  }

  #replicaAdvanced(replicaId: number, endOffset: number): boolean {
    const known = this.#endOffsets.get(replicaId);
    if (known !== undefined && endOffset <= known) return false;
    this.#endOffsets.set(replicaId, endOffset);
    return this.#advance();
  }

  #advance(): boolean {
    if (!this.isLeader || this.#assignment.isr.length === 0) return false;
    let smallest = Number.MAX_SAFE_INTEGER;
    for (const id of this.#assignment.isr)
      smallest = Math.min(smallest, this.#endOffsets.get(id) ?? this.#highWatermark);
    if (smallest <= this.#highWatermark) return false;
    this.#highWatermark = smallest;
    return true;
  }
}
