/** What is wrong with a heartbeat by itself, whatever the group. */
import { Errors } from '#protocol';
import type { Coordinator } from '../coordinator.ts';
import type { ConsumerHeartbeatEvent } from '../events.ts';
import { type Refusal, refuse } from '../refusal.ts';
import { LEAVE_EPOCH, LEAVE_STATIC_EPOCH } from './consumer-member.ts';

/** From this version on clients make their member ids. @see KIP-1082 */
const CLIENT_MADE_ID_VERSION = 1;

export function refuseHeartbeat({ settings }: Coordinator, event: ConsumerHeartbeatEvent): Refusal | undefined {
  const { request, apiVersion } = event;
  const problem = problemOfIds(request, apiVersion) ?? problemOfEpoch(request);
  if (problem !== undefined) return refuse(Errors.INVALID_REQUEST, problem);
  const names = settings.consumerAssignors.map(({ name }) => name as string);
  const { serverAssignor } = request;
  if (serverAssignor === null || names.includes(serverAssignor)) return undefined;
  const text = `There is no assignor '${serverAssignor}' here. Known: ${names.join(', ')}.`;
  return refuse(Errors.UNSUPPORTED_ASSIGNOR, text);
}

function problemOfIds(request: ConsumerHeartbeatEvent['request'], apiVersion: number): string | undefined {
  const { memberEpoch } = request;
  const needsMemberId = apiVersion >= CLIENT_MADE_ID_VERSION || memberEpoch > 0 || memberEpoch === LEAVE_EPOCH;
  if (needsMemberId && isBlank(request.memberId)) return 'A member id is wanted.';
  if (isBlank(request.groupId)) return 'A group id is wanted.';
  if (isBlank(request.instanceId)) return 'An instance id that is given must not be blank.';
  return isBlank(request.rackId) ? 'A rack that is given must not be blank.' : undefined;
}

function problemOfEpoch(request: ConsumerHeartbeatEvent['request']): string | undefined {
  const { memberEpoch } = request;
  if (memberEpoch < LEAVE_STATIC_EPOCH) return `${memberEpoch} is no member epoch.`;
  if (memberEpoch === LEAVE_STATIC_EPOCH && request.instanceId === null)
    return 'Only a static member leaves for a while: its instance id is wanted.';
  if (memberEpoch !== 0) return undefined;
  if (request.rebalanceTimeoutMs === -1) return 'Who joins must name its rebalance timeout.';
  if (request.topicPartitions?.length !== 0) return 'Who joins owns nothing: an empty list of partitions is wanted.';
  if (request.subscribedTopicNames === null && request.subscribedTopicRegex === null) {
    return 'Who joins must name topics, or a pattern of them.';
  }
  return undefined;
}

function isBlank(text: string | null): boolean {
  return text !== null && text.trim() === '';
}
