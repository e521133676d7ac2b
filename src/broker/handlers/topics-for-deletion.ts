/**
 * Which topics a DeleteTopics request means. Since version 6 each is named by name or by id; whatever is named twice, in one way or in
 * both, is refused once and stays: nobody can say what its client wanted.
 */
import { type Uuid, ZERO_UUID } from '#core';
import type { MetadataImage, TopicImage } from '../controller/index.ts';

export interface NamedTopic {
  readonly name: string | null;
  readonly topicId: Uuid;
}

export interface TopicForDeletion extends NamedTopic {
  /** Undefined: there is none. */
  readonly topic: TopicImage | undefined;
  /** Why it is not clear what is meant. */
  readonly problem: string | undefined;
}

export function topicsForDeletion(image: MetadataImage, asked: readonly NamedTopic[]): TopicForDeletion[] {
  const found = new Map<string, TopicForDeletion>();
  for (const { name, topicId } of asked) {
    const key = `${name} ${topicId}`;
    const isRepeated = found.has(key) ? 'It is named twice.' : undefined;
    const topic = name === null ? image.topicById(topicId) : image.topics.get(name);
    found.set(key, { name, topicId, topic, problem: halfNamed(name, topicId) ?? isRepeated });
  }
  return [...mergeNames(found.values())];
}

function halfNamed(name: string | null, topicId: Uuid): string | undefined {
  const isById = topicId !== ZERO_UUID;
  if (isById && name !== null) return 'Name it by its name or by its id, not by both.';
  return isById || name !== null ? undefined : 'Name it by its name or by its id.';
}

/** A topic that is meant by name and by id in one request. */
function* mergeNames(found: Iterable<TopicForDeletion>): Generator<TopicForDeletion> {
  const all = [...found];
  const clear = all.filter(({ topic, problem }) => topic !== undefined && problem === undefined);
  const byName = new Set(clear.flatMap(({ name, topic }) => (name === null ? [] : [topic])));
  const byId = new Set(clear.flatMap(({ name, topic }) => (name === null ? [topic] : [])));
  for (const one of all) {
    const isBoth = one.problem === undefined && byName.has(one.topic) && byId.has(one.topic);
    if (!isBoth) yield one;
    else if (one.name !== null)
      yield { ...one, topicId: one.topic!.topicId, problem: 'It is named by its name and by its id.' };
  }
}
