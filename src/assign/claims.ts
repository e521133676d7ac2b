/**
 * Who may keep what: the members' claims to partitions they held, held against each other. A claim of a younger generation beats an older
 * one; two claims of one generation cancel each other, because one of the two members must be wrong and neither may go on (KAFKA-12984).
 */
import { javaStringHash } from '#core';
import type { AssignorMember, TopicPartitionId } from './assignor.ts';
import { inJavaHashOrder } from './java-hash-order.ts';
import type { PartitionIndex } from './partition-index.ts';

/** What a member says it held, wherever its assignor keeps that. `generationId` is undefined when the member does not say. */
export interface MemberClaim {
  readonly partitions: readonly TopicPartitionId[];
  readonly generationId: number | undefined;
}

export interface Claims {
  /** Member ids in the order Java would meet them; the keys of `owned`. */
  readonly memberIds: readonly string[];
  /** Valid claims: member id → partition numbers. */
  readonly owned: Map<string, number[]>;
  /** Partitions that two members claimed in one generation. */
  readonly contested: Set<number>;
  /** Partitions last held in an older generation than the newest: number → holder and that generation. */
  readonly previous: Map<number, { memberId: string; generationId: number }>;
  readonly areSubscriptionsEqual: boolean;
}

/** Generation of members that do not say one. */
const DEFAULT_GENERATION = -1;

/** Weighs all claims. `claimOf` reads one member's claim from its subscription. */
export function weighClaims(
  index: PartitionIndex,
  members: ReadonlyMap<string, AssignorMember>,
  claimOf: (member: AssignorMember) => MemberClaim,
): Claims {
  const memberIds = inJavaHashOrder([...members.keys()], javaStringHash);
  const claims = new Map(memberIds.map((memberId) => [memberId, claimOf(members.get(memberId)!)]));
  const owned = new Map<string, Set<number>>();
  const contested = new Set<number>();
  const ownerOf = new Map<number, string>();
  for (const memberId of memberIds) {
    const claim = claims.get(memberId)!;
    const generationId = claim.generationId ?? DEFAULT_GENERATION;
    const own = new Set<number>();
    owned.set(memberId, own);
    for (const id of claim.partitions) {
      const partition = index.numberOf(id);
      if (partition < 0) continue;
      const otherId = ownerOf.get(partition);
      if (otherId === undefined) {
        own.add(partition);
        ownerOf.set(partition, memberId);
        continue;
      }
      const otherGenerationId = Math.max(members.get(otherId)!.generationId, DEFAULT_GENERATION);
      if (generationId < otherGenerationId) continue;
      owned.get(otherId)!.delete(partition);
      ownerOf.set(partition, memberId);
      if (generationId === otherGenerationId) contested.add(partition);
      else own.add(partition);
    }
  }
  return {
    memberIds,
    owned: new Map([...owned].map(([memberId, partitions]) => [memberId, [...partitions]])),
    contested,
    previous: previousHolders(index, claims),
    areSubscriptionsEqual: areSubscriptionsEqual(memberIds.map((memberId) => members.get(memberId)!.topics)),
  };
}

function areSubscriptionsEqual(topicLists: ReadonlyArray<readonly string[]>): boolean {
  const first = new Set(topicLists.find((topics) => topics.length > 0) ?? []);
  return topicLists.every((topics) => topics.length === first.size && topics.every((topic) => first.has(topic)));
}

function previousHolders(index: PartitionIndex, claims: Map<string, MemberClaim>): Claims['previous'] {
  let generationIdMax = DEFAULT_GENERATION;
  for (const claim of claims.values()) generationIdMax = Math.max(generationIdMax, claim.generationId ?? -1);
  const previous: Claims['previous'] = new Map();
  for (const [memberId, claim] of claims) {
    const generationId = claim.generationId ?? DEFAULT_GENERATION;
    if (generationId >= generationIdMax) continue;
    for (const id of claim.partitions) {
      const partition = index.numberOf(id);
      const known = previous.get(partition);
      if (partition >= 0 && (known === undefined || generationId > known.generationId)) {
        previous.set(partition, { memberId, generationId });
      }
    }
  }
  return previous;
}
