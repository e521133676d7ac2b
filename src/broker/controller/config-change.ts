/** AlterConfigs and IncrementalAlterConfigs of topics: all changes of a topic are written, or none. Pure. */
import { Errors } from '#protocol';
import type { ControllerRules, Decision } from './controller-machine.ts';
import type { AlterConfigsEvent, ConfigChange, ItemResult } from './events.ts';
import type { MetadataImage } from './metadata-image.ts';
import { type MetadataRecord, TOPIC_RESOURCE } from './metadata-record.ts';
import { type Refusal, refuse } from './refusal.ts';

type TopicChanges = AlterConfigsEvent['topics'][number];

export function alterConfigs(image: MetadataImage, rules: ControllerRules, event: AlterConfigsEvent): Decision {
  const records: MetadataRecord[] = [];
  const body = event.topics.map((topic): ItemResult => {
    const { name } = topic;
    if (!image.topics.has(name)) {
      return { name, ...refuse(Errors.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic '${name}'.`) };
    }
    const values = newValues(image.topicConfigs(name), rules, topic);
    if ('error' in values) return { name, ...values };
    if (!event.validateOnly) {
      for (const record of configRecords(image.topicConfigs(name), topic, values)) records.push(record);
    }
    return { name, error: Errors.NONE, errorMessage: null };
  });
  return { records, body };
}

/** The values after the changes by key, null = no override any more. */
function newValues(
  current: ReadonlyMap<string, string>,
  rules: ControllerRules,
  topic: TopicChanges,
): Map<string, string | null> | Refusal {
  const values = new Map<string, string | null>();
  for (const change of topic.changes) {
    if (values.has(change.name)) {
      return refuse(Errors.INVALID_REQUEST, `The config key '${change.name}' stands more than once in the request.`);
    }
    const value = changedValue(current, rules, change);
    if (typeof value === 'object' && value !== null) return value;
    const checked = value === null ? { value } : rules.checkTopicConfig(change.name, value);
    if ('problem' in checked) return refuse(Errors.INVALID_CONFIG, checked.problem);
    values.set(change.name, checked.value);
  }
  const conflict = rules.topicConfigConflict(overridesAfter(current, topic, values));
  return conflict === undefined ? values : refuse(Errors.INVALID_CONFIG, conflict);
}

function overridesAfter(
  current: ReadonlyMap<string, string>,
  topic: TopicChanges,
  values: ReadonlyMap<string, string | null>,
): Map<string, string> {
  const overrides = new Map(topic.replacesAll ? [] : current);
  for (const [name, value] of values) {
    if (value === null) overrides.delete(name);
    else overrides.set(name, value);
  }
  return overrides;
}

function changedValue(
  current: ReadonlyMap<string, string>,
  rules: ControllerRules,
  change: ConfigChange,
): string | null | Refusal {
  if (change.operation === 1) return null;
  if (change.value === null)
    return refuse(Errors.INVALID_REQUEST, `The config '${change.name}' needs a value for this operation.`);
  if (change.operation === 0) return change.value;
  const inherited = rules.listConfigDefault(change.name);
  if (inherited === undefined) {
    const text = `'${change.name}' is no list, so there is nothing to ${change.operation === 2 ? 'append to' : 'subtract from'}.`;
    return refuse(Errors.INVALID_CONFIG, text);
  }
  const present = splitList(current.get(change.name) ?? inherited);
  const named = splitList(change.value);
  const result =
    change.operation === 2
      ? [...present, ...named.filter((item) => !present.includes(item))]
      : present.filter((item) => !named.includes(item));
  return result.join(',');
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function configRecords(
  current: ReadonlyMap<string, string>,
  topic: TopicChanges,
  values: ReadonlyMap<string, string | null>,
): MetadataRecord[] {
  const changes = new Map(values);
  if (topic.replacesAll) for (const name of current.keys()) if (!changes.has(name)) changes.set(name, null);
  const records: MetadataRecord[] = [];
  for (const [name, value] of changes) {
    if ((current.get(name) ?? null) === value) continue;
    records.push({
      type: 'ConfigRecord',
      body: { resourceType: TOPIC_RESOURCE, resourceName: topic.name, name, value },
    });
  }
  return records;
}
