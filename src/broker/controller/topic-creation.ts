/** CreateTopics: names, counts, placement and configs of each new topic are checked; a topic is created whole or refused. Pure. */
import { assert, CLUSTER_METADATA_TOPIC, ZERO_UUID } from '#core';
import { Errors } from '#protocol';
import type { ControllerRules, Decision } from './decision.ts';
import type { CreateTopicResult, CreateTopicsEvent, NewTopic } from './events.ts';
import type { MetadataImage } from './metadata-image.ts';
import { type MetadataRecord, TOPIC_RESOURCE } from './metadata-record.ts';
import {
  checkPlacement,
  PARTITIONS_PER_REQUEST_MAX,
  type Placement,
  partitionRecords,
  place,
  TOO_MANY_PARTITIONS,
} from './placement.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import { collisionKey, topicNameProblem } from './topic-name.ts';

/** Topics of the request that were accepted before the present one. */
interface Accepted {
  readonly names: Set<string>;
  readonly collisionKeys: Map<string, string>;
}

export function createTopics(image: MetadataImage, rules: ControllerRules, event: CreateTopicsEvent): Decision {
  const records: MetadataRecord[] = [];
  const accepted: Accepted = { names: new Set(), collisionKeys: collisionKeys(image) };
  const repeated = repeatedNames(event.topics);
  const tried = event.topics.filter(({ name }) => name !== CLUSTER_METADATA_TOPIC && !repeated.has(name));
  const partitionCount = tried.reduce((sum, topic) => sum + wantedCount(rules, topic), 0);
  const body = event.topics
    .filter((topic, index) => !repeated.has(topic.name) || repeated.get(topic.name) === index)
    .map((topic): CreateTopicResult => {
      const placement =
        partitionCount > PARTITIONS_PER_REQUEST_MAX
          ? refuse(Errors.POLICY_VIOLATION, TOO_MANY_PARTITIONS)
          : repeated.has(topic.name)
            ? refuse(Errors.INVALID_REQUEST, `The request names '${topic.name}' more than once.`)
            : placeTopic(image, rules, topic, accepted);
      if (isRefusal(placement)) {
        return { name: topic.name, ...placement, topicId: ZERO_UUID, numPartitions: -1, replicationFactor: -1 };
      }
      accepted.names.add(topic.name);
      accepted.collisionKeys.set(collisionKey(topic.name), topic.name);
      if (!event.validateOnly) for (const record of topicRecords(image, rules, topic, placement)) records.push(record);
      return {
        name: topic.name,
        error: Errors.NONE,
        errorMessage: null,
        topicId: topic.topicId,
        numPartitions: placement.length,
        replicationFactor: placement[0].length,
      };
    });
  return { records, body };
}

/** Names that stand more than once in the request, with the index of their first appearance. */
function repeatedNames(topics: readonly NewTopic[]): Map<string, number> {
  const first = new Map<string, number>();
  const repeated = new Map<string, number>();
  topics.forEach(({ name }, index) => {
    const before = first.get(name);
    if (before === undefined) first.set(name, index);
    else repeated.set(name, before);
  });
  return repeated;
}

function collisionKeys(image: MetadataImage): Map<string, string> {
  const keys = new Map<string, string>();
  for (const name of image.topics.keys()) keys.set(collisionKey(name), name);
  return keys;
}

function placeTopic(
  image: MetadataImage,
  rules: ControllerRules,
  topic: NewTopic,
  accepted: Accepted,
): Placement | Refusal {
  const problem = nameRefusal(image, topic.name, accepted) ?? configRefusal(rules, topic);
  if (problem !== undefined) return problem;
  return topic.assignments.length > 0 ? placeByHand(image, topic) : placeByCount(image, rules, topic);
}

function nameRefusal(image: MetadataImage, name: string, accepted: Accepted): Refusal | undefined {
  if (name === CLUSTER_METADATA_TOPIC) {
    return refuse(Errors.INVALID_REQUEST, `'${name}' is the log of the cluster itself.`);
  }
  const problem = topicNameProblem(name);
  if (problem !== undefined) return refuse(Errors.INVALID_TOPIC_EXCEPTION, `Not a name for a topic: ${problem}`);
  if (image.topics.has(name)) return refuse(Errors.TOPIC_ALREADY_EXISTS, `There is a topic '${name}' already.`);
  const other = accepted.collisionKeys.get(collisionKey(name));
  return other === undefined
    ? undefined
    : refuse(Errors.INVALID_TOPIC_EXCEPTION, `'${name}' differs from the topic '${other}' in nothing but '.' and '_'.`);
}

function configRefusal({ configs }: ControllerRules, topic: NewTopic): Refusal | undefined {
  const rules = configs.get(TOPIC_RESOURCE)!;
  const overrides = new Map<string, string>();
  for (const { name, value } of topic.configs) {
    if (overrides.has(name)) return refuse(Errors.INVALID_REQUEST, `The config key '${name}' stands more than once.`);
    if (value === null) return refuse(Errors.INVALID_CONFIG, `The config '${name}' needs a value.`);
    const checked = rules.check(topic.name, name, value);
    if ('error' in checked) return checked;
    overrides.set(name, checked.value);
  }
  return rules.conflict(topic.name, overrides);
}

function wantedCount(rules: ControllerRules, { assignments, numPartitions }: NewTopic): number {
  if (assignments.length > 0) return assignments.length;
  return numPartitions === -1 ? rules.numPartitions : numPartitions;
}

function placeByCount(image: MetadataImage, rules: ControllerRules, topic: NewTopic): Placement | Refusal {
  const count = wantedCount(rules, topic);
  const replicationFactor = topic.replicationFactor === -1 ? rules.replicationFactor : topic.replicationFactor;
  if (count < 1 && replicationFactor > 0) {
    return refuse(Errors.INVALID_PARTITIONS, `A topic needs at least one partition, not ${count}.`);
  }
  return place(image, 0, count, replicationFactor);
}

function placeByHand(image: MetadataImage, topic: NewTopic): Placement | Refusal {
  if (topic.numPartitions !== -1 || topic.replicationFactor !== -1) {
    const text = 'Replicas chosen by hand settle both counts: leave numPartitions and replicationFactor at -1.';
    return refuse(Errors.INVALID_REQUEST, text);
  }
  const placement: (readonly number[])[] = [];
  for (const { partitionIndex, brokerIds } of topic.assignments) placement[partitionIndex] = brokerIds;
  const isConsecutive = placement.length === topic.assignments.length && !placement.includes(undefined as never);
  if (!isConsecutive || topic.assignments.some(({ partitionIndex }) => partitionIndex < 0)) {
    const text = 'Partitions placed by hand are numbered 0, 1, 2 and so on, without a gap.';
    return refuse(Errors.INVALID_REPLICA_ASSIGNMENT, text);
  }
  return checkPlacement(image, placement) ?? placement;
}

function topicRecords(
  image: MetadataImage,
  rules: ControllerRules,
  topic: NewTopic,
  placement: Placement,
): MetadataRecord[] {
  const { name: resourceName, topicId } = topic;
  const records: MetadataRecord[] = [{ type: 'TopicRecord', body: { name: resourceName, topicId } }];
  for (const { name, value: given } of topic.configs) {
    const checked = rules.configs.get(TOPIC_RESOURCE)!.check(resourceName, name, given ?? '');
    assert('value' in checked, 'configs are checked before records are written');
    const { value } = checked;
    records.push({ type: 'ConfigRecord', body: { resourceType: TOPIC_RESOURCE, resourceName, name, value } });
  }
  return [...records, ...partitionRecords(image, topicId, 0, placement)];
}
