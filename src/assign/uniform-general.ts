/**
 * Uniform assignment of a group whose members read different topics:
 *
 *     1. who does not read a topic any more gives up its partitions;
 *     2. partitions without an owner go, topic by topic, to the least loaded readers; topics with many partitions a reader come first;
 *     3. topic by topic, partitions move from the most loaded to the least loaded reader while they differ by two or more, until a whole
 *        round of the topics has moved nothing. Where sets of readers overlap that can take long, so the rounds are limited.
 */
import type { Uuid } from '#core';
import { compareText } from './assignor.ts';
import { LoadRanges } from './load-ranges.ts';
import { PartitionCollector, type ServerAssignorGroup, type TopicIdPartitions } from './server-assignor.ts';

/** Each round about halves what is out of balance. */
const ROUND_COUNT_MAX = 16;

const NOBODY = -1;

export function assignGenerally(group: ServerAssignorGroup): Map<string, TopicIdPartitions> {
  return new GeneralAssignment(group).assign();
}

interface Topic {
  readonly topicId: Uuid;
  /** Indexes of members, ascending. */
  readonly readers: number[];
  /** By partition: index of the member, or `NOBODY`. */
  readonly owners: number[];
}

class GeneralAssignment {
  readonly #memberIds: string[];
  readonly #collectors: PartitionCollector[];
  /** How many partitions each member has. */
  readonly #loads: number[];
  /** Those with most partitions a reader first; then those with few readers, then by id. */
  readonly #topics: Topic[];

  constructor({ members, partitionCounts }: ServerAssignorGroup) {
    const topics = new Map<Uuid, Topic>();
    const rows = [...members.values()];
    this.#memberIds = [...members.keys()];
    this.#collectors = rows.map(({ partitions }) => new PartitionCollector(partitions));
    this.#loads = rows.map(() => 0);
    for (const [index, { topicIds }] of rows.entries()) {
      for (const topicId of topicIds) {
        const count = partitionCounts.get(topicId) ?? 0;
        const known = topics.get(topicId);
        if (known !== undefined) known.readers.push(index);
        else topics.set(topicId, { topicId, readers: [index], owners: Array.from({ length: count }, () => NOBODY) });
      }
    }
    for (const [index, { topicIds, partitions }] of rows.entries()) {
      for (const [topicId, owned] of partitions) {
        if (topicIds.has(topicId)) this.#keep(topics.get(topicId)!, owned, index);
        else this.#collectors[index].deleteTopic(topicId);
      }
    }
    this.#topics = [...topics.values()].sort(compareTopics);
  }

  assign(): Map<string, TopicIdPartitions> {
    for (const topic of this.#topics) this.#assignFree(topic);
    this.#balance(this.#topics.filter(({ readers }) => readers.length >= 2));
    return new Map(this.#memberIds.map((memberId, index) => [memberId, this.#collectors[index].finish()]));
  }

  #keep({ owners }: Topic, owned: readonly number[], index: number): void {
    this.#loads[index] += owned.length;
    for (const partition of owned) owners[partition] = index;
  }

  #assignFree(topic: Topic): void {
    if (!topic.owners.includes(NOBODY)) return;
    const ranges = new LoadRanges(topic.readers, this.#loads);
    for (const [partition, owner] of topic.owners.entries()) {
      if (owner === NOBODY) this.#move(topic, partition, ranges.nextLeastLoaded());
    }
  }

  #balance(topics: readonly Topic[]): void {
    let lastMoved: Topic | undefined;
    for (let round = 0; round < ROUND_COUNT_MAX; round++) {
      for (const topic of topics) {
        if (topic === lastMoved) return;
        if (this.#balanceTopic(topic) || lastMoved === undefined) lastMoved = topic;
      }
    }
  }

  /** @returns whether a partition moved */
  #balanceTopic(topic: Topic): boolean {
    const ranges = new LoadRanges(topic.readers, this.#loads);
    if (ranges.imbalance <= 1) return false;
    const owned = new Map<number, number[]>();
    for (const [partition, owner] of topic.owners.entries()) {
      const partitions = owned.get(owner);
      if (partitions === undefined) owned.set(owner, [partition]);
      else partitions.push(partition);
    }
    let hasMoved = false;
    for (;;) {
      const giver = nextGiver(ranges, owned);
      if (giver === NOBODY) break;
      const partition = owned.get(giver)!.pop()!;
      const taker = ranges.nextLeastLoaded();
      if (ranges.isBalanced) break;
      this.#move(topic, partition, taker);
      hasMoved = true;
    }
    return hasMoved;
  }

  #move({ topicId, owners }: Topic, partition: number, index: number): void {
    const owner = owners[partition];
    if (owner !== NOBODY) {
      this.#collectors[owner].delete(topicId, partition);
      this.#loads[owner]--;
    }
    this.#collectors[index].add(topicId, partition);
    this.#loads[index]++;
    owners[partition] = index;
  }
}

/** The next of the most loaded readers that has a partition of the topic, or `NOBODY`. */
function nextGiver(ranges: LoadRanges, owned: ReadonlyMap<number, readonly number[]>): number {
  for (;;) {
    const index = ranges.nextMostLoaded();
    if (index === NOBODY || (owned.get(index)?.length ?? 0) > 0) return index;
    ranges.excludeMostLoaded();
  }
}

function compareTopics(left: Topic, right: Topic): number {
  return (
    right.owners.length / right.readers.length - left.owners.length / left.readers.length ||
    left.readers.length - right.readers.length ||
    compareText(left.topicId, right.topicId)
  );
}
