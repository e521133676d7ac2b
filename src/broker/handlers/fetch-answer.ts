/** What a fetch is answered: all of it, or in a session what the client does not know (`fetch-session/`, KIP-227). */
import { type Draft, Errors, type FetchResponse } from '#protocol';
import type { BrokerParts } from '../broker-parts.ts';
import { type FullPlan, type IncrementalPlan, NO_SESSION } from '../fetch-session/index.ts';
import type { RequestContext } from '../server/request-context.ts';
import { leaderEndpoints } from './endpoints.ts';
import { LEADER_VERSION, type PartitionAnswer } from './fetch-reader.ts';
import { countFetched } from './fetch-traffic.ts';

export type Response = Draft<typeof FetchResponse>;
type TopicResponse = NonNullable<Response['responses']>[number];
type PartitionResponse = NonNullable<TopicResponse['partitions']>[number];

/** @param answers undefined: the client fetches too much, and gets nothing now */
export function fetchAnswer(
  broker: BrokerParts,
  context: RequestContext,
  plan: FullPlan | IncrementalPlan,
  answers: readonly PartitionAnswer[] | undefined,
): Response {
  return plan.kind === 'full' ? full(broker, context, plan, answers) : changes(broker, context, plan, answers);
}

function full(
  broker: BrokerParts,
  context: RequestContext,
  { mayBegin, partitions, usesTopicIds }: FullPlan,
  answers: readonly PartitionAnswer[] | undefined,
): Response {
  if (answers === undefined) return {};
  if (!mayBegin) return response(broker, context, NO_SESSION, answers);
  for (const answer of answers) answer.partition.tell(answer);
  const sessionId = broker.fetchSessions.begin(partitions, usesTopicIds, broker.clock.monotonicMs());
  return response(broker, context, sessionId, answers);
}

/** An answer that comes after its session went on is of no use to it. */
function changes(
  broker: BrokerParts,
  context: RequestContext,
  { session, nextEpoch }: IncrementalPlan,
  answers: readonly PartitionAnswer[] | undefined,
): Response {
  if (session.epoch !== nextEpoch) {
    return { errorCode: Errors.INVALID_FETCH_SESSION_EPOCH.code, sessionId: session.id };
  }
  if (answers === undefined) return { sessionId: session.id };
  const news = answers.filter((answer) => session.tell(answer.partition, answer));
  return response(broker, context, session.id, news);
}

function response(
  broker: BrokerParts,
  { listenerName, version }: RequestContext,
  sessionId: number,
  answers: readonly PartitionAnswer[],
): Response {
  countFetched(broker.traffic, answers);
  const isMoved =
    version >= LEADER_VERSION && answers.some(({ response: { currentLeader } }) => currentLeader !== undefined);
  const nodeEndpoints = isMoved ? leaderEndpoints(broker, listenerName) : [];
  return { sessionId, responses: byTopic(answers), nodeEndpoints };
}

/** Neighbours of one topic together; the order stays. */
function byTopic(answers: readonly PartitionAnswer[]): TopicResponse[] {
  const topics: (TopicResponse & { readonly partitions: PartitionResponse[] })[] = [];
  for (const { partition, response: answer } of answers) {
    const { topic, topicId } = partition;
    const last = topics.at(-1);
    if (last?.topicId === topicId && last.topic === topic) last.partitions.push(answer);
    else topics.push({ topic, topicId, partitions: [answer] });
  }
  return topics;
}
