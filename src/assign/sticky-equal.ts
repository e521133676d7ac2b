/**
 * The sticky assignment when all members subscribe to the same topics: linear, balanced within one, and nothing moves without need.
 *
 * 1. Every member keeps what it holds, up to its quota: ⌊P/M⌋, and as many members as the rest allows keep one more.
 * 2. What is left is dealt out in a circle to members below ⌊P/M⌋, then to members that may have one more.
 *
 * After the constrained algorithm of Kafka's AbstractStickyAssignor (KIP-54, KAFKA-9987).
 */
import { assert } from '#core';
import { compareText } from './assignor.ts';
import type { Claims } from './claims.ts';
import type { PartitionIndex } from './partition-index.ts';

/** Partition numbers per member, and those that change hands while their old owner may still hold them (number → new owner). */
export interface StickyResult {
  readonly assignment: Map<string, number[]>;
  readonly moving: Map<number, string>;
}

interface Quotas {
  readonly min: number;
  readonly max: number;
  /** How many members may have more than `min`. */
  readonly overMinCountMax: number;
}

interface Kept {
  readonly assignment: Map<string, number[]>;
  /** Partitions somebody holds beyond its quota → that member. */
  readonly surplus: Map<number, string>;
  readonly belowMin: string[];
  readonly atMin: string[];
}

/** Assigns all partitions of `index` to the members of `claims`; there must be at least one member. */
export function assignEqualSubscriptions(index: PartitionIndex, claims: Claims): StickyResult {
  const memberCount = claims.memberIds.length;
  const quotas: Quotas = {
    min: Math.floor(index.count / memberCount),
    max: Math.ceil(index.count / memberCount),
    overMinCountMax: index.count % memberCount,
  };
  const kept = keepOwned(index, claims, quotas);
  const moving = new Map<number, string>();
  const give = (partition: number, memberId: string): number => {
    const formerId = kept.surplus.get(partition);
    if ((formerId !== undefined && formerId !== memberId) || claims.contested.has(partition)) {
      moving.set(partition, memberId);
    }
    return kept.assignment.get(memberId)!.push(partition);
  };
  dealOut(unassigned(index, kept.assignment), kept, quotas.min, give);
  return { assignment: kept.assignment, moving };
}

function keepOwned(index: PartitionIndex, claims: Claims, quotas: Quotas): Kept {
  const kept: Kept = { assignment: new Map(), surplus: new Map(), belowMin: [], atMin: [] };
  let overMinCount = 0;
  for (const memberId of claims.memberIds) {
    const owned = claims.owned
      .get(memberId)!
      .filter((partition) => !claims.contested.has(partition))
      .sort((left, right) => index.partitionOf(left) - index.partitionOf(right) || left - right);
    let keepCount = quotas.min;
    if (owned.length < quotas.min) {
      keepCount = owned.length;
      kept.belowMin.push(memberId);
    } else if (owned.length >= quotas.max && overMinCount < quotas.overMinCountMax) {
      keepCount = quotas.max;
      if (++overMinCount === quotas.overMinCountMax) kept.atMin.length = 0;
    } else if (overMinCount < quotas.overMinCountMax) {
      kept.atMin.push(memberId);
    }
    kept.assignment.set(memberId, owned.slice(0, keepCount));
    for (const partition of owned.slice(keepCount)) kept.surplus.set(partition, memberId);
  }
  return kept;
}

function unassigned(index: PartitionIndex, assignment: Map<string, number[]>): number[] {
  const isAssigned = new Uint8Array(index.count);
  for (const partitions of assignment.values()) for (const partition of partitions) isAssigned[partition] = 1;
  const rest: number[] = [];
  for (let partition = 0; partition < index.count; partition++) if (isAssigned[partition] === 0) rest.push(partition);
  return rest;
}

function dealOut(
  partitions: number[],
  kept: Kept,
  quotaMin: number,
  give: (partition: number, memberId: string) => number,
): void {
  const below = kept.belowMin.sort(compareText);
  const atMin = kept.atMin.sort(compareText);
  let nextBelow = 0;
  let nextAtMin = 0;
  for (const partition of partitions) {
    if (below.length > 0) {
      if (nextBelow >= below.length) nextBelow = 0;
      const memberId = below[nextBelow];
      if (give(partition, memberId) === quotaMin) {
        below.splice(nextBelow, 1);
        atMin.push(memberId);
      } else {
        nextBelow += 1;
      }
    } else {
      assert(nextAtMin < atMin.length, 'sticky assignment: partitions are left but every member has its quota');
      give(partition, atMin[nextAtMin++]);
    }
  }
  assert(below.length === 0, 'sticky assignment: a member is below its quota but no partition is left');
}
