/**
 * The APIs by which producers speak with their transaction coordinator: InitProducerId (22), AddPartitionsToTxn (24), AddOffsetsToTxn (25)
 * and EndTxn (26). The rules live in the transaction machine; here requests find the machine of their transactional id, and what it says is
 * put into the words of the version that was asked in.
 */
import {
  type AddOffsetsToTxnRequest,
  type AddOffsetsToTxnResponse,
  type AddPartitionsToTxnRequest,
  type AddPartitionsToTxnResponse,
  type Draft,
  type EndTxnRequest,
  type EndTxnResponse,
  Errors,
  type InitProducerIdRequest,
  type InitProducerIdResponse,
  type KafkaErrorRow,
} from '#protocol';
import { CLUSTER_RESOURCE_NAME } from '../authorizer.ts';
import type { BrokerParts } from '../broker-parts.ts';
import { GROUP_METADATA_TOPIC, isInternalTopic } from '../controller/index.ts';
import type { RequestContext } from '../server/request-context.ts';
import type { ErrorReply, TopicPartition, TransactionRequestEvent, VerifyReply } from '../transaction/index.ts';

/** From these versions on PRODUCER_FENCED is understood; before it was INVALID_PRODUCER_EPOCH. @see KIP-588 */
const FENCED_VERSION = { initProducerId: 4, addPartitions: 2, addOffsets: 2, endTxn: 2 };
/** From this version on brokers ask, for several transactions at once. @see KIP-890 */
const BATCH_VERSION = 4;
/** From this version on the client speaks transactions v2. */
const END_TXN_V2_VERSION = 5;

type AddPartitionsResponse = Draft<typeof AddPartitionsToTxnResponse>;
type TransactionDraft = AddPartitionsToTxnRequest['transactions'][number];
type TransactionResult = NonNullable<AddPartitionsResponse['resultsByTransaction']>[number];

/** Without a transactional id every call gives a fresh producer id: nobody remembers one, so a new one is as good and never collides. */
export async function initProducerId(
  broker: BrokerParts,
  context: RequestContext,
  request: InitProducerIdRequest,
): Promise<Draft<typeof InitProducerIdResponse>> {
  const refusal = refuseInit(context, request);
  if (refusal !== undefined) return noProducer(refusal);
  const { transactionalId, transactionTimeoutMs: timeoutMs, producerId, producerEpoch } = request;
  if (transactionalId === null) return takeProducerId(broker);
  const expected = producerId < 0 ? undefined : { producerId, producerEpoch };
  const { error, body } = await broker.transactions.askForProducer(transactionalId, (token, newProducerId) => {
    return { type: 'init-producer-id', token, transactionalId, timeoutMs, expected, newProducerId };
  });
  const outcome = forVersion(error ?? body!.error, context.version >= FENCED_VERSION.initProducerId);
  if (outcome !== Errors.NONE) return noProducer(outcome);
  return { errorCode: Errors.NONE.code, producerId: body!.producerId, producerEpoch: body!.producerEpoch };
}

function refuseInit(context: RequestContext, request: InitProducerIdRequest): KafkaErrorRow | undefined {
  const { transactionalId, producerId, producerEpoch, enable2Pc, keepPreparedTxn } = request;
  if (transactionalId !== null && !context.may('write', 'transactional-id', transactionalId))
    return Errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
  if ((producerId === -1) !== (producerEpoch === -1)) return Errors.INVALID_REQUEST;
  if (transactionalId === null) return undefined;
  if (transactionalId === '') return Errors.INVALID_REQUEST;
  // Two-phase commit takes `transaction.two.phase.commit.enable`, which is not there. @see KIP-939
  if (enable2Pc) return Errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
  return keepPreparedTxn ? Errors.UNSUPPORTED_VERSION : undefined;
}

