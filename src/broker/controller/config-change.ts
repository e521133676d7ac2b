/** AlterConfigs and IncrementalAlterConfigs: all changes of a resource are written, or none. Pure. */
import { assert } from '#core';
import { Errors } from '#protocol';
import type { ConfigRules, ControllerRules, Decision } from './decision.ts';
import type { AlterConfigsEvent, ConfigChange, ItemResult } from './events.ts';
import type { MetadataImage } from './metadata-image.ts';
import { type MetadataRecord, TOPIC_RESOURCE } from './metadata-record.ts';
import { type Refusal, refuse } from './refusal.ts';

type ResourceChanges = AlterConfigsEvent['resources'][number];

/** Longer ones do not fit into the record of a Kafka. */
const VALUE_CHARS_MAX = 32_767;

export function alterConfigs(image: MetadataImage, rules: ControllerRules, event: AlterConfigsEvent): Decision {
  const records: MetadataRecord[] = [];
  const body = event.resources.map((resource): ItemResult => {
    const { type, name } = resource;
    const own = rules.configs.get(type);
    assert(own !== undefined, `configs of resource type ${type} have no rules`);
    const current = image.configsOf(type, name);
    const values = own.nameRefusal(name) ?? newValues(current, own, resource);
    if (!(values instanceof Map)) return { name, ...values };
    if (type === TOPIC_RESOURCE && !image.topics.has(name)) {
      return { name, ...refuse(Errors.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic '${name}'.`) };
    }
    if (!event.validateOnly) for (const record of configRecords(current, resource, values)) records.push(record);
    return { name, error: Errors.NONE, errorMessage: null };
  });
  return { records, body };
}

/** The values after the changes by key, null = no override any more. */
function newValues(
  current: ReadonlyMap<string, string>,
  rules: ConfigRules,
  resource: ResourceChanges,
): Map<string, string | null> | Refusal {
  const values = new Map<string, string | null>();
  for (const change of resource.changes) {
    if (values.has(change.name)) {
      return refuse(Errors.INVALID_REQUEST, `The config key '${change.name}' stands more than once in the request.`);
    }
    const value = changedValue(current, rules, change);
    if (typeof value === 'object' && value !== null) return value;
    const checked = value === null ? { value } : checkValue(rules, resource.name, change.name, value);
    if ('error' in checked) return checked;
    values.set(change.name, checked.value);
  }
  return rules.conflict(resource.name, overridesAfter(current, resource, values)) ?? values;
}

function checkValue(rules: ConfigRules, resourceName: string, key: string, value: string) {
  if (value.length <= VALUE_CHARS_MAX) return rules.check(resourceName, key, value);
  const text = `The value of '${key}' would have ${value.length} characters, possible are ${VALUE_CHARS_MAX}.`;
  return refuse(Errors.INVALID_CONFIG, text);
}

function overridesAfter(
  current: ReadonlyMap<string, string>,
  resource: ResourceChanges,
  values: ReadonlyMap<string, string | null>,
): Map<string, string> {
  const overrides = new Map(resource.replacesAll ? [] : current);
  for (const [name, value] of values) {
    if (value === null) overrides.delete(name);
    else overrides.set(name, value);
  }
  return overrides;
}

function changedValue(
  current: ReadonlyMap<string, string>,
  rules: ConfigRules,
  change: ConfigChange,
): string | null | Refusal {
  if (change.operation === 1) return null;
  if (change.value === null)
    return refuse(Errors.INVALID_REQUEST, `The config '${change.name}' needs a value for this operation.`);
  if (change.operation === 0) return change.value;
  const list = rules.list(change.name);
  if (list === undefined) {
    const text = `'${change.name}' is no list, so there is nothing to ${change.operation === 2 ? 'append to' : 'subtract from'}.`;
    return refuse(Errors.INVALID_CONFIG, text);
  }
  if (change.operation === 2 && list.isChoice && change.value.split(',').some((item) => item.trim() === '')) {
    return refuse(Errors.INVALID_CONFIG, `Nothing is no value to append to '${change.name}'.`);
  }
  const present = splitList(current.get(change.name) ?? list.inherited);
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
  resource: ResourceChanges,
  values: ReadonlyMap<string, string | null>,
): MetadataRecord[] {
  const changes = new Map(values);
  if (resource.replacesAll) for (const name of current.keys()) if (!changes.has(name)) changes.set(name, null);
  const records: MetadataRecord[] = [];
  const { type: resourceType, name: resourceName } = resource;
  for (const [name, value] of changes) {
    if ((current.get(name) ?? null) === value) continue;
    records.push({ type: 'ConfigRecord', body: { resourceType, resourceName, name, value } });
  }
  return records;
}
