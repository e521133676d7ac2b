/** Bodies of the membership answers, built in one place so that join phase, sync phase and refusals agree on them. */
import type { Draft, JoinGroupResponse, KafkaErrorRow, LeaveGroupResponse, SyncGroupResponse } from '#protocol';
import type { ClassicGroup, Member } from './classic-group.ts';

type JoinBody = Draft<typeof JoinGroupResponse>;
type SyncBody = Draft<typeof SyncGroupResponse>;
type LeaveBody = Draft<typeof LeaveGroupResponse>;

/** The current generation for one member; the list of members is for the one that will assign (or wants to look). */
export function joinReply(group: ClassicGroup, member: Member, withMembers: boolean, skipAssignment = false): JoinBody {
  return {
    errorCode: 0,
    generationId: group.generationId,
    protocolType: group.protocolType,
    protocolName: group.protocolName ?? '',
    leader: group.leaderId ?? '',
    skipAssignment,
    memberId: member.memberId,
    members: withMembers ? listMembers(group) : [],
  };
}

/** A JoinGroup that leads to nothing. */
export function joinRefusal(memberId: string, error: KafkaErrorRow): JoinBody {
  return {
    errorCode: error.code,
    generationId: -1,
    protocolType: null,
    protocolName: '',
    leader: '',
    memberId,
    members: [],
  };
}

/** One member's assignment in the current generation. */
export function syncReply(group: ClassicGroup, assignment: Buffer): SyncBody {
  return { errorCode: 0, protocolType: group.protocolType, protocolName: group.protocolName, assignment };
}

/** A SyncGroup that leads to nothing; the assignment is empty, not absent. */
export function syncRefusal(error: KafkaErrorRow): SyncBody {
  return { errorCode: error.code, protocolType: null, protocolName: null, assignment: Buffer.alloc(0) };
}

/** Up to v2 a leave concerns one member and its error is the answer's; from v3 each member has its own. @see KIP-345 */
export function leaveReply(apiVersion: number, members: NonNullable<LeaveBody['members']>): LeaveBody {
  return apiVersion >= 3 ? { errorCode: 0, members } : { errorCode: members[0]?.errorCode ?? 0, members: [] };
}

function listMembers(group: ClassicGroup): NonNullable<JoinBody['members']> {
  return [...group.members.values()].map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    metadata: group.metadataOf(member),
  }));
}
