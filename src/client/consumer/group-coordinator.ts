/**
 * The shell of the membership: sends the requests its machine asks for, sets its timers, watches the metadata, and runs the two
 * moments of a rebalance inside poll. Joining goes on between polls; heartbeats go on whatever the application does, as long
 * as the event loop turns and poll is called within `max.poll.interval.ms`.
 *
 * Rules are in `membership.ts`, `rebalance.ts` and `group-protocol.ts`.
 */
import { type Assignor, assignorByName } from '#assign';
import { type Clock, KafkaError, type Logger, type MetricsRegistry, type Timer } from '#core';
import { Apis } from '#protocol';
import type { Cluster } from '../cluster.ts';
import type { CoordinatorLink } from './coordinator-link.ts';
import { CONSUMER_PROTOCOL_TYPE, joinProtocols, planAssignments, readMembers, topicsOf } from './group-protocol.ts';
import { type Effect, type Generation, type MemberState, Membership } from './membership.ts';
import { Rebalance } from './rebalance.ts';
import type { Signal } from './signal.ts';
import { hasSameMembers, type SubscriptionState } from './subscription-state.ts';

export interface GroupCoordinatorOptions {
  readonly cluster: Cluster;
  readonly link: CoordinatorLink;
  readonly subscriptions: SubscriptionState;
  readonly assignors: readonly Assignor[];
  readonly groupInstanceId: string | null;
  readonly rackId: string | null;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly pollIntervalMaxMs: number;
  readonly requestTimeoutMs: number;
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
  readonly autoCommit: () => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly signal: Signal;
}

/** A JoinGroup is answered when all members have joined, which takes up to the rebalance timeout; this much is for the way. */
const JOIN_EXTRA_MS = 5_000;

/** First versions with the fields named. */
const JOIN_REASON_VERSION = 8;
const LEAVE_REASON_VERSION = 5;
const LEAVE_BATCH_VERSION = 3;
const STATIC_JOIN_VERSION = 5;
const STATIC_VERSION = 3;
const SYNC_PROTOCOL_VERSION = 5;

type EffectOf<Type extends Effect['type']> = Extract<Effect, { type: Type }>;

export class GroupCoordinator {
  readonly #options: GroupCoordinatorOptions;
  readonly #membership: Membership;
  readonly #rebalance: Rebalance;
  readonly #timers = new Map<string, Timer>();
  readonly #errors: KafkaError[] = [];
  /** Topics of the last JoinGroup that was sent; undefined before the first. */
  #joinedTopics: ReadonlySet<string> | undefined;
  /** What the leader's plan was made from: topic → number of partitions. */
  #plannedCounts: ReadonlyMap<string, number> | undefined;
  #isSearching = false;
  #isClosed = false;

