/**
 * What operators ask about transactions: DescribeTransactions (65) and ListTransactions (66) of the coordinators, DescribeProducers (61) of the
 * partitions. Together they find transactions that hang. @see KIP-664
 */
import {
  type DescribeProducersRequest,
  type DescribeProducersResponse,
  type DescribeTransactionsRequest,
  type DescribeTransactionsResponse,
  type Draft,
  Errors,
  type KafkaErrorRow,
  type ListTransactionsRequest,
  type ListTransactionsResponse,
} from '#protocol';
import type { ProducerEntry } from '#storage';
import type { BrokerParts } from '../broker-parts.ts';
import { type TopicImage, topicNameProblem } from '../controller/index.ts';
import { compileTopicPattern } from '../group/index.ts';
import type { RequestContext } from '../server/request-context.ts';
import {
  type DescribeReply,
  type ListReply,
  type TransactionDescription,
  transactionStates,
} from '../transaction/index.ts';
import { findPartition, findTopic, isFound } from './topic-lookup.ts';

type DescribedTransaction = NonNullable<Draft<typeof DescribeTransactionsResponse>['transactionStates']>[number];
type ListedTransaction = NonNullable<Draft<typeof ListTransactionsResponse>['transactionStates']>[number];
type DescribedTopic = NonNullable<Draft<typeof DescribeProducersResponse>['topics']>[number];
type DescribedPartition = NonNullable<DescribedTopic['partitions']>[number];

export async function describeTransactions(
  broker: BrokerParts,
  context: RequestContext,
  request: DescribeTransactionsRequest,
): Promise<Draft<typeof DescribeTransactionsResponse>> {
  const transactionStates = request.transactionalIds.map(async (transactionalId): Promise<DescribedTransaction> => {
    const failed = ({ code: errorCode }: KafkaErrorRow) => ({ errorCode, transactionalId });
    if (!context.allows(transactionalId)) return failed(Errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    if (transactionalId === '') return failed(Errors.INVALID_REQUEST);
    const { error, body } = await new Promise<{ error: KafkaErrorRow | undefined; body: DescribeReply | undefined }>(
      (resolve) =>
        broker.transactions.ask<DescribeReply>(
          transactionalId,
          (token) => ({ type: 'describe-transaction', token, transactionalId }),
          resolve,
        ),
    );
    if (error !== undefined) return failed(error);
    const transaction = body!.transaction;
    return transaction === undefined ? failed(Errors.TRANSACTIONAL_ID_NOT_FOUND) : describe(context, transaction);
  });
  return { transactionStates: await Promise.all(transactionStates) };
}

function describe(context: RequestContext, transaction: TransactionDescription): DescribedTransaction {
  const { transactionalId, producerId, producerEpoch, state, timeoutMs, startMs } = transaction;
  const topics = new Map<string, number[]>();
  for (const { topic, partition } of transaction.partitions) {
    if (!context.may('describe', 'topic', topic)) continue;
    topics.set(topic, [...(topics.get(topic) ?? []), partition]);
  }
  return {
    errorCode: Errors.NONE.code,
    transactionalId,
    transactionState: state,
    transactionTimeoutMs: timeoutMs,
    transactionStartTimeMs: startMs,
    producerId,
    producerEpoch,
    topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
  };
}

/** Ids of every coordinator here. While one is loading the list would have gaps, so the client is told to come back. */
export async function listTransactions(
  broker: BrokerParts,
  context: RequestContext,
  request: ListTransactionsRequest,
): Promise<Draft<typeof ListTransactionsResponse>> {
  const { stateFilters: states, producerIdFilters: producerIds, durationFilter: durationMs } = request;
  const text = request.transactionalIdPattern ?? '';
  const pattern = text === '' ? undefined : compileTopicPattern(text);
  if (pattern !== undefined && 'problem' in pattern) return { errorCode: Errors.INVALID_REGULAR_EXPRESSION.code };
  const matches = (transactionalId: string) => pattern?.matches(transactionalId) ?? true;
  const outcomes = await broker.transactions.askAll<ListReply>((token) => {
    return { type: 'list-transactions', token, states, producerIds, durationMs, matches };
  });
  const known: readonly string[] = transactionStates;
  const unknownStateFilters = states.filter((state) => !known.includes(state));
  const listed: ListedTransaction[] = [];
  for (const { error, body } of outcomes) {
    if (error !== undefined) return { errorCode: error.code, unknownStateFilters };
    for (const { transactionalId, producerId, state } of body.transactions) {
      if (context.allows(transactionalId)) listed.push({ transactionalId, producerId, transactionState: state });
    }
  }
  return { errorCode: Errors.NONE.code, unknownStateFilters, transactionStates: listed };
}

export function describeProducers(
  broker: BrokerParts,
  context: RequestContext,
  request: DescribeProducersRequest,
): Draft<typeof DescribeProducersResponse> {
  const topics = request.topics.map(({ name, partitionIndexes }): DescribedTopic => {
    const problem = topicNameProblem(name);
    const topic = problem === undefined ? findTopic(broker, context, name) : Errors.INVALID_TOPIC_EXCEPTION;
    const unknown = topic === Errors.UNKNOWN_TOPIC_OR_PARTITION ? topic.message : null;
    const errorMessage = problem === undefined ? unknown : `The topic name is wrong: ${problem}.`;
    const partitions = partitionIndexes.map((index) => ({
      ...describePartition(broker, topic, index),
      errorMessage,
    }));
    return { name, partitions };
  });
  return { topics };
}

function describePartition(
  broker: BrokerParts,
  topic: TopicImage | KafkaErrorRow,
  partitionIndex: number,
): DescribedPartition {
  const found = findPartition(broker, topic, partitionIndex, -1);
  if (!isFound(found)) return { partitionIndex, errorCode: found.code };
  const activeProducers = [...found.log.producers.entries()].map(describeProducer);
  return { partitionIndex, errorCode: Errors.NONE.code, activeProducers };
}

function describeProducer({ producerId, epoch, batches, ...entry }: ProducerEntry) {
  const lastBatch = batches.at(-1);
  const isMarkedLast = entry.currentTxnFirstOffset < 0 && entry.coordinatorEpoch >= 0;
  return {
    producerId,
    producerEpoch: epoch,
    lastSequence: lastBatch?.lastSequence ?? -1,
    lastTimestamp: isMarkedLast ? entry.lastTimestamp : (lastBatch?.timestamp ?? entry.lastTimestamp),
    coordinatorEpoch: entry.coordinatorEpoch,
    currentTxnStartOffset: entry.currentTxnFirstOffset,
  };
}
