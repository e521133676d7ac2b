/** Steps that many chapters begin with. */
import {
  Apis,
  buildBatch,
  type ConsumerGroupHeartbeatResponse,
  type CreateTopicsResponse,
  type FindCoordinatorResponse,
  type InitProducerIdResponse,
  type ListOffsetsResponse,
  type RecordDraft,
} from '#protocol';
import { clusterSettings } from '../cluster-settings.ts';
import type { Fields, Made, Value } from '../loose-encoder.ts';
import type { Question } from '../question.ts';

/** A minute before the tests began: what records and questions about times have in common. */
export const START_MS: number = Date.now() - 60_000;

const GROUP_COORDINATORS = Number(clusterSettings['offsets.topic.num.partitions']);

export interface TopicWanted {
  readonly partitions?: number;
  readonly configs?: Readonly<Record<string, string>>;
}

/** Makes topics and waits until they can be used. */
export function createTopics(topics: Readonly<Record<string, TopicWanted>>): Question[] {
  return Object.entries(topics).flatMap(([name, { partitions = 1, configs = {} }]) => [
    {
      api: Apis.CreateTopics,
      version: 7,
      change: `make ${name}`,
      body: {
        topics: [
          {
            name,
            numPartitions: partitions,
            replicationFactor: 1,
            configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
          },
        ],
        timeoutMs: 30_000,
      },
      isOnlyAsked: true,
      isSettled: ({ topics: made }: CreateTopicsResponse) => made[0].errorCode === 0 || made[0].errorCode === 36,
    },
    ledBy(name, partitions),
  ]);
}

/** Both coordinators, and topics by their number of partitions. */
export function ready(topics: ReadonlyMap<string, number>): Question[] {
  const names = [...topics.keys()];
  return [
    coordinatorOf('some group'),
    coordinatorOf('some transaction', 1),
    ...createTopics(Object.fromEntries([...topics].map(([name, partitions]) => [name, { partitions }]))),
    ...names.slice(-1).flatMap((name) => knownToGroups(name)),
  ];
}

/**
 * Waits until the group coordinators know a topic that was just made, and all that were made before: Kafka tells them last. There is one
 * for each partition of the internal topic, and names with neighbouring numbers go to all of them.
 */
export function knownToGroups(topic: string): Question[] {
  return Array.from({ length: GROUP_COORDINATORS }, (_, index) => ({
    api: Apis.ConsumerGroupHeartbeat,
    version: 1,
    change: `a group knows ${topic}`,
    body: {
      groupId: `group-of-${topic}-${index}`,
      memberId: 'member',
      memberEpoch: 0,
      rebalanceTimeoutMs: 60_000,
      subscribedTopicNames: [topic],
      topicPartitions: [],
    },
    isOnlyAsked: true,
    isSettled: ({ errorCode, assignment }: ConsumerGroupHeartbeatResponse) =>
      errorCode === 0 && (assignment?.topicPartitions.length ?? 0) > 0,
  }));
}

/** Waits until the last partition is led, which comes after all others. */
export function ledBy(name: string, partitions: number): Question {
  const asked = [{ partitionIndex: partitions - 1, timestamp: -1 }];
  return {
    api: Apis.ListOffsets,
    version: 7,
    change: `${name} is there`,
    body: { replicaId: -1, topics: [{ name, partitions: asked }] },
    isSettled: ({ topics }: ListOffsetsResponse) => topics[0].partitions[0].errorCode === 0,
    isOnlyAsked: true,
  };
}

export function produce(name: string, batch: Value, change: string, partition = 0): Question {
  const body = {
    acks: -1,
    timeoutMs: 10_000,
    topicData: [{ name, partitionData: [{ index: partition, records: batch }] }],
  };
  return { api: Apis.Produce, version: 9, change, body };
}

/** Waits until coordinators of groups (0) or transactions (1) can be found. */
export function coordinatorOf(key: string, keyType = 0): Question {
  return {
    api: Apis.FindCoordinator,
    version: 4,
    change: `the coordinator of ${key}`,
    body: { keyType, coordinatorKeys: [key] },
    isOnlyAsked: true,
    isSettled: ({ coordinators }: FindCoordinatorResponse) => coordinators[0].errorCode !== 15,
  };
}

/** Takes a producer id for the word. */
export function producerId(word: string): Question {
  return {
    api: Apis.InitProducerId,
    version: 4,
    change: 'a producer id',
    body: { transactionalId: null, transactionTimeoutMs: 60_000 },
    isSettled: ({ errorCode }: InitProducerIdResponse) => errorCode === 0,
    learn: (reply: InitProducerIdResponse, words) => words.set(word, reply.producerId),
  };
}

export type BatchWanted = NonNullable<Parameters<typeof buildBatch>[1]> & {
  readonly values?: readonly string[];
  readonly key?: string | null;
  readonly timestamp?: number;
};

export function batchOf({ values = ['one'], key = null, timestamp = START_MS, ...options }: BatchWanted = {}): Buffer {
  const records = values.map(
    (value, index): RecordDraft => ({
      key: key === null ? null : Buffer.from(key),
      value: Buffer.from(value),
      timestamp: timestamp + index,
    }),
  );
  return buildBatch(records, options);
}

/** Gives a made value the name that tables show. */
export function named(name: string, made: Made): Made {
  return Object.defineProperty((lookUp: Parameters<Made>[0]) => made(lookUp), 'name', { value: name });
}

export function step(
  change: string,
  api: Question['api'],
  version: number,
  body: Fields,
  more: Partial<Question> = {},
): Question {
  return { api, version, change, body, ...more };
}
