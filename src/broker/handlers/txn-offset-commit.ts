/**
 * TxnOffsetCommit (28): offsets that count when the producer's transaction is committed. The group machine keeps them; before that the
 * partition of `__consumer_offsets` that they go to must be part of the transaction, as any other that the producer writes to.
 */
import {
  type Draft,
  Errors,
  type KafkaErrorRow,
  type TxnOffsetCommitRequest,
  type TxnOffsetCommitResponse,
} from '#protocol';
import type { BrokerParts } from '../broker-parts.ts';
import { GROUP_METADATA_TOPIC } from '../controller/index.ts';
import type { GateMode, Passage } from '../coordination/transaction-gate.ts';
import type { HostedPartition } from '../hosting/hosted-partition.ts';
import { LATER, type RequestContext } from '../server/request-context.ts';
import { isAnswered, planCommit, refuseAll } from './group-offsets.ts';
import { refuseAccess } from './groups.ts';

/** From this version on clients know that a coordinator may be loading (KAFKA-7296). */
const LOADING_VERSION = 2;
/** Versions in which an error may be TRANSACTION_ABORTABLE, in which the group joins the transaction by this, and that name topics by id. */
const ABORTABLE_VERSION = 4;
const IMPLICIT_VERSION = 5;
const TOPIC_ID_VERSION = 6;

type Response = Draft<typeof TxnOffsetCommitResponse>;
type CommittedTopic = NonNullable<Response['topics']>[number];

export function txnOffsetCommit(
  broker: BrokerParts,
  context: RequestContext,
  request: TxnOffsetCommitRequest,
): typeof LATER {
  const { groupId } = request;
  const isById = context.version >= TOPIC_ID_VERSION;
  const asked = request.topics.filter((topic) => isAnswered(broker, topic, isById));
  const plans = asked.map((topic) => planCommit(broker, topic, isById));
  const topics = plans.flatMap(({ accepted }) => (accepted === undefined ? [] : [accepted]));
  const reply = (error: KafkaErrorRow | undefined, committed: readonly CommittedTopic[] = []): void => {
    const results = committed.values();
    const told = error === undefined ? undefined : forVersion(error, context.version);
    const answers = plans.map((plan) =>
      plan.answer(plan.accepted === undefined ? undefined : results.next().value, told),
    );
    context.reply({ topics: answers } satisfies Response);
  };
  const refusal = refuse(context, request);
  const partition = offsetsPartition(broker, groupId);
  if (refusal !== undefined) context.reply({ topics: refuseAll(asked, refusal) } satisfies Response);
  else if (topics.length === 0 && plans.length > 0) reply(undefined);
  else if (request.transactionalId === '') reply(Errors.INVALID_REQUEST);
  else if (groupId === '') reply(Errors.INVALID_GROUP_ID);
  else if (partition === undefined) reply(Errors.NOT_COORDINATOR);
  else {
    enter(broker, context, request, partition, (passage) => {
      if (passage.error !== undefined) {
        reply(passage.error);
        return;
      }
      broker.groups.ask<Response>(
        groupId,
        (token) => ({ type: 'txn-offset-commit', token, apiVersion: context.version, request: { ...request, topics } }),
        ({ error, body }) => reply(error, body?.topics),
        passage.verification,
      );
    });
  }
  return LATER;
}

function enter(
  broker: BrokerParts,
  context: RequestContext,
  { transactionalId, producerId, producerEpoch }: TxnOffsetCommitRequest,
  partition: HostedPartition,
  passed: (passage: Passage) => void,
): void {
  const write = { transactionalId, producerId, producerEpoch, mode: gateMode(context.version), isPatient: false };
  broker.gate.enter(write, [{ partition, baseSequence: -1 }], ([passage]) => passed(passage));
}

function gateMode(version: number): GateMode {
  if (version >= IMPLICIT_VERSION) return 'add';
  return version >= ABORTABLE_VERSION ? 'verify-abortable' : 'verify';
}

function refuse(context: RequestContext, { transactionalId, groupId }: TxnOffsetCommitRequest) {
  if (!context.may('write', 'transactional-id', transactionalId)) return Errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
  return refuseAccess(context, groupId);
}

function offsetsPartition(broker: BrokerParts, groupId: string): HostedPartition | undefined {
  const topicId = broker.metadata.image.topics.get(GROUP_METADATA_TOPIC)?.topicId;
  return topicId === undefined ? undefined : broker.partitions.get(topicId, broker.groups.partitionOf(groupId));
}

function forVersion(error: KafkaErrorRow, version: number): KafkaErrorRow {
  const isNew = error === Errors.COORDINATOR_LOAD_IN_PROGRESS && version < LOADING_VERSION;
  return isNew ? Errors.COORDINATOR_NOT_AVAILABLE : error;
}
