/** A member of a group of the consumer protocol, as its two records tell it. Immutable: a change is another member. */
import { isSamePartitions, NO_PARTITIONS, type OwnedPartitions } from './partitions.ts';

/**
 *     STABLE                 it has what it is to have in its epoch
 *     UNREVOKED_PARTITIONS   it is to give partitions up before it gets to the next epoch
 *     UNRELEASED_PARTITIONS  it is in the epoch of the target, and waits for partitions that others have not given up
 *     UNKNOWN                whatever a later Kafka may have written: it must begin anew
 */
export const MemberState = {
  STABLE: 0,
  UNREVOKED_PARTITIONS: 1,
  UNRELEASED_PARTITIONS: 2,
  UNKNOWN: 127,
} as const;
export type MemberState = (typeof MemberState)[keyof typeof MemberState];

/** The epoch of a member that left. */
export const LEAVE_EPOCH = -1;
/** The epoch of a static member that left for a while: its partitions wait for it. */
export const LEAVE_STATIC_EPOCH = -2;

/** What makes a member one of the classic protocol. */
export interface ClassicMemberMetadata {
  readonly sessionTimeoutMs: number;
  /** Preferred first; all of them hold the same subscription. */
  readonly supportedProtocols: readonly { readonly name: string; readonly metadata: Buffer }[];
}

export interface ConsumerMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly clientId: string;
  /** The client's address as Kafka stores it, `/127.0.0.1`. */
  readonly clientHost: string;
  /** How long it may take to give partitions up. */
  readonly rebalanceTimeoutMs: number;
  /** In order. */
  readonly subscribedTopicNames: readonly string[];
  /** Empty or null: none. */
  readonly subscribedTopicRegex: string | null;
  readonly serverAssignor: string | null;
  /** Null for a member that speaks the consumer protocol. */
  readonly classic: ClassicMemberMetadata | null;
  readonly memberEpoch: number;
  /** A heartbeat of this epoch may be one whose answer was lost. */
  readonly previousMemberEpoch: number;
  readonly state: MemberState;
  readonly assigned: OwnedPartitions;
  /** No longer assigned, but the client has not said yet that it has stopped reading them. */
  readonly revoking: OwnedPartitions;
}

/** A member of whom nothing is known yet. */
export function newMember(memberId: string): ConsumerMember {
  return {
    memberId,
    instanceId: null,
    rackId: null,
    clientId: '',
    clientHost: '',
    rebalanceTimeoutMs: -1,
    subscribedTopicNames: [],
    subscribedTopicRegex: '',
    serverAssignor: null,
    classic: null,
    memberEpoch: 0,
    previousMemberEpoch: -1,
    state: MemberState.STABLE,
    assigned: NO_PARTITIONS,
    revoking: NO_PARTITIONS,
  };
}

/** The pattern, or undefined when there is none. */
export function regexOf(member: ConsumerMember): string | undefined {
  return member.subscribedTopicRegex === null || member.subscribedTopicRegex === ''
    ? undefined
    : member.subscribedTopicRegex;
}

export function isReconciledTo(member: ConsumerMember, targetEpoch: number): boolean {
  return member.state === MemberState.STABLE && member.memberEpoch === targetEpoch;
}

/** Whether all that its metadata record tells is the same. */
export function isSameMetadata(left: ConsumerMember, right: ConsumerMember): boolean {
  return (
    left.instanceId === right.instanceId &&
    left.rackId === right.rackId &&
    left.clientId === right.clientId &&
    left.clientHost === right.clientHost &&
    left.rebalanceTimeoutMs === right.rebalanceTimeoutMs &&
    isSameList(left.subscribedTopicNames, right.subscribedTopicNames) &&
    left.subscribedTopicRegex === right.subscribedTopicRegex &&
    left.serverAssignor === right.serverAssignor &&
    isSameClassic(left.classic, right.classic)
  );
}

/** Whether all that its assignment record tells is the same. */
export function isSameAssignment(left: ConsumerMember, right: ConsumerMember): boolean {
  return (
    left.memberEpoch === right.memberEpoch &&
    left.previousMemberEpoch === right.previousMemberEpoch &&
    left.state === right.state &&
    isSamePartitions(left.assigned, right.assigned) &&
    isSamePartitions(left.revoking, right.revoking)
  );
}

/** Names in the order in which they are stored, each once. */
export function sortedNames(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort();
}

export function isSameList(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((name, index) => name === right[index]);
}

function isSameClassic(left: ClassicMemberMetadata | null, right: ClassicMemberMetadata | null): boolean {
  if (left === null || right === null) return left === right;
  if (left.sessionTimeoutMs !== right.sessionTimeoutMs) return false;
  const others = right.supportedProtocols;
  return (
    left.supportedProtocols.length === others.length &&
    left.supportedProtocols.every(
      ({ name, metadata }, index) => name === others[index].name && metadata.equals(others[index].metadata),
    )
  );
}
