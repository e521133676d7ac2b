/**
 * AlterPartitionReassignments: gives a partition other replicas. Those to come are added, those to go stay until all that come are in
 * sync; where nobody has to come, as when replicas only go or change their order, it is done at once. To cancel is to go back to the
 * replicas before. Pure. @see KIP-455
 */
import type { Uuid } from '#core';
import { Errors, type PartitionChangeRecord } from '#protocol';
import type { Decision } from './decision.ts';
import type { AlterReassignmentsEvent, PartitionResult } from './events.ts';
import { directoryOf, type MetadataImage, type PartitionImage } from './metadata-image.ts';
import type { MetadataRecord } from './metadata-record.ts';
import { NO_LEADER, partitionChange } from './partition-change.ts';
import { checkPlacement, newDirectory } from './placement.ts';
import { refuse } from './refusal.ts';

type Changes = Partial<PartitionChangeRecord>;
type Refused = Omit<PartitionResult, 'partition'>;

export function alterReassignments(image: MetadataImage, event: AlterReassignmentsEvent): Decision {
  const records: MetadataRecord[] = [];
  const body = event.topics.map(({ topic: name, partitions }) => {
    const topic = image.topics.get(name);
    const results = partitions.map(({ partition, replicas }): PartitionResult => {
      const current = topic?.partitions[partition];
      if (topic === undefined || current === undefined) {
        return {
          partition,
          ...refuse(Errors.UNKNOWN_TOPIC_OR_PARTITION, `There is no partition ${name}-${partition}.`),
        };
      }
      const changes =
        replicas === null ? cancel(image, current) : reassign(image, current, replicas, event.allowsOtherCount);
      if ('error' in changes) return { partition, ...(changes as Refused) };
      if (Object.keys(changes).length > 0) records.push(partitionChange(topic.topicId, current, changes));
      return { partition, error: Errors.NONE, errorMessage: null };
    });
    return { topic: name, partitions: results };
  });
  return { records, body };
}

function reassign(
  image: MetadataImage,
  current: PartitionImage,
  wanted: readonly number[],
  allowsOtherCount: boolean,
): Changes | Refused {
  const problem = checkPlacement(image, [wanted]);
  if (problem !== undefined) return problem;
  const before = current.replicas.filter((id) => !current.addingReplicas.includes(id));
  if (!allowsOtherCount && wanted.length !== before.length) {
    const text = `It has ${before.length} replicas, and the request does not allow ${wanted.length}.`;
    return refuse(Errors.INVALID_REPLICATION_FACTOR, text);
  }
  const adding = wanted.filter((id) => !before.includes(id));
  const removing = current.replicas.filter((id) => !wanted.includes(id));
  const isr = current.isr.filter((id) => wanted.includes(id));
  if (isr.length > 0 && adding.every((id) => isr.includes(id))) return settled(image, current, wanted, isr);
  return replaced(image, current, [...wanted, ...removing], { removingReplicas: removing, addingReplicas: adding });
}

function cancel(image: MetadataImage, current: PartitionImage): Changes | Refused {
  const { addingReplicas, removingReplicas, replicas, isr } = current;
  if (addingReplicas.length === 0 && removingReplicas.length === 0) {
    return { error: Errors.NO_REASSIGNMENT_IN_PROGRESS, errorMessage: null };
  }
  const before = replicas.filter((id) => !addingReplicas.includes(id));
  const left = isr.filter((id) => before.includes(id));
  if (left.length > 0) return settled(image, current, before, left);
  const text = `None of the replicas before, ${before}, is in sync: records could be lost.`;
  return refuse(Errors.INVALID_REPLICA_ASSIGNMENT, text);
}

/** The partition has just these replicas, and none is on its way. */
function settled(
  image: MetadataImage,
  current: PartitionImage,
  replicas: readonly number[],
  isr: readonly number[],
): Changes {
  return {
    ...replaced(image, current, replicas, { removingReplicas: [], addingReplicas: [] }),
    ...(isr.length === current.isr.length ? {} : { isr: [...isr] }),
    ...(current.leader === NO_LEADER || replicas.includes(current.leader) ? {} : { leader: isr[0] }),
  };
}

/** Names what differs from now. */
function replaced(
  image: MetadataImage,
  current: PartitionImage,
  replicas: readonly number[],
  { removingReplicas, addingReplicas }: { removingReplicas: number[]; addingReplicas: number[] },
): Changes {
  const directories = replicas.map((id) => directoryFor(image, current, id));
  return {
    ...(isSame(replicas, current.replicas) ? {} : { replicas: [...replicas], directories }),
    ...(isSame(removingReplicas, current.removingReplicas) ? {} : { removingReplicas }),
    ...(isSame(addingReplicas, current.addingReplicas) ? {} : { addingReplicas }),
  };
}

function directoryFor(image: MetadataImage, current: PartitionImage, brokerId: number): Uuid {
  return current.replicas.includes(brokerId) ? directoryOf(current, brokerId) : newDirectory(image, brokerId);
}

function isSame(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((id, index) => id === right[index]);
}