async function takeProducerId(broker: BrokerParts): Promise<Draft<typeof InitProducerIdResponse>> {
  const { error, producerId } = await broker.producerIds.take();
  if (error !== Errors.NONE) return noProducer(Errors.COORDINATOR_LOAD_IN_PROGRESS);
  return { errorCode: Errors.NONE.code, producerId, producerEpoch: 0 };
}

function noProducer(error: KafkaErrorRow) {
  return { errorCode: error.code, producerId: -1, producerEpoch: -1 };
}

export async function endTxn(
  broker: BrokerParts,
  context: RequestContext,
  request: EndTxnRequest,
): Promise<Draft<typeof EndTxnResponse>> {
  const { transactionalId, producerId, producerEpoch, committed: isCommit } = request;
  const refusal = refuseTransactionalId(context, transactionalId);
  if (refusal !== undefined) return noProducer(refusal);
  const clientVersion = context.version >= END_TXN_V2_VERSION ? 2 : 0;
  const { error, body } = await broker.transactions.askForProducer(transactionalId, (token, newProducerId) => {
    const producer = { transactionalId, producerId, producerEpoch };
    return { type: 'end-transaction', token, ...producer, isCommit, clientVersion, newProducerId };
  });
  const outcome = forVersion(error ?? body!.error, context.version >= FENCED_VERSION.endTxn);
  if (outcome !== Errors.NONE) return noProducer(outcome);
  return { errorCode: Errors.NONE.code, producerId: body!.producerId, producerEpoch: body!.producerEpoch };
}

export async function addOffsetsToTxn(
  broker: BrokerParts,
  context: RequestContext,
  request: AddOffsetsToTxnRequest,
): Promise<Draft<typeof AddOffsetsToTxnResponse>> {
  const { transactionalId, producerId, producerEpoch, groupId } = request;
  const refusal = refuseTransactionalId(context, transactionalId);
  if (refusal !== undefined) return { errorCode: refusal.code };
  if (!context.may('read', 'group', groupId)) return { errorCode: Errors.GROUP_AUTHORIZATION_FAILED.code };
  const partitions = [{ topic: GROUP_METADATA_TOPIC, partition: broker.groups.partitionOf(groupId) }];
  const { error, body } = await ask<ErrorReply>(broker, transactionalId, (token) => {
    const producer = { transactionalId, producerId, producerEpoch };
    return { type: 'add-partitions', token, ...producer, partitions, clientVersion: 0 };
  });
  return { errorCode: forVersion(error ?? body!.error, context.version >= FENCED_VERSION.addOffsets).code };
}

export async function addPartitionsToTxn(
  broker: BrokerParts,
  context: RequestContext,
  request: AddPartitionsToTxnRequest,
): Promise<AddPartitionsResponse> {
  if (context.version < BATCH_VERSION) {
    const { topicResults } = await addOrVerify(broker, context, ofClient(request));
    return { resultsByTopicV3AndBelow: topicResults };
  }
  if (!context.may('cluster-action', 'cluster', CLUSTER_RESOURCE_NAME))
    return { errorCode: Errors.CLUSTER_AUTHORIZATION_FAILED.code };
  const results = request.transactions.map((transaction) => addOrVerify(broker, context, transaction));
  return { resultsByTransaction: await Promise.all(results) };
}

/** What clients ask, in the form in which brokers ask. */
function ofClient(request: AddPartitionsToTxnRequest): TransactionDraft {
  return {
    transactionalId: request.v3AndBelowTransactionalId,
    producerId: request.v3AndBelowProducerId,
    producerEpoch: request.v3AndBelowProducerEpoch,
    verifyOnly: false,
    topics: request.v3AndBelowTopics,
  };
}

