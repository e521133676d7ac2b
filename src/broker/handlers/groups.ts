/**
 * The APIs of groups. The rules live in the group machine; here requests find the machine of their group, topics get both name and id,
 * what concerns several groups is cut up and put together again, and a coordinator that is not there is told in each API's own words.
 */
import {
  type DeleteGroupsRequest,
  type DeleteGroupsResponse,
  type DescribeGroupsRequest,
  type DescribeGroupsResponse,
  type Draft,
  Errors,
  type HeartbeatRequest,
  type JoinGroupRequest,
  type JoinGroupResponse,
  type KafkaErrorRow,
  type LeaveGroupRequest,
  type ListGroupsRequest,
  type ListGroupsResponse,
  type MessageSchema,
  type SyncGroupRequest,
} from '#protocol';
import type { BrokerParts } from '../broker-parts.ts';
import type { GroupRequestEvent } from '../group/index.ts';
import { authorizedOperations } from '../server/authorized-operations.ts';
import { LATER, type RequestContext } from '../server/request-context.ts';

/** From this version on SyncGroup must say which protocol it is meant for. @see KIP-559 */
const PROTOCOL_REQUIRED_VERSION = 5;

type ListedGroups = NonNullable<Draft<typeof ListGroupsResponse>['groups']>;
type DescribedGroup = NonNullable<Draft<typeof DescribeGroupsResponse>['groups']>[number];
type DeletedGroup = NonNullable<Draft<typeof DeleteGroupsResponse>['results']>[number];

export function joinGroup(broker: BrokerParts, context: RequestContext, request: JoinGroupRequest): typeof LATER {
  const newMemberUuid = broker.random.uuid();
  const clientHost = `/${context.clientHost}`;
  const clientId = context.clientId ?? '';
  const { memberId } = request;
  return ask(
    broker,
    context,
    request.groupId,
    { memberId, protocolName: context.version >= 7 ? null : '' },
    (token) => {
      return { type: 'join', token, apiVersion: context.version, request, clientId, clientHost, newMemberUuid };
    },
    (body) => withoutProtocol(context, body),
  );
}

export function syncGroup(broker: BrokerParts, context: RequestContext, request: SyncGroupRequest): typeof LATER {
  const namesProtocol = request.protocolType !== null && request.protocolName !== null;
  if (context.version >= PROTOCOL_REQUIRED_VERSION && !namesProtocol) {
    context.reply({ errorCode: Errors.INCONSISTENT_GROUP_PROTOCOL.code });
    return LATER;
  }
  return ask(broker, context, request.groupId, {}, (token) => {
    return { type: 'sync', token, apiVersion: context.version, request };
  });
}

export function heartbeat(broker: BrokerParts, context: RequestContext, request: HeartbeatRequest): typeof LATER {
  return ask(broker, context, request.groupId, {}, (token) => {
    return { type: 'heartbeat', token, apiVersion: context.version, request };
  });
}

export function leaveGroup(broker: BrokerParts, context: RequestContext, request: LeaveGroupRequest): typeof LATER {
  return ask(broker, context, request.groupId, {}, (token) => {
    return { type: 'leave', token, apiVersion: context.version, request };
  });
}

/** From version 7 on a refusal names no protocol at all. */
function withoutProtocol({ version }: RequestContext, body: Draft<typeof JoinGroupResponse>): object {
  return body.errorCode === Errors.NONE.code || version < 7 ? body : { ...body, protocolName: null };
}

/**
 * One question to the coordinator of a group, whose answer is the reply.
 *
 * @param failed the rest of the answer when there is no coordinator
 * @param shape what becomes of its answer
 */
