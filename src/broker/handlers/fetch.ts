/**
 * Fetch (1). A fetch reads what is committed (isolation level 1: and of no undecided transaction), in the order of the request or of its
 * session, within its byte limits (the first batch always goes, so that no consumer is stuck), and answers when there is enough, when
 * something is wrong, or when its time is over. In between it is parked on its partitions: when more may be read it is woken, nothing
 * polls. In a session only what changed is told (`fetch-session/`, KIP-227).
 *
 * Hot path: the slices that the log returns are the ones written to the socket. A fetch from the memory tail makes no promise, and a
 * quiet partition of a session no object.
 */
import { errorText } from '#core';
import { type Draft, Errors, type FetchRequest, type FetchResponse } from '#protocol';
import type { BrokerParts } from '../broker-parts.ts';
import {
  type FetchPlan,
  type FullPlan,
  type IncrementalPlan,
  NO_SESSION,
  type RefusedPlan,
} from '../fetch-session/index.ts';
import type { AdvanceWaiter, HostedPartition } from '../hosting/hosted-partition.ts';
import type { Expiring, WheelEntry } from '../purgatory/timer-wheel.ts';
import { LATER, type RequestContext } from '../server/request-context.ts';
import { leaderEndpoints } from './endpoints.ts';
import { FetchReader, LEADER_VERSION, type PartitionAnswer } from './fetch-reader.ts';
import { countFetched } from './fetch-traffic.ts';

const TOPIC_ID_VERSION = 13;

type Response = Draft<typeof FetchResponse>;
type TopicResponse = NonNullable<Response['responses']>[number];
type PartitionResponse = NonNullable<TopicResponse['partitions']>[number];
type Accepted = Exclude<FetchPlan, RefusedPlan>;

export function fetch(broker: BrokerParts, context: RequestContext, request: FetchRequest): Response | typeof LATER {
  const { sessionId, sessionEpoch, topics, forgottenTopicsData } = request;
  const usesTopicIds = context.version >= TOPIC_ID_VERSION;
  const asked = { sessionId, sessionEpoch, topics, forgottenTopicsData, usesTopicIds };
  const plan = broker.fetchSessions.plan(asked, broker.clock.monotonicMs());
  if (plan.kind === 'refused') return { errorCode: plan.error.code };
  new PendingFetch(broker, context, request, plan).run();
  return LATER;
}

class PendingFetch implements AdvanceWaiter, Expiring {
  readonly #broker: BrokerParts;
  readonly #context: RequestContext;
  readonly #plan: Accepted;
  readonly #reader: FetchReader;
  /** Monotonic; 0 = it does not wait, or no longer. */
  #deadlineMs: number;
  /** Registered at these, with the last stable offset that each had. */
  readonly #parkedOn = new Map<HostedPartition, number>();
  /** Bytes that are readable as far as a parked fetch knows. */
  #readableBytes = 0;
  #deadline: WheelEntry | undefined;
  #isReading = false;
  /** Woken, or never registered, while a disk was read. */
  #mustReadAgain = false;
  #isDone = false;

  constructor(broker: BrokerParts, context: RequestContext, request: FetchRequest, plan: Accepted) {
    this.#broker = broker;
    this.#context = context;
    this.#plan = plan;
    const isIncremental = plan.kind === 'incremental';
    const partitions = isIncremental ? plan.session.partitions() : [...plan.partitions.values()];
    this.#reader = new FetchReader(broker, context, request, partitions, isIncremental);
    this.#deadlineMs = request.maxWaitMs <= 0 ? 0 : broker.clock.monotonicMs() + request.maxWaitMs;
    context.onAbandoned = () => this.#end();
  }