  constructor(options: GroupCoordinatorOptions) {
    this.#options = options;
    const { groupInstanceId, sessionTimeoutMs, heartbeatIntervalMs, pollIntervalMaxMs } = options;
    const { retryBackoffMs, retryBackoffMaxMs } = options;
    this.#membership = new Membership({
      groupInstanceId,
      sessionTimeoutMs,
      heartbeatIntervalMs,
      pollIntervalMaxMs,
      retryBackoffMs,
      retryBackoffMaxMs,
    });
    this.#rebalance = new Rebalance(options);
    options.link.onFound = () => this.#run(this.#membership.coordinatorFound(this.#nowMs()));
    options.link.onLost = (reason) => this.#run(this.#membership.coordinatorLost(reason));
    options.metrics.gauge('coordinator.assigned-partitions', () => options.subscriptions.assignmentCount);
  }

  get state(): MemberState {
    return this.#membership.state;
  }

  get generation(): Generation {
    return this.#membership.generation;
  }

  get isCooperative(): boolean {
    return this.#rebalance.isCooperative;
  }

  commitRefused(generation: Generation, errorCode: number): void {
    this.#run(this.#membership.commitRefused(generation, errorCode));
  }

  requestRejoin(reason: string): void {
    this.#run(this.#membership.requestRejoin(reason));
  }

  /**
   * Poll's part: says that the application is alive, and runs callbacks when they are due. Does not wait for the group.
   *
   * @throws what ended a join, or what a callback threw
   */
  async poll(): Promise<void> {
    this.#run(this.#membership.polled(this.#nowMs()));
    this.#compareSubscription();
    for (let step = this.#membership.next(); step !== 'none'; step = this.#membership.next()) {
      if (step === 'prepare') await this.#prepare();
      else await this.#complete();
      if (this.#isClosed) return;
    }
    this.#throwErrors();
  }

  /** The application is alive (while poll waits). */
  polled(): void {
    this.#run(this.#membership.polled(this.#nowMs()));
  }

  /** The picture of the cluster changed: the leader looks whether its plan still fits. */
  onMetadata(): void {
    const planned = this.#plannedCounts;
    if (!this.#membership.isLeader || planned === undefined) return;
    for (const [topic, count] of this.#countPartitions(planned.keys())) {
      if (count === planned.get(topic)) continue;
      this.#plannedCounts = undefined;
      this.requestRejoin(`topic ${topic} has ${count} partitions now`);
      return;
    }
  }

  /** Callbacks, then LeaveGroup; for unsubscribe and close. Static members go without a word. Bounded by `timeoutMs`. */
  async leave(reason: string, timeoutMs: number): Promise<void> {
    if (this.#membership.hasGeneration) await this.#rebalance.revokeAll();
    else await this.#rebalance.loseAll();
    this.#joinedTopics = undefined;
    this.#plannedCounts = undefined;
    const wasJoining = this.#membership.state === 'PREPARING';
    const effects = this.#membership.leave(reason);
    const leave = effects.find((effect) => effect.type === 'leave');
    this.#run(effects.filter((effect) => effect !== leave));
    if (leave !== undefined) await this.#leave(leave as EffectOf<'leave'>, wasJoining, timeoutMs);
    const error = this.#rebalance.takeCallbackError();
    if (error !== undefined) throw error;
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  async #prepare(): Promise<void> {
    const isMember = this.#membership.hasGeneration;
    await this.#rebalance.prepare(isMember);
    // Expelled while the callbacks ran: what is still held is lost, which the next step says.
    if (this.#membership.hasGeneration === isMember && this.#membership.next() === 'prepare') {
      this.#run(this.#membership.prepared());
    }
  }

  async #complete(): Promise<void> {
    const { completion } = this.#membership;
    if (completion === undefined) return;
    this.#options.metrics.counter('coordinator.rebalance-total').add();
    const rejoinReason = await this.#rebalance.complete(completion);
    if (this.#membership.completion === completion) this.#run(this.#membership.completed());
    if (rejoinReason !== undefined) this.requestRejoin(rejoinReason);
  }

  #throwErrors(): void {
    const error = this.#errors.shift() ?? this.#rebalance.takeCallbackError() ?? this.#membership.fatal;
    if (error !== undefined) throw error;
  }

  #compareSubscription(): void {
    const { topics } = this.#options.subscriptions;
    if (this.#joinedTopics === undefined) {
      if (this.#membership.rejoinReason === undefined) this.requestRejoin('the consumer has subscribed');
    } else if (!hasSameMembers(this.#joinedTopics, topics) && this.#membership.rejoinReason === undefined) {
      this.requestRejoin('the subscription has changed');
    }
  }

  #run(effects: readonly Effect[]): void {
    if (this.#isClosed) return;
    for (const effect of effects) this.#runOne(effect);
  }

  #runOne(effect: Effect): void {
    switch (effect.type) {
      case 'join':
        void this.#join(effect);
        break;
      case 'assign':
        void this.#assign(effect);
        break;
      case 'sync':
        void this.#sync(effect);
        break;
      case 'heartbeat':
        void this.#heartbeat(effect);
        break;
      case 'leave':
        void this.#leave(effect, false, this.#options.requestTimeoutMs);
        break;
      case 'find-coordinator':
        this.#options.link.forget();
        void this.#search();
        break;
      case 'timer':
        this.#setTimer(effect);
        break;
      case 'wake':
        this.#options.signal.raise();
        break;
      case 'fail':
        this.#errors.push(effect.error);
        break;
      case 'log':
        this.#options.logger[effect.level]({ groupId: this.#options.link.groupId }, effect.text);
        break;
    }
  }

  /** Heartbeats must not keep a process alive that has nothing else to do. */
  #setTimer({ name, delayMs }: EffectOf<'timer'>): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
    if (delayMs === null) return;
    const fire = () => this.#run(this.#membership.timerFired(name, this.#nowMs()));
    this.#timers.set(name, this.#options.clock.setTimer(delayMs, fire, { unref: true }));
  }

  async #search(): Promise<void> {
    const { link, logger, clock, retryBackoffMs } = this.#options;
    if (this.#isSearching || link.isKnown || this.#isClosed) return;
    this.#isSearching = true;
    try {
      await link.find();
    } catch (error) {
      const problem = asKafkaError(error);
      if (this.#isClosed) return;
      if (!problem.retriable) this.#run(this.#membership.coordinatorRefused(problem));
      else {
        logger.warn(
          { groupId: link.groupId, code: problem.code },
          `the coordinator cannot be found: ${problem.message}`,
        );
        clock.setTimer(retryBackoffMs, () => void this.#search(), { unref: true });
      }
    } finally {
      this.#isSearching = false;
    }
  }

  async #join({ attempt, memberId, reason }: EffectOf<'join'>): Promise<void> {
    const { link, sessionTimeoutMs, pollIntervalMaxMs, groupInstanceId, requestTimeoutMs } = this.#options;
    const topics = new Set(this.#options.subscriptions.topics);
    this.#joinedTopics = topics;
    const protocols = joinProtocols(this.#options.assignors, {
      topics: [...topics],
      owned: this.#options.subscriptions.assignment(),
      generationId: this.#membership.generation.generationId,
      lastAssignment: this.#rebalance.lastAssignment,
      rackId: this.#options.rackId,
    });
    const body = (version: number) => ({
      groupId: link.groupId,
      sessionTimeoutMs,
      rebalanceTimeoutMs: pollIntervalMaxMs,
      memberId,
      protocolType: CONSUMER_PROTOCOL_TYPE,
      protocols,
      ...(version >= STATIC_JOIN_VERSION ? { groupInstanceId } : {}),
      ...(version >= JOIN_REASON_VERSION ? { reason } : {}),
    });
    const timeoutMs = Math.max(requestTimeoutMs, pollIntervalMaxMs + JOIN_EXTRA_MS);
    const startMs = this.#nowMs();
    try {
      const response = await link.request(Apis.JoinGroup, body, { timeoutMs });
      this.#options.metrics.histogram('coordinator.join-ms').record(this.#nowMs() - startMs);
      this.#run(this.#membership.joinAnswered(attempt, response, this.#nowMs()));
    } catch (error) {
      this.#run(this.#membership.requestFailed(attempt, asKafkaError(error)));
    }
  }

  /** The leader's part: it needs to know all topics of all members. */
  async #assign({ attempt, protocolName, members: joined, isSkipped }: EffectOf<'assign'>): Promise<void> {
    const { cluster, subscriptions, logger } = this.#options;
    try {
      const members = readMembers(joined, logger);
      const topics = topicsOf(members);
      if (subscriptions.subscription.type !== 'pattern') cluster.wantTopics(topics);
      if ([...topics].some((topic) => !cluster.metadata.topics.has(topic))) await cluster.refresh();
      const counts = this.#countPartitions(topics);
      this.#plannedCounts = counts;
      const known = new Map([...counts].filter(([, count]) => count > 0));
      const plan = isSkipped ? [] : planAssignments(assignorByName(protocolName), members, known);
      this.#run(this.#membership.assigned(attempt, plan));
    } catch (error) {
      this.#run(this.#membership.assignFailed(attempt, asKafkaError(error)));
    }
  }

  /** 0 for topics that are not there. */
  #countPartitions(topics: Iterable<string>): Map<string, number> {
    const counts = new Map<string, number>();
    for (const topic of topics) {
      counts.set(topic, this.#options.cluster.metadata.topics.get(topic)?.partitions.length ?? 0);
    }
    return counts;
  }

  async #sync({ attempt, generation, assignments }: EffectOf<'sync'>): Promise<void> {
    const { link, groupInstanceId, requestTimeoutMs, pollIntervalMaxMs } = this.#options;
    const body = (version: number) => ({
      groupId: link.groupId,
      generationId: generation.generationId,
      memberId: generation.memberId,
      assignments,
      ...(version >= STATIC_VERSION ? { groupInstanceId } : {}),
      ...(version >= SYNC_PROTOCOL_VERSION
        ? { protocolType: CONSUMER_PROTOCOL_TYPE, protocolName: generation.protocolName }
        : {}),
    });
    const timeoutMs = Math.max(requestTimeoutMs, pollIntervalMaxMs + JOIN_EXTRA_MS);
    try {
      const response = await link.request(Apis.SyncGroup, body, { timeoutMs });
      this.#run(this.#membership.syncAnswered(attempt, response, this.#nowMs()));
    } catch (error) {
      this.#run(this.#membership.requestFailed(attempt, asKafkaError(error)));
    }
  }

  async #heartbeat({ generation }: EffectOf<'heartbeat'>): Promise<void> {
    const { link, groupInstanceId, requestTimeoutMs, metrics } = this.#options;
    const body = (version: number) => ({
      groupId: link.groupId,
      generationId: generation.generationId,
      memberId: generation.memberId,
      ...(version >= STATIC_VERSION ? { groupInstanceId } : {}),
    });
    metrics.counter('coordinator.heartbeat-total').add();
    try {
      const response = await link.request(Apis.Heartbeat, body, { timeoutMs: requestTimeoutMs });
      this.#run(this.#membership.heartbeatAnswered(generation, response.errorCode, this.#nowMs()));
    } catch (error) {
      this.#run(this.#membership.heartbeatFailed(generation, asKafkaError(error)));
    }
  }

  async #leave({ memberId, reason }: EffectOf<'leave'>, isBesideJoin: boolean, timeoutMs: number): Promise<void> {
    const { link, logger } = this.#options;
    if (!link.isKnown) return;
    const { groupId } = link;
    const body = (version: number) => {
      if (version < LEAVE_BATCH_VERSION) return { groupId, memberId };
      return { groupId, members: [version < LEAVE_REASON_VERSION ? { memberId } : { memberId, reason }] };
    };
    const send = isBesideJoin ? link.requestBeside.bind(link) : link.request.bind(link);
    try {
      await send(Apis.LeaveGroup, body, { timeoutMs: Math.max(1, timeoutMs) });
    } catch (error) {
      // The coordinator drops the member when its session ends.
      logger.debug({ groupId, code: asKafkaError(error).code }, 'LeaveGroup failed');
    }
  }

  #nowMs(): number {
    return this.#options.clock.now().monotonicMs;
  }
}

/** Bugs are told to the application as they are. */
function asKafkaError(error: unknown): KafkaError {
  return error instanceof KafkaError
    ? error
    : new KafkaError('ILLEGAL_STATE', 'the consumer failed for a reason that is a bug; see its cause', {
        cause: error,
      });
}
