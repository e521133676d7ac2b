/** ConsumerGroupDescribe. What the caller may do with a group is the handler's to add. */
import type { TopicIdPartitions } from '#assign';
import { type ConsumerGroupDescribeResponse, type Draft, Errors } from '#protocol';
import type { Turn } from '../../coordination/turn.ts';
import type { Coordinator } from '../coordinator.ts';
import type { DescribeConsumerGroupsEvent } from '../events.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import type { ConsumerMember } from './consumer-member.ts';
import { refuseGroup } from './departure.ts';
import { listPartitions, OwnedCollector, withoutEpochs } from './partitions.ts';
import { preferredAssignor } from './subscription.ts';

type DescribedGroup = NonNullable<Draft<typeof ConsumerGroupDescribeResponse>['groups']>[number];

const CLASSIC_MEMBER = 0;
const CONSUMER_MEMBER = 1;

export function describeConsumerGroups(coordinator: Coordinator, event: DescribeConsumerGroupsEvent, turn: Turn): void {
  const groups = event.request.groupIds.map((groupId): DescribedGroup => {
    const group = coordinator.groups.get(groupId);
    if (group?.type === 'consumer') return describe(coordinator, group);
    const { message } = refuseGroup(groupId, group !== undefined);
    return { groupId, errorCode: Errors.GROUP_ID_NOT_FOUND.code, errorMessage: message };
  });
  turn.reply(event.token, { groups } satisfies Draft<typeof ConsumerGroupDescribeResponse>);
}

function describe(coordinator: Coordinator, group: ConsumerGroup): DescribedGroup {
  return {
    errorCode: 0,
    groupId: group.groupId,
    groupState: group.state,
    groupEpoch: group.groupEpoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: preferredAssignor(coordinator, group.members.values()),
    members: [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      instanceId: member.instanceId,
      rackId: member.rackId,
      memberEpoch: member.memberEpoch,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: member.subscribedTopicNames,
      subscribedTopicRegex: member.subscribedTopicRegex,
      assignment: named(coordinator, responsibleFor(member)),
      targetAssignment: named(coordinator, group.target.get(member.memberId) ?? new Map()),
      memberType: member.classic === null ? CONSUMER_MEMBER : CLASSIC_MEMBER,
    })),
  };
}

/** What it is to give up is its own until it has. */
function responsibleFor({ assigned, revoking }: ConsumerMember): TopicIdPartitions {
  const all = new OwnedCollector();
  all.addAll(assigned);
  all.addAll(revoking);
  return withoutEpochs(all.finish());
}

function named({ cluster }: Coordinator, partitions: TopicIdPartitions) {
  const topicPartitions = listPartitions(partitions).flatMap((topic) => {
    const name = cluster.topicById(topic.topicId)?.name;
    return name === undefined ? [] : [{ ...topic, topicName: name }];
  });
  return { topicPartitions };
}
