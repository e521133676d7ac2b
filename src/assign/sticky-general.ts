/**
 * The sticky assignment when members subscribe to different topics: as balanced as the subscriptions allow, and sticky.
 *
 * 1. Every member keeps what it holds of topics it (still) subscribes to.
 * 2. Each remaining partition goes to the subscriber that has least.
 * 3. Partitions move from members with more to members with less, first only the newly given ones, then all, until no move improves the
 *    balance; the result is taken only when it is better than what step 2 left.
 *
 * After the general algorithm of Kafka's AbstractStickyAssignor (KIP-54), whose iteration order it keeps. One thing differs on purpose: the
 * original gives partitions back to a former owner without asking whether it still subscribes to the topic or takes part at all (the first
 * hands records to a consumer that did not ask for them, the second is a NullPointerException). It was seen in 4 of 16,000 random groups.
 */
import { assert } from '#core';
import { type AssignorMember, compareText } from './assignor.ts';
import type { Claims } from './claims.ts';
import { LoadOrder } from './load-order.ts';
import type { PartitionIndex } from './partition-index.ts';
import { PartitionMovements } from './partition-movements.ts';

const NOBODY = -1;

/** Assigns every partition of `index` that somebody subscribes to: partition numbers per member. */
export function assignGeneralSubscriptions(
  index: PartitionIndex,
  members: ReadonlyMap<string, AssignorMember>,
  claims: Claims,
): Map<string, number[]> {
  return new GeneralAssignment(index, members, claims).build();
}

class GeneralAssignment {
  readonly #index: PartitionIndex;
  readonly #previous: Claims['previous'];
  /** Members by index, sorted by id, so that an index comparison is an id comparison. */
  readonly #memberIds: string[];
  readonly #memberIndexes: Map<string, number>;
  /** Topic indexes each member subscribes to. */
  readonly #topicsOf: Array<Set<number>>;
  readonly #subscriberCounts: Uint32Array;
  readonly #order: LoadOrder;
  readonly #movements: PartitionMovements;
  /** Partition number → member index. */
  #ownerOf: Int32Array;
  #isRevocationRequired = false;

  constructor(index: PartitionIndex, members: ReadonlyMap<string, AssignorMember>, claims: Claims) {
    this.#index = index;
    this.#previous = claims.previous;
    this.#memberIds = [...claims.memberIds].sort(compareText);
    this.#memberIndexes = new Map(this.#memberIds.map((memberId, memberIndex) => [memberId, memberIndex]));
    this.#subscriberCounts = new Uint32Array(index.topics.length);
    this.#topicsOf = this.#memberIds.map((memberId) => this.#knownTopics(members.get(memberId)!.topics));
    this.#order = new LoadOrder(this.#memberIds.length);
    this.#ownerOf = new Int32Array(index.count).fill(NOBODY);
    this.#movements = new PartitionMovements(index);
    this.#keepOwned(claims);
  }

  build(): Map<string, number[]> {
    const all = this.#partitionsByScarcity();
    const unassigned = all.filter((partition) => this.#ownerOf[partition] === NOBODY);
    for (let member = 0; member < this.#memberIds.length; member++) this.#order.add(member);
    const isInitial = this.#order.load(this.#order.last()) === 0;
    for (const partition of unassigned) this.#giveToLeastLoaded(partition);
    const isMovable = (partition: number) => this.#subscriberCounts[this.#index.topicIndexOf(partition)] >= 2;
    this.#balance(isInitial, all.filter(isMovable), unassigned.filter(isMovable));
    return this.#result();
  }

  #knownTopics(topics: readonly string[]): Set<number> {
    const known = new Set<number>();
    for (const topic of topics) {
      const topicIndex = this.#index.topicIndex(topic);
      if (topicIndex < 0 || known.has(topicIndex)) continue;
      known.add(topicIndex);
      this.#subscriberCounts[topicIndex] += 1;
    }
    return known;
  }

  #keepOwned(claims: Claims): void {
    for (const [memberId, partitions] of claims.owned) {
      const member = this.#memberIndexes.get(memberId)!;
      for (const partition of partitions) {
        if (this.#topicsOf[member].has(this.#index.topicIndexOf(partition))) {
          this.#ownerOf[partition] = member;
          this.#order.setLoad(member, this.#order.load(member) + 1);
        } else {
          this.#isRevocationRequired = true;
        }
      }
    }
  }

  /** Partitions of topics with few subscribers first: they have the least choice. */
  #partitionsByScarcity(): number[] {
    const topicIndexes = this.#index.topics.map((_, topicIndex) => topicIndex);
    topicIndexes.sort((left, right) => this.#subscriberCounts[left] - this.#subscriberCounts[right] || left - right);
    const partitions: number[] = [];
    for (const topicIndex of topicIndexes) {
      for (let number = this.#index.starts[topicIndex]; number < this.#index.starts[topicIndex + 1]; number++) {
        partitions.push(number);
      }
    }
    return partitions;
  }

