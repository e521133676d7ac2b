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
import type { FetchRequest } from '#protocol';
import type { BrokerParts } from '../broker-parts.ts';
import type { FetchPlan, RefusedPlan } from '../fetch-session/index.ts';
import type { AdvanceWaiter, HostedPartition } from '../hosting/hosted-partition.ts';
import type { Expiring, WheelEntry } from '../purgatory/timer-wheel.ts';
import { LATER, type RequestContext } from '../server/request-context.ts';
import { fetchAnswer, type Response } from './fetch-answer.ts';
import { FetchReader } from './fetch-reader.ts';

const TOPIC_ID_VERSION = 13;

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

/** What a fetch is about. */
interface FetchWork {
  readonly context: RequestContext;
  readonly plan: Accepted;
  readonly reader: FetchReader;
}

/** Whoever still knows one that has ended (parked fetches are known in many places) keeps nothing else of it in memory. */
class PendingFetch implements AdvanceWaiter, Expiring {
  readonly #broker: BrokerParts;
  /** Undefined: it has ended. */
  #work: FetchWork | undefined;
  /** Monotonic; 0 = it does not wait, or no longer. */
  #deadlineMs: number;
  /** Registered at these, with the last stable offset that each had. */
  #parkedOn: Map<HostedPartition, number> | undefined;
  /** Bytes that are readable as far as a parked fetch knows. */
  #readableBytes = 0;
  #deadline: WheelEntry | undefined;
  #isReading = false;
  /** Woken, or never registered, while a disk was read. */
  #mustReadAgain = false;

  constructor(broker: BrokerParts, context: RequestContext, request: FetchRequest, plan: Accepted) {
    this.#broker = broker;
    const isIncremental = plan.kind === 'incremental';
    const partitions = isIncremental ? plan.session.partitions() : [...plan.partitions.values()];
    const reader = new FetchReader(broker, context, request, partitions, isIncremental);
    this.#work = { context, plan, reader };
    this.#deadlineMs = request.maxWaitMs <= 0 ? 0 : broker.clock.monotonicMs() + request.maxWaitMs;
    context.onAbandoned = () => this.#end();
  }

  /** Reads everything once, and answers or parks. Also called when a parked fetch was woken. What goes wrong costs this connection. */
  run(): void {
    const work = this.#work;
    if (work === undefined) return;
    if (this.#isReading) {
      this.#mustReadAgain = true;
      return;
    }
    try {
      this.#readAll(work);
    } catch (error) {
      this.#fail(work, error);
    }
  }

  advanced(partition: HostedPartition, bytes: number): void {
    this.#readableBytes += bytes;
    if (bytes === 0 || this.#isWakened(partition)) this.#broker.advances.wake(this);
  }

  /** The end of a transaction makes more readable than came with it, so whoever waits for that must look. */
  #isWakened(partition: HostedPartition): boolean {
    const reader = this.#work?.reader;
    if (reader === undefined) return false;
    if (!reader.isReadCommitted) return this.#readableBytes >= reader.bytesMin;
    return partition.lastStableOffset !== this.#parkedOn?.get(partition);
  }

  #readAll(work: FetchWork): void {
    this.#readableBytes = 0;
    this.#mustReadAgain = false;
    const reading = work.reader.read();
    if (reading === undefined) {
      this.#decide(work);
      return;
    }
    this.#isReading = true;
    this.#mustReadAgain = this.#parkedOn === undefined;
    reading
      .then(() => {
        this.#isReading = false;
        if (this.#work !== undefined) this.#decide(work);
      })
      .catch((error: unknown) => this.#fail(work, error));
  }

  #fail({ context }: FetchWork, error: unknown): void {
    this.#end();
    this.#broker.logger.error({ err: error }, `A fetch failed: ${errorText(error)}`);
    context.abort('a fetch failed');
  }

  #decide(work: FetchWork): void {
    if (work.reader.isEnough || this.#leftMs() <= 0) this.#answer(work);
    else this.#park(work);
  }

  #leftMs(): number {
    return this.#deadlineMs === 0 ? 0 : this.#deadlineMs - this.#broker.clock.monotonicMs();
  }

  #park({ context, reader }: FetchWork): void {
    context.holds(0);
    this.#parkedOn ??= new Map();
    for (const partition of reader.found) {
      if (!this.#parkedOn.has(partition)) partition.addAdvanceWaiter(this);
      this.#parkedOn.set(partition, partition.lastStableOffset);
    }
    this.#deadline ??= this.#broker.fetchDeadlines.add(this.#leftMs(), this);
    this.#readableBytes += reader.sizeInBytes;
    if (this.#mustReadAgain || this.#readableBytes >= reader.bytesMin) this.#broker.advances.wake(this);
  }

  expired(): void {
    this.#deadlineMs = 0;
    this.run();
  }

  #end(): void {
    if (this.#work !== undefined) this.#work.context.onAbandoned = undefined;
    this.#work = undefined;
    if (this.#deadline !== undefined) this.#broker.fetchDeadlines.cancel(this.#deadline);
    this.#deadline = undefined;
    for (const partition of this.#parkedOn?.keys() ?? []) partition.removeAdvanceWaiter(this);
    this.#parkedOn = undefined;
  }

  #answer({ context, plan, reader }: FetchWork): void {
    this.#end();
    const isThrottled = this.#broker.quotas.refusesFetch(context, reader.sizeInBytes);
    context.reply(fetchAnswer(this.#broker, context, plan, isThrottled ? undefined : reader.answers));
  }
}
