/** CreatePartitions: a topic grows to a new total, never shrinks. Pure. */
import { Errors } from '#protocol';
import type { Decision } from './decision.ts';
import type { CreatePartitionsEvent, ItemResult } from './events.ts';
import type { MetadataImage, TopicImage } from './metadata-image.ts';
import type { MetadataRecord } from './metadata-record.ts';
import {
  checkPlacement,
  PARTITIONS_PER_REQUEST_MAX,
  type Placement,
  partitionRecords,
  place,
  TOO_MANY_PARTITIONS,
} from './placement.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';

type Growth = CreatePartitionsEvent['topics'][number];

export function createPartitions(image: MetadataImage, event: CreatePartitionsEvent): Decision {
  const records: MetadataRecord[] = [];
  const counts = new Map<string, number>();
  for (const { name } of event.topics) counts.set(name, (counts.get(name) ?? 0) + 1);
  const body = event.topics.map((growth): ItemResult => {
    const { name } = growth;
    const topic = image.topics.get(name);
    if (counts.get(name) !== 1) {
      return { name, ...refuse(Errors.INVALID_REQUEST, `The request names '${name}' more than once.`) };
    }
    if (topic === undefined) return { name, error: Errors.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: null };
    const placement = placeGrowth(image, topic, growth);
    if (isRefusal(placement)) return { name, ...placement };
    if (!event.validateOnly) {
      for (const record of partitionRecords(image, topic.topicId, topic.partitions.length, placement))
        records.push(record);
    }
    return { name, error: Errors.NONE, errorMessage: null };
  });
  return { records, body };
}

function placeGrowth(image: MetadataImage, topic: TopicImage, growth: Growth): Placement | Refusal {
  const current = topic.partitions.length;
  if (growth.count === current) {
    return refuse(Errors.INVALID_PARTITIONS, `'${topic.name}' has ${current} partitions as it is.`);
  }
  if (growth.count < current) {
    const text = `'${topic.name}' cannot shrink from ${current} partitions to ${growth.count}.`;
    return refuse(Errors.INVALID_PARTITIONS, text);
  }
  const added = growth.count - current;
  if (added > PARTITIONS_PER_REQUEST_MAX) {
    return refuse(Errors.POLICY_VIOLATION, TOO_MANY_PARTITIONS);
  }
  if (growth.assignments === null) return place(image, current, added, topic.partitions[0].replicas.length);
  const placement = growth.assignments.map(({ brokerIds }) => brokerIds);
  if (placement.length !== added) {
    const text = `${added} partitions are new, yet replicas are chosen for ${placement.length}.`;
    return refuse(Errors.INVALID_REPLICA_ASSIGNMENT, text);
  }
  return checkPlacement(image, placement) ?? placement;
}
