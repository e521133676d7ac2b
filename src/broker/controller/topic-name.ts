/** What a topic may be called. Checked before any path is built from a name. Pure. */
import { CLUSTER_METADATA_TOPIC, shortened } from '#core';

const NAME_CHARS_MAX = 249;

/** Topics that belong to the broker: hidden from wildcard subscriptions, not writable by clients. */
export const GROUP_METADATA_TOPIC = '__consumer_offsets';
export const TRANSACTION_STATE_TOPIC = '__transaction_state';

export function isInternalTopic(name: string): boolean {
  return name === GROUP_METADATA_TOPIC || name === TRANSACTION_STATE_TOPIC;
}

/** Why `name` is refused, or undefined when it is a good name. */
export function topicNameProblem(name: string): string | undefined {
  if (name === '') return 'it has no characters';
  if (name === '.' || name === '..') return `'${name}' stands for a folder`;
  if (name.length > NAME_CHARS_MAX) {
    return `'${shortened(name)}' has ${name.length} characters, possible are ${NAME_CHARS_MAX}`;
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return `'${name}' is not made of a-z, A-Z, 0-9, '.', '_' and '-' alone`;
  }
  if (name === CLUSTER_METADATA_TOPIC) return `'${name}' is the log of the cluster itself`;
  return undefined;
}

/** Two names with the same key would share their metric names in Kafka: `a.b` and `a_b`. */
export function collisionKey(name: string): string {
  return name.includes('.') ? name.replaceAll('.', '_') : name;
}
