/**
 * What an assignor is: given the partition counts of all subscribed topics and the members with what they asked for and hold, it says who
 * gets what. It is a plain function of its arguments, so the leader of a mixed group may be a Java consumer in one generation and ours in
 * the next without partitions moving.
 */

/** One partition, as data. */
export interface TopicPartitionId {
  readonly topic: string;
  readonly partition: number;
}

/** How members give partitions up: all of them before every join, or only those that move, in a second round. @see KIP-429 */
export type RebalanceProtocol = 'eager' | 'cooperative';

/** One member's subscription, as the leader reads it from the join response. */
export interface AssignorMember {
  readonly topics: readonly string[];
  /** What the member says it holds (subscription v1+; empty below). */
  readonly ownedPartitions: readonly TopicPartitionId[];
  /** The generation in which it held them (subscription v2+); -1 when unknown. */
  readonly generationId: number;
  readonly userData: Buffer | null;
  readonly groupInstanceId?: string | null;
  readonly rackId?: string | null;
}

/** What an assignor may tell the next leader about this member. */
export interface AssignorState {
  /** The assignment this member got last, `null` when it never got one. */
  readonly lastAssignment: readonly TopicPartitionId[] | null;
  /** The generation of that assignment; -1 when there is none. */
  readonly generationId: number;
}

/** Member id → its partitions. Every member has an entry. */
export type Assignment = Map<string, TopicPartitionId[]>;

/** A partition assignment strategy; see the module's opening paragraph. */
export interface Assignor {
  readonly name: 'range' | 'roundrobin' | 'sticky' | 'cooperative-sticky';
  /** Supported protocols, preferred first. */
  readonly protocols: readonly RebalanceProtocol[];
  /** The user data of the next subscription; absent = none. The buffer belongs to the caller. */
  subscriptionUserData?(state: AssignorState): Buffer | null;
  /**
   * Assigns every partition of `partitionCounts` that somebody subscribes to. Topics without metadata are left out of `partitionCounts`.
   * `members` is best given in the order of the join response (Java's tie-breaks depend on it in rare cases).
   */
  assign(partitionCounts: ReadonlyMap<string, number>, members: ReadonlyMap<string, AssignorMember>): Assignment;
}

/** Compares by UTF-16 code units, as Java's `String.compareTo` does. */
export function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * Member ids in the order in which range and round-robin serve them: static members first, by instance id, then dynamic ones by member id.
 * @see KIP-345
 */
export function sortedMemberIds(members: ReadonlyMap<string, AssignorMember>): string[] {
  return [...members.keys()].sort((left, right) => {
    const leftInstanceId = members.get(left)?.groupInstanceId ?? null;
    const rightInstanceId = members.get(right)?.groupInstanceId ?? null;
    if (leftInstanceId !== null && rightInstanceId !== null) return compareText(leftInstanceId, rightInstanceId);
    if (leftInstanceId !== null) return -1;
    if (rightInstanceId !== null) return 1;
    return compareText(left, right);
  });
}