  /** Reads everything once, and answers or parks. Also called when a parked fetch was woken. What goes wrong costs this connection. */
  run(): void {
    if (this.#isDone) return;
    if (this.#isReading) {
      this.#mustReadAgain = true;
      return;
    }
    try {
      this.#readAll();
    } catch (error) {
      this.#fail(error);
    }
  }

  advanced(partition: HostedPartition, bytes: number): void {
    this.#readableBytes += bytes;
    if (bytes === 0 || this.#isWakened(partition)) this.#broker.advances.wake(this);
  }

  /** The end of a transaction makes more readable than came with it, so whoever waits for that must look. */
  #isWakened(partition: HostedPartition): boolean {
    if (!this.#reader.isReadCommitted) return this.#readableBytes >= this.#reader.bytesMin;
    return partition.lastStableOffset !== this.#parkedOn.get(partition);
  }

  #readAll(): void {
    this.#readableBytes = 0;
    this.#mustReadAgain = false;
    const reading = this.#reader.read();
    if (reading === undefined) {
      this.#decide();
      return;
    }
    this.#isReading = true;
    this.#mustReadAgain = this.#parkedOn.size === 0;
    reading
      .then(() => {
        this.#isReading = false;
        this.#decide();
      })
      .catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): void {
    this.#end();
    this.#broker.logger.error({ err: error }, `A fetch failed: ${errorText(error)}`);
    this.#context.abort('a fetch failed');
  }

  #decide(): void {
    if (this.#isDone) return;
    if (this.#reader.isEnough || this.#leftMs() <= 0) this.#answer();
    else this.#park();
  }

  #leftMs(): number {
    return this.#deadlineMs === 0 ? 0 : this.#deadlineMs - this.#broker.clock.monotonicMs();
  }

  #park(): void {
    this.#context.holds(0);
    for (const partition of this.#reader.found) {
      if (!this.#parkedOn.has(partition)) partition.addAdvanceWaiter(this);
      this.#parkedOn.set(partition, partition.lastStableOffset);
    }
    this.#deadline ??= this.#broker.fetchDeadlines.add(this.#leftMs(), this);
    this.#readableBytes += this.#reader.sizeInBytes;
    if (this.#mustReadAgain || this.#readableBytes >= this.#reader.bytesMin) this.#broker.advances.wake(this);
  }

  expired(): void {
    this.#deadlineMs = 0;
    this.run();
  }

  #end(): void {
    this.#isDone = true;
    if (this.#deadline !== undefined) this.#broker.fetchDeadlines.cancel(this.#deadline);
    for (const partition of this.#parkedOn.keys()) partition.removeAdvanceWaiter(this);
    this.#parkedOn.clear();
  }

  #answer(): void {
    this.#end();
    const isThrottled = this.#broker.quotas.refusesFetch(this.#context, this.#reader.sizeInBytes);
    this.#context.reply(this.#plan.kind === 'full' ? this.#full(isThrottled) : this.#changes(isThrottled));
  }

  #full(isThrottled: boolean): Response {
    const { plan, answers } = { plan: this.#plan as FullPlan, answers: this.#reader.answers };
    if (isThrottled) return {};
    if (!plan.mayBegin) return this.#response(NO_SESSION, answers);
    for (const answer of answers) answer.partition.tell(answer);
    const nowMs = this.#broker.clock.monotonicMs();
    return this.#response(this.#broker.fetchSessions.begin(plan.partitions, plan.usesTopicIds, nowMs), answers);
  }

  /** What the client of a session does not know. An answer that comes after its session went on is of no use to it. */
  #changes(isThrottled: boolean): Response {
    const { session, nextEpoch } = this.#plan as IncrementalPlan;
    if (session.epoch !== nextEpoch) {
      return { errorCode: Errors.INVALID_FETCH_SESSION_EPOCH.code, sessionId: session.id };
    }
    if (isThrottled) return { sessionId: session.id };
    const changes = this.#reader.answers.filter((answer) => session.tell(answer.partition, answer));
    return this.#response(session.id, changes);
  }

  #response(sessionId: number, answers: readonly PartitionAnswer[]): Response {
    countFetched(this.#broker.traffic, answers);
    const { listenerName, version } = this.#context;
    const isMoved = version >= LEADER_VERSION && answers.some(({ response }) => response.currentLeader !== undefined);
    const nodeEndpoints = isMoved ? leaderEndpoints(this.#broker, listenerName) : [];
    return { sessionId, responses: byTopic(answers), nodeEndpoints };
  }
}

/** Neighbours of one topic together; the order stays. */
function byTopic(answers: readonly PartitionAnswer[]): TopicResponse[] {
  const topics: (TopicResponse & { readonly partitions: PartitionResponse[] })[] = [];
  for (const { partition, response } of answers) {
    const { topic, topicId } = partition;
    const last = topics.at(-1);
    if (last?.topicId === topicId && last.topic === topic) last.partitions.push(response);
    else topics.push({ topic, topicId, partitions: [response] });
  }
  return topics;
}