export function ask(
  broker: BrokerParts,
  context: RequestContext,
  groupId: string,
  failed: object,
  makeEvent: (token: number) => GroupRequestEvent,
  shape: (body: object) => object = (body) => body,
): typeof LATER {
  const refusal = refuseGroup(context, groupId);
  if (refusal !== undefined) {
    context.reply({ ...failed, errorCode: refusal.code });
    return LATER;
  }
  broker.groups.ask<Draft<MessageSchema>>(groupId, makeEvent, ({ error, body }) =>
    context.reply(error === undefined ? shape(body) : { ...failed, errorCode: error.code }),
  );
  return LATER;
}

/** What is refused before any coordinator is asked. */
export function refuseGroup(
  context: RequestContext,
  groupId: string,
  emptyId: KafkaErrorRow = Errors.INVALID_GROUP_ID,
): KafkaErrorRow | undefined {
  return groupId === '' ? emptyId : refuseAccess(context, groupId);
}

/** Offsets may also be kept for the group without a name: consumers of old did that. */
export function refuseAccess(context: RequestContext, groupId: string): KafkaErrorRow | undefined {
  return context.allows(groupId) ? undefined : Errors.GROUP_AUTHORIZATION_FAILED;
}

/** Groups of every coordinator here. While one is loading the list would have gaps, so the client is told to come back. */
export async function listGroups(
  broker: BrokerParts,
  context: RequestContext,
  request: ListGroupsRequest,
): Promise<Draft<typeof ListGroupsResponse>> {
  const outcomes = await broker.groups.askAll<{ groups: ListedGroups }>((token) => {
    return { type: 'list-groups', token, apiVersion: context.version, request };
  });
  const groups: ListedGroups[number][] = [];
  for (const { error, body } of outcomes) {
    if (error !== undefined) return { errorCode: error.code, groups: [] };
    for (const group of body.groups) if (context.allows(group.groupId ?? '')) groups.push(group);
  }
  return { groups };
}

/** A group that is named again is described once: its members may be many, and its name is short. */
export async function describeGroups(
  broker: BrokerParts,
  context: RequestContext,
  request: DescribeGroupsRequest,
): Promise<Draft<typeof DescribeGroupsResponse>> {
  const groups = [...new Set(request.groups)].map(async (groupId): Promise<DescribedGroup> => {
    const refusal = refuseAccess(context, groupId);
    if (refusal !== undefined) return { groupId, errorCode: refusal.code };
    const { error, body } = await askLater<{ groups: DescribedGroup[] }>(broker, groupId, (token) => {
      return {
        type: 'describe-groups',
        token,
        apiVersion: context.version,
        request: { ...request, groups: [groupId] },
      };
    });
    const described = error === undefined ? body!.groups[0] : { groupId, errorCode: error.code };
    if (!request.includeAuthorizedOperations) return described;
    return { ...described, authorizedOperations: authorizedOperations(context, 'group', groupId) };
  });
  return { groups: await Promise.all(groups) };
}

export async function deleteGroups(
  broker: BrokerParts,
  context: RequestContext,
  request: DeleteGroupsRequest,
): Promise<Draft<typeof DeleteGroupsResponse>> {
  const results = [...new Set(request.groupsNames)].map(async (groupId): Promise<DeletedGroup> => {
    const refusal = refuseAccess(context, groupId);
    if (refusal !== undefined) return { groupId, errorCode: refusal.code };
    const { error, body } = await askLater<{ results: DeletedGroup[] }>(broker, groupId, (token) => {
      return { type: 'delete-groups', token, apiVersion: context.version, request: { groupsNames: [groupId] } };
    });
    return error === undefined ? body!.results[0] : { groupId, errorCode: error.code };
  });
  return { results: await Promise.all(results) };
}

/** One question to the coordinator of `groupId`. */
export function askLater<T>(
  broker: BrokerParts,
  groupId: string,
  makeEvent: (token: number) => GroupRequestEvent,
): Promise<{ error: KafkaErrorRow | undefined; body: T | undefined }> {
  return new Promise((resolve) => broker.groups.ask<T>(groupId, makeEvent, resolve));
}
