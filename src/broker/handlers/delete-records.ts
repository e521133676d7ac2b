/** DeleteRecords (21): moves the start of a log up, for good; the segments below go with the next round of retention. @see KIP-107 */
import { errorText, KafkaError } from '#core';
import {
  type DeleteRecordsRequest,
  type DeleteRecordsResponse,
  type Draft,
  Errors,
  type KafkaErrorRow,
} from '#protocol';
import type { BrokerParts } from '../broker-parts.ts';
import { isInternalTopic, type TopicImage } from '../controller/index.ts';
import type { HostedPartition } from '../hosting/hosted-partition.ts';
import type { RequestContext } from '../server/request-context.ts';
import { askedOnce } from './asked-once.ts';
import { findPartition, findTopic, isFound } from './topic-lookup.ts';

/** As offset: all that is committed. */
const HIGH_WATERMARK = -1;
/** The low watermark of an answer that is an error. */
const NO_LOW_WATERMARK = -1;

type AskedPartition = DeleteRecordsRequest['topics'][number]['partitions'][number];

export async function deleteRecords(
  broker: BrokerParts,
  context: RequestContext,
  request: DeleteRecordsRequest,
): Promise<Draft<typeof DeleteRecordsResponse>> {
  const topics = [...askedOnce(request.topics)].map(async ([name, partitions]) => {
    const topic = findTopic(broker, context, name);
    const answers = [...partitions.values()].map((asked) => answer(broker, topic, asked));
    return { name, partitions: await Promise.all(answers) };
  });
  return { topics: await Promise.all(topics) };
}

async function answer(broker: BrokerParts, topic: TopicImage | KafkaErrorRow, asked: AskedPartition) {
  const { partitionIndex } = asked;
  const found = findPartition(broker, topic, partitionIndex, -1);
  const error = isFound(found) ? await deleteBelow(broker, found, asked.offset) : found;
  const isDone = isFound(found) && error === Errors.NONE;
  return { partitionIndex, lowWatermark: isDone ? found.log.logStartOffset : NO_LOW_WATERMARK, errorCode: error.code };
}

async function deleteBelow(broker: BrokerParts, partition: HostedPartition, asked: number): Promise<KafkaErrorRow> {
  if (isInternalTopic(partition.topic)) return Errors.INVALID_TOPIC_EXCEPTION;
  const policy = partition.config['cleanup.policy'];
  if (policy.includes('compact') && !policy.includes('delete')) return Errors.POLICY_VIOLATION;
  const offset = asked === HIGH_WATERMARK ? partition.highWatermark : asked;
  if (offset < 0 || offset > partition.highWatermark) return Errors.OFFSET_OUT_OF_RANGE;
  try {
    await partition.deleteRecords(offset);
    return Errors.NONE;
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    const name = `${partition.topic}-${partition.partition}`;
    broker.logger.error({ log: name, offset }, `Where ${name} starts could not be stored: ${errorText(error)}`);
    return Errors.KAFKA_STORAGE_ERROR;
  }
}