async function addOrVerify(
  broker: BrokerParts,
  context: RequestContext,
  transaction: TransactionDraft,
): Promise<TransactionResult> {
  const { transactionalId, producerId, producerEpoch, topics, verifyOnly } = transaction;
  const partitions = topics.flatMap(({ name, partitions }) =>
    partitions.map((partition) => ({ topic: name, partition })),
  );
  const refused = refusePartitions(broker, context, transaction, partitions);
  if (refused !== undefined) return resultOnce(transaction, refused);
  const producer = { transactionalId, producerId, producerEpoch, partitions };
  if (verifyOnly) {
    const { error, body } = await ask<VerifyReply>(broker, transactionalId, (token) => {
      return { type: 'verify-partitions', token, ...producer };
    });
    return resultOnce(transaction, body?.errors ?? partitions.map(() => error!));
  }
  const clientVersion = context.version >= BATCH_VERSION ? 2 : 0;
  const { error, body } = await ask<ErrorReply>(broker, transactionalId, (token) => {
    return { type: 'add-partitions', token, ...producer, clientVersion };
  });
  const outcome = forVersion(error ?? body!.error, context.version >= FENCED_VERSION.addPartitions);
  return resultOf(
    transaction,
    partitions.map(() => outcome),
  );
}

/** One partition that cannot join keeps all others out. */
function refusePartitions(
  broker: BrokerParts,
  context: RequestContext,
  { transactionalId }: TransactionDraft,
  partitions: readonly TopicPartition[],
): KafkaErrorRow[] | undefined {
  const isClient = context.version < BATCH_VERSION;
  if (isClient && !context.may('write', 'transactional-id', transactionalId))
    return partitions.map(() => Errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
  const errors = partitions.map(({ topic, partition }) => {
    if (isClient && (isInternalTopic(topic) || !context.may('write', 'topic', topic)))
      return Errors.TOPIC_AUTHORIZATION_FAILED;
    const isThere = broker.metadata.image.topics.get(topic)?.partitions[partition] !== undefined;
    return isThere ? Errors.OPERATION_NOT_ATTEMPTED : Errors.UNKNOWN_TOPIC_OR_PARTITION;
  });
  if (errors.some((error) => error !== Errors.OPERATION_NOT_ATTEMPTED)) return errors;
  return transactionalId === '' ? partitions.map(() => Errors.INVALID_REQUEST) : undefined;
}

/** @param errors one for each partition, in order */
function resultOf({ transactionalId, topics }: TransactionDraft, errors: readonly KafkaErrorRow[]) {
  let next = 0;
  const topicResults = topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex) => ({
      partitionIndex,
      partitionErrorCode: errors[next++].code,
    })),
  }));
  return { transactionalId, topicResults };
}

/** The same where each partition is answered once, however often it was named. */
function resultOnce(transaction: TransactionDraft, errors: readonly KafkaErrorRow[]): TransactionResult {
  const { transactionalId, topicResults } = resultOf(transaction, errors);
  const found = new Map<string, Map<number, number>>();
  for (const { name, resultsByPartition } of topicResults) {
    if (!found.has(name)) found.set(name, new Map());
    for (const { partitionIndex, partitionErrorCode } of resultsByPartition)
      found.get(name)!.set(partitionIndex, partitionErrorCode);
  }
  const once = [...found].map(([name, codes]) => ({
    name,
    resultsByPartition: [...codes].map(([partitionIndex, partitionErrorCode]) => ({
      partitionIndex,
      partitionErrorCode,
    })),
  }));
  return { transactionalId, topicResults: once };
}

function refuseTransactionalId(context: RequestContext, transactionalId: string): KafkaErrorRow | undefined {
  if (!context.may('write', 'transactional-id', transactionalId)) return Errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
  return transactionalId === '' ? Errors.INVALID_REQUEST : undefined;
}

function forVersion(error: KafkaErrorRow, knowsFenced: boolean): KafkaErrorRow {
  return error === Errors.PRODUCER_FENCED && !knowsFenced ? Errors.INVALID_PRODUCER_EPOCH : error;
}

function ask<T>(
  broker: BrokerParts,
  transactionalId: string,
  makeEvent: (token: number) => TransactionRequestEvent,
): Promise<{ error: KafkaErrorRow | undefined; body: T | undefined }> {
  return new Promise((resolve) => broker.transactions.ask<T>(transactionalId, makeEvent, resolve));
}
