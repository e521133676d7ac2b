/**
 * ConsumerGroupHeartbeat (68) and ConsumerGroupDescribe (69): the consumer protocol. Served when the cluster's feature `group.version` is 1 and
 * `group.coordinator.rebalance.protocols` names it. @see KIP-848
 */
import {
  type ConsumerGroupDescribeRequest,
  type ConsumerGroupDescribeResponse,
  type ConsumerGroupHeartbeatRequest,
  type ConsumerGroupHeartbeatResponse,
  type Draft,
  Errors,
  type KafkaErrorRow,
} from '#protocol';
import type { BrokerParts } from '../broker-parts.ts';
import { finalizedLevel, GROUP_VERSION } from '../controller/index.ts';
import { authorizedOperations } from '../server/authorized-operations.ts';
import { LATER, type RequestContext } from '../server/request-context.ts';
import { askLater, refuseGroup } from './groups.ts';

type HeartbeatResponse = Draft<typeof ConsumerGroupHeartbeatResponse>;
type DescribedGroup = NonNullable<Draft<typeof ConsumerGroupDescribeResponse>['groups']>[number];

export function consumerGroupHeartbeat(
  broker: BrokerParts,
  context: RequestContext,
  request: ConsumerGroupHeartbeatRequest,
): typeof LATER {
  const { groupId } = request;
  const mayKnow = (topic: string): boolean => context.mayDo('describe', 'topic', topic);
  const error = refuseHeartbeat(broker, context, request, mayKnow);
  if (error !== undefined) {
    const errorMessage = error === Errors.INVALID_REQUEST ? 'A group needs a name.' : null;
    context.reply({ errorCode: error.code, errorMessage } satisfies HeartbeatResponse);
    return LATER;
  }
  const clientId = context.clientId ?? '';
  const clientHost = `/${context.clientHost}`;
  broker.groups.ask<HeartbeatResponse>(
    groupId,
    (token) => ({
      type: 'consumer-heartbeat',
      token,
      apiVersion: context.version,
      request,
      clientId,
      clientHost,
      newMemberId: broker.random.uuid(),
      mayKnow,
    }),
    ({ error, body }) => context.reply(error === undefined ? body : { errorCode: error.code }),
  );
  return LATER;
}

function refuseHeartbeat(
  broker: BrokerParts,
  context: RequestContext,
  { groupId, subscribedTopicNames }: ConsumerGroupHeartbeatRequest,
  mayKnow: (topic: string) => boolean,
): KafkaErrorRow | undefined {
  if (!isServed(broker)) return Errors.UNSUPPORTED_VERSION;
  const refusal = refuseGroup(context, groupId, Errors.INVALID_REQUEST);
  if (refusal !== undefined) return refusal;
  return subscribedTopicNames?.every(mayKnow) === false ? Errors.TOPIC_AUTHORIZATION_FAILED : undefined;
}

/** A group that is named again is described once. */
export async function consumerGroupDescribe(
  broker: BrokerParts,
  context: RequestContext,
  request: ConsumerGroupDescribeRequest,
): Promise<Draft<typeof ConsumerGroupDescribeResponse>> {
  const groups = [...new Set(request.groupIds)].map(async (groupId): Promise<DescribedGroup> => {
    const refusal = isServed(broker) ? refuseGroup(context, groupId) : Errors.UNSUPPORTED_VERSION;
    if (refusal !== undefined) return { groupId, errorCode: refusal.code };
    const { error, body } = await askLater<{ groups: DescribedGroup[] }>(broker, groupId, (token) => {
      const groupIds = [groupId];
      return {
        type: 'describe-consumer-groups',
        token,
        apiVersion: context.version,
        request: { ...request, groupIds },
      };
    });
    if (error !== undefined) return { groupId, errorCode: error.code };
    const [group] = body!.groups;
    const described = withoutSecrets(context, group);
    const isThere = group.errorCode === Errors.NONE.code;
    if (!request.includeAuthorizedOperations || !isThere) return described;
    return { ...described, authorizedOperations: authorizedOperations(context, 'group', groupId) };
  });
  return { groups: await Promise.all(groups) };
}

/** Topics that members read are told only to who may know of all of them. */
function withoutSecrets(context: RequestContext, described: DescribedGroup): DescribedGroup {
  const names = (described.members ?? []).flatMap(({ subscribedTopicNames, assignment, targetAssignment }) => [
    ...(subscribedTopicNames ?? []),
    ...[assignment, targetAssignment].flatMap((each) =>
      (each?.topicPartitions ?? []).map(({ topicName }) => topicName),
    ),
  ]);
  if ([...new Set(names)].every((name) => context.mayDo('describe', 'topic', name ?? ''))) return described;
  const errorMessage = 'The group reads topics that the client is not authorized to describe.';
  return { ...described, errorCode: Errors.TOPIC_AUTHORIZATION_FAILED.code, errorMessage, members: [] };
}

function isServed({ metadata, settings }: BrokerParts): boolean {
  const isNamed = settings.config['group.coordinator.rebalance.protocols'].includes('consumer');
  return isNamed && finalizedLevel(metadata.image, GROUP_VERSION) > 0;
}