  #giveToLeastLoaded(partition: number): void {
    const member = this.#leastLoadedSubscriber(partition);
    if (member !== NOBODY) this.#give(partition, member);
  }

  #leastLoadedSubscriber(partition: number): number {
    const topicIndex = this.#index.topicIndexOf(partition);
    for (let rank = 0; rank < this.#order.count; rank++) {
      const member = this.#order.at(rank);
      if (this.#topicsOf[member].has(topicIndex)) return member;
    }
    return NOBODY;
  }

  #give(partition: number, member: number): void {
    const former = this.#ownerOf[partition];
    if (former !== NOBODY) this.#order.move(former, -1);
    this.#order.move(member, 1);
    this.#ownerOf[partition] = member;
  }

  #balance(isInitial: boolean, movable: number[], movableUnassigned: number[]): void {
    for (let member = 0; member < this.#memberIds.length; member++) {
      if (!this.#canTakePart(member)) this.#order.remove(member);
    }
    if (this.#order.count === 0) return;
    const ownerBefore = this.#ownerOf.slice();
    const scoreBefore = this.#order.imbalance();
    if (!this.#isRevocationRequired) this.#reassign(movableUnassigned);
    const hasMoved = this.#reassign(movable);
    if (!isInitial && hasMoved && this.#order.imbalance() >= scoreBefore) this.#ownerOf = ownerBefore;
  }

  /** A member that has all it can get, all of it from topics that nobody else reads, has nothing to give and nothing to take. */
  #canTakePart(member: number): boolean {
    if (this.#order.load(member) < this.#loadMax(member)) return true;
    for (const topicIndex of this.#topicsOf[member]) if (this.#subscriberCounts[topicIndex] >= 2) return true;
    return false;
  }

  #loadMax(member: number): number {
    let partitionCount = 0;
    for (const topicIndex of this.#topicsOf[member]) partitionCount += this.#index.countOf(topicIndex);
    return partitionCount;
  }

  #reassign(partitions: readonly number[]): boolean {
    let hasMoved = false;
    for (let isModified = true; isModified; ) {
      isModified = false;
      for (const partition of partitions) {
        if (this.#isBalanced()) break;
        const target = this.#betterOwner(partition);
        if (target === NOBODY) continue;
        this.#moveForStickiness(partition, target);
        isModified = true;
        hasMoved = true;
      }
    }
    return hasMoved;
  }

  #betterOwner(partition: number): number {
    const load = this.#order.load(this.#ownerOf[partition]);
    const previous = this.#previous.get(partition);
    const previousOwner = previous === undefined ? undefined : this.#memberIndexes.get(previous.memberId);
    if (
      previousOwner !== undefined &&
      this.#topicsOf[previousOwner].has(this.#index.topicIndexOf(partition)) &&
      load > this.#order.load(previousOwner) + 1
    ) {
      return previousOwner;
    }
    const least = this.#leastLoadedSubscriber(partition);
    return load > this.#order.load(least) + 1 ? least : NOBODY;
  }

  /** Moving one of the same topic's partitions that came the other way keeps both where they were. */
  #moveForStickiness(partition: number, target: number): void {
    const owner = this.#ownerOf[partition];
    const moved = this.#movements.partitionToMove(partition, owner, target);
    this.#movements.record(moved, this.#ownerOf[moved], target);
    this.#give(moved, target);
  }

  #isBalanced(): boolean {
    const { last, first } = { first: this.#order.at(0), last: this.#order.last() };
    if (this.#order.load(first) >= this.#order.load(last) - 1) return true;
    const topicLoadMax = this.#topicLoadMax();
    for (let rank = 0; rank < this.#order.count; rank++) {
      const member = this.#order.at(rank);
      const load = this.#order.load(member);
      if (load === this.#loadMax(member)) continue;
      for (const topicIndex of this.#topicsOf[member]) if (load + 1 < topicLoadMax[topicIndex]) return false;
    }
    return true;
  }

  /** The highest load among the owners of each topic's partitions. */
  #topicLoadMax(): Uint32Array {
    const loads = new Uint32Array(this.#index.topics.length);
    for (let topicIndex = 0; topicIndex < loads.length; topicIndex++) {
      for (let number = this.#index.starts[topicIndex]; number < this.#index.starts[topicIndex + 1]; number++) {
        const owner = this.#ownerOf[number];
        if (owner !== NOBODY) loads[topicIndex] = Math.max(loads[topicIndex], this.#order.load(owner));
      }
    }
    return loads;
  }

  #result(): Map<string, number[]> {
    const result = new Map<string, number[]>(this.#memberIds.map((memberId) => [memberId, []]));
    for (let partition = 0; partition < this.#index.count; partition++) {
      const owner = this.#ownerOf[partition];
      if (owner === NOBODY) continue;
      assert(this.#topicsOf[owner].has(this.#index.topicIndexOf(partition)), 'sticky assignment: owner must subscribe');
      result.get(this.#memberIds[owner])!.push(partition);
    }
    return result;
  }
}
