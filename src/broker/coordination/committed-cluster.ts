/**
 * The cluster as group coordinators see it: what is committed of its metadata. One for all of them; it notes which topics a record has changed, so that
 * groups that read them are told, once for all records of a moment.
 */
import type { ConfigOf, Uuid } from '#core';
import { consumerGroupConfig } from '../config/group-configs.ts';
import { GROUP_RESOURCE, type MetadataImage, type MetadataRecord } from '../controller/index.ts';
import {
  type ClusterView,
  type ConsumerGroupConfig,
  type GroupTopic,
  type groupConfigTable,
  topicHash,
} from '../group/index.ts';

export class CommittedCluster implements ClusterView {
  newTopicsVersion: number;
  readonly #image: MetadataImage;
  readonly #config: () => ConfigOf<typeof groupConfigTable>;
  readonly #hashes = new Map<string, string>();

  /** @param config the broker's keys as they count now */
  constructor(image: MetadataImage, config: () => ConfigOf<typeof groupConfigTable>) {
    this.#image = image;
    this.#config = config;
    this.newTopicsVersion = image.offset;
  }

  get version(): number {
    return this.#image.offset;
  }

  topic(name: string): GroupTopic | undefined {
    return groupTopic(this.#image.topics.get(name));
  }

  topicById(topicId: Uuid): GroupTopic | undefined {
    return groupTopic(this.#image.topicById(topicId));
  }

  topicNames(): Iterable<string> {
    return this.#image.topics.keys();
  }

  topicHash(name: string): string | undefined {
    const topic = this.#image.topics.get(name);
    if (topic === undefined) return undefined;
    let hash = this.#hashes.get(name);
    if (hash === undefined) {
      const racks = topic.partitions.map(({ replicas }) =>
        replicas.flatMap((id) => this.#image.brokers.get(id)?.rack ?? []),
      );
      this.#hashes.set(name, (hash = topicHash(name, topic.topicId, racks)));
    }
    return hash;
  }

  consumerConfig(groupId: string): ConsumerGroupConfig {
    return consumerGroupConfig(this.#image.configsOf(GROUP_RESOURCE, groupId), this.#config());
  }

  /** A record was committed. @returns the topic that it has changed; one that is gone is named by `forget` */
  committed(record: MetadataRecord): string | undefined {
    switch (record.type) {
      case 'TopicRecord':
        this.newTopicsVersion = this.#image.offset;
        return this.#changed(record.body.name);
      case 'PartitionRecord':
      case 'PartitionChangeRecord':
        return this.#changed(this.#image.topicById(record.body.topicId)?.name);
      case 'RegisterBrokerRecord':
        // Its rack may be another one.
        this.#hashes.clear();
        return undefined;
      default:
        return undefined;
    }
  }

  forget(topic: string): void {
    this.#hashes.delete(topic);
  }

  #changed(name: string | undefined): string | undefined {
    if (name !== undefined) this.#hashes.delete(name);
    return name;
  }
}

function groupTopic(
  topic: { readonly name: string; readonly topicId: Uuid; readonly partitions: readonly unknown[] } | undefined,
): GroupTopic | undefined {
  if (topic === undefined) return undefined;
  return { name: topic.name, topicId: topic.topicId, partitionCount: topic.partitions.length };
}
