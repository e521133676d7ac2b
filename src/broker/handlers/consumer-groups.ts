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
} from '#protocol';
import type { BrokerParts } from '../broker-parts.ts';
import { finalizedLevel, GROUP_VERSION } from '../controller/index.ts';
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
  const error = isServed(broker) ? refuseGroup(context, groupId, Errors.INVALID_REQUEST) : Errors.UNSUPPORTED_VERSION;
  if (error !== undefined) {
    context.reply({ errorCode: error.code } satisfies HeartbeatResponse);
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
      mayRead: () => true,
    }),
    ({ error, body }) => context.reply(error === undefined ? body : { errorCode: error.code }),
  );
  return LATER;
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
    return error === undefined ? body!.groups[0] : { groupId, errorCode: error.code };
  });
  return { groups: await Promise.all(groups) };
}

function isServed({ metadata, settings }: BrokerParts): boolean {
  const isNamed = settings.config['group.coordinator.rebalance.protocols'].includes('consumer');
  return isNamed && finalizedLevel(metadata.image, GROUP_VERSION) > 0;
}
