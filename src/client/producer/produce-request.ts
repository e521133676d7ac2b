/**
 * ◇ Batches of one broker as a Produce request, and its reply taken apart again. From version 13 on topics go by id.
 */
import { ZERO_UUID } from '#core';
import { type Draft, ProduceRequest, type ProduceResponse } from '#protocol';
import type { ProducerBatch } from './producer-batch.ts';

/** From this version on requests name topics by id. @see KIP-516 */
export const TOPIC_ID_VERSION = 13;

export interface ProduceBatches {
  acks: number;
  /** For the broker's wait for replicas, ms. */
  timeoutMs: number;
  /** At most one of each partition. */
  batches: readonly ProducerBatch[];
  /** ZERO_UUID when it is not known. */
  topicIdOf(topic: string): string;
}

/** Whether all topics may go by id. */
export function hasTopicIds(request: ProduceBatches): boolean {
  return request.batches.every((batch) => request.topicIdOf(batch.topic) !== ZERO_UUID);
}

/** The body for the version that both sides know. A batch whose time was over before the request left is not in it. */
export function produceBody(request: ProduceBatches, version: number): Draft<typeof ProduceRequest> {
  const byTopic = new Map<string, { index: number; records: Buffer }[]>();
  for (const batch of request.batches) {
    if (batch.isDone) continue;
    let partitions = byTopic.get(batch.topic);
    if (partitions === undefined) {
      partitions = [];
      byTopic.set(batch.topic, partitions);
    }
    partitions.push({ index: batch.partition, records: batch.records() });
  }
  const topicData = [...byTopic].map(([name, partitionData]) =>
    version >= TOPIC_ID_VERSION ? { topicId: request.topicIdOf(name), partitionData } : { name, partitionData },
  );
  return { transactionalId: null, acks: request.acks, timeoutMs: request.timeoutMs, topicData };
}

export type PartitionResponse = ProduceResponse['responses'][number]['partitionResponses'][number];

/** Finds the answer about a batch; undefined when the broker forgot it. */
export function answerFinder(
  response: ProduceResponse,
  topicIdOf: (topic: string) => string,
): (batch: ProducerBatch) => PartitionResponse | undefined {
  const byTopic = new Map<string, PartitionResponse[]>();
  for (const topic of response.responses) {
    byTopic.set(topic.name === '' ? topic.topicId : topic.name, topic.partitionResponses);
  }
  return (batch) => {
    const partitions = byTopic.get(batch.topic) ?? byTopic.get(topicIdOf(batch.topic));
    return partitions?.find((one) => one.index === batch.partition);
  };
}
