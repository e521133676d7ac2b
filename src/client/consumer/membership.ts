/**
 * One member of a consumer group, classic protocol, as a pure machine ◇: events with the time go in, effects come out. The
 * shell (`group-coordinator.ts`) sends the requests, runs the application's callbacks and sets the timers.
 *
 * | state      | means                              | leaves it by                                                     |
 * |------------|------------------------------------|------------------------------------------------------------------|
 * | UNJOINED   | no request under way               | prepared + coordinator known → PREPARING                         |
 * | PREPARING  | JoinGroup sent                     | answer → COMPLETING; MEMBER_ID_REQUIRED → PREPARING; other error → UNJOINED |
 * | COMPLETING | leader assigns, SyncGroup sent     | answer → STABLE; error → UNJOINED                                |
 * | STABLE     | has an assignment                  | prepared again → PREPARING; expelled, left → UNJOINED            |
 *
 * Beside it runs what only poll may do, because the application's callbacks are in it: `next()` says `prepare` (give up
 * partitions before joining) or `complete` (take over the new assignment). Everything between the two goes on in the background.
 *
 *     rejoin wanted → poll: prepare → JoinGroup → (leader: assign) → SyncGroup → poll: complete
 *
 * @see KIP-62 (background heartbeats), KIP-345 (static members), KIP-394 (member id first), KIP-429 (cooperative), KIP-814
 */
import { assert, KafkaError } from '#core';
import { errorByCode, type JoinGroupResponse, type SyncGroupResponse } from '#protocol';
import { adviceOn, type GroupApi, type Verdict, verdictOn } from './membership-errors.ts';

export type MemberState = 'UNJOINED' | 'PREPARING' | 'COMPLETING' | 'STABLE';

export interface Generation {
  readonly generationId: number;
  readonly memberId: string;
  readonly protocolName: string | null;
}

export const NO_GENERATION: Generation = { generationId: -1, memberId: '', protocolName: null };

export interface MembershipOptions {
  readonly groupInstanceId: string | null;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly pollIntervalMaxMs: number;
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
}

export type JoinedMember = JoinGroupResponse['members'][number];

/** `attempt` comes back with the answer; answers to an older attempt are ignored. */
export type Effect =
  | { type: 'join'; attempt: number; memberId: string; reason: string }
  | { type: 'assign'; attempt: number; protocolName: string; members: JoinedMember[]; isSkipped: boolean }
  | { type: 'sync'; attempt: number; generation: Generation; assignments: { memberId: string; assignment: Buffer }[] }
  | { type: 'heartbeat'; generation: Generation }
  | { type: 'leave'; memberId: string; reason: string }
  | { type: 'find-coordinator'; reason: string }
  | { type: 'timer'; name: 'heartbeat' | 'retry'; delayMs: number | null }
  | { type: 'wake' }
  | { type: 'fail'; error: KafkaError }
  | { type: 'log'; level: 'debug' | 'info' | 'warn'; text: string };

/** What the member got: to be taken over by poll. */
export interface Completion {
  readonly generation: Generation;
  readonly isLeader: boolean;
  readonly assignment: Buffer;
}

export class Membership {
  readonly #options: MembershipOptions;
  #state: MemberState = 'UNJOINED';
  #generation: Generation = NO_GENERATION;
  /** Why the member must join (again); undefined when it need not. */
  #rejoinReason: string | undefined;
  /** Poll has to prepare before a join is sent. */
  #needsPrepare = true;
  #completion: Completion | undefined;
  #isCoordinatorKnown = false;
  #isLeader = false;
  #isRetryPending = false;
  /** A failed join waits for the application to poll again. */
  #isHalted = false;
  #fatal: KafkaError | undefined;
  #attempt = 0;
  #failureCount = 0;
  #isHeartbeatInFlight = false;
  #isHeartbeatTimerSet = false;
  /** Monotonic times. */
  #lastPollMs = 0;
  #lastAnswerMs = 0;
  #effects: Effect[] = [];

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  get state(): MemberState {
    return this.#state;
  }

  get generation(): Generation {
    return this.#generation;
  }

  /** Whether the coordinator still counts this one as a member, as far as is known. */
  get hasGeneration(): boolean {
    return this.#generation.generationId >= 0 && this.#generation.memberId !== '';
  }

  get isLeader(): boolean {
    return this.#isLeader;
  }

  get rejoinReason(): string | undefined {
    return this.#rejoinReason;
  }

  /** An error that ends this consumer's membership for good. */
  get fatal(): KafkaError | undefined {
    return this.#fatal;
  }

  /** What poll has to do now. */
  next(): 'prepare' | 'complete' | 'none' {
    if (this.#completion !== undefined) return 'complete';
    return this.#rejoinReason !== undefined && this.#needsPrepare && this.#fatal === undefined ? 'prepare' : 'none';
  }

  /** The member must join, or join again: at the next poll. */
  requestRejoin(reason: string): Effect[] {
    if (this.#rejoinReason === undefined) this.#log('info', `(re-)joining the group: ${reason}`);
    this.#rejoinReason = reason;
    this.#effects.push({ type: 'wake' });
    return this.#take();
  }

  /** The application is alive. */
  polled(nowMs: number): Effect[] {
    this.#lastPollMs = nowMs;
    this.#isHalted = false;
    this.#trySend();
    return this.#take();
  }

  /** Poll gave up what had to be given up. */
  prepared(): Effect[] {
    assert(this.next() === 'prepare', 'prepared, but no preparation was due');
    this.#needsPrepare = false;
    this.#trySend();
    return this.#take();
  }

  /** Poll took the assignment over. */
  completed(): Effect[] {
    assert(this.#completion !== undefined, 'completed, but no assignment was due');
    this.#completion = undefined;
    this.#needsPrepare = true;
    return this.#take();
  }

  get completion(): Completion | undefined {
    return this.#completion;
  }

  coordinatorFound(nowMs: number): Effect[] {
    this.#isCoordinatorKnown = true;
    this.#lastAnswerMs = nowMs;
    this.#trySend();
    return this.#take();
  }

  /** Looking for it failed for good (no permission, invalid group id): poll says so. */
  coordinatorRefused(error: KafkaError): Effect[] {
    this.#fail(error);
    return this.#take();
  }

  /** The coordinator's connection broke, or it said that it is none. */
  coordinatorLost(reason: string): Effect[] {
    this.#loseCoordinator(reason);
    return this.#take();
  }

  joinAnswered(attempt: number, response: JoinGroupResponse, nowMs: number): Effect[] {
    if (attempt !== this.#attempt || this.#state !== 'PREPARING') return [];
    const verdict = verdictOn('JoinGroup', response.errorCode);
    if (verdict === 'new-id') {
      this.#generation = { ...NO_GENERATION, memberId: response.memberId };
      this.#state = 'UNJOINED';
      this.#trySend();
    } else if (verdict === 'ok') this.#onJoined(response, nowMs);
    else this.#onRefusal('JoinGroup', verdict, response.errorCode);
    return this.#take();
  }

  #onJoined(response: JoinGroupResponse, nowMs: number): void {
    const { generationId, memberId, leader, members, skipAssignment } = response;
    const protocolName = response.protocolName ?? '';
    this.#generation = { generationId, memberId, protocolName };
    this.#state = 'COMPLETING';
    this.#isLeader = leader === memberId;
    this.#rejoinReason = undefined;
    this.#lastAnswerMs = nowMs;
    this.#log('info', `joined generation ${generationId} as ${memberId}${this.#isLeader ? ' (leader)' : ''}`);
    this.#startHeartbeats(nowMs);
    const attempt = this.#attempt;
    if (this.#isLeader)
      this.#effects.push({ type: 'assign', attempt, protocolName, members, isSkipped: skipAssignment });
    else this.#effects.push({ type: 'sync', attempt, generation: this.#generation, assignments: [] });
  }

  /** The leader has its plan. */
  assigned(attempt: number, assignments: { memberId: string; assignment: Buffer }[]): Effect[] {
    if (attempt !== this.#attempt || this.#state !== 'COMPLETING') return [];
    this.#effects.push({ type: 'sync', attempt, generation: this.#generation, assignments });
    return this.#take();
  }

  /** The leader could not make one. */
  assignFailed(attempt: number, error: KafkaError): Effect[] {
    if (attempt !== this.#attempt || this.#state !== 'COMPLETING') return [];
    this.#backToUnjoined('the assignment could not be made');
    if (error.retriable) this.#retryLater();
    else this.#fail(error);
    return this.#take();
  }

  syncAnswered(attempt: number, response: SyncGroupResponse, nowMs: number): Effect[] {
    if (attempt !== this.#attempt || this.#state !== 'COMPLETING') return [];
    const verdict = verdictOn('SyncGroup', response.errorCode);
    if (verdict !== 'ok') this.#onRefusal('SyncGroup', verdict, response.errorCode);
    else {
      this.#state = 'STABLE';
      this.#failureCount = 0;
      this.#lastAnswerMs = nowMs;
      this.#completion = { generation: this.#generation, isLeader: this.#isLeader, assignment: response.assignment };
      this.#effects.push({ type: 'wake' });
    }
    return this.#take();
  }

  /** A JoinGroup or SyncGroup got no answer. */
  requestFailed(attempt: number, error: KafkaError): Effect[] {
    if (attempt !== this.#attempt || (this.#state !== 'PREPARING' && this.#state !== 'COMPLETING')) return [];
    this.#backToUnjoined(`a request failed: ${error.message}`);
    if (error.retriable) {
      this.#loseCoordinator(error.message);
      this.#retryLater();
    } else this.#fail(error);
    return this.#take();
  }

  heartbeatAnswered(generation: Generation, errorCode: number, nowMs: number): Effect[] {
    this.#isHeartbeatInFlight = false;
    if (generation !== this.#generation) return [];
    const verdict = verdictOn('Heartbeat', errorCode);
    if (verdict === 'ok' || verdict === 'rejoin') this.#lastAnswerMs = nowMs;
    if (verdict === 'rejoin') {
      // During COMPLETING the running join brings the next generation anyhow.
      if (this.#state === 'STABLE' && this.#rejoinReason === undefined) this.#wantRejoin('the group is rebalancing');
    } else if (verdict === 'coordinator') this.#loseCoordinator(errorByCode(errorCode).name);
    else if (verdict === 'expelled' || verdict === 'outdated') this.#lose(verdict, 'Heartbeat', errorCode);
    else if (verdict === 'fenced') this.#endForGood(errorCode);
    else if (verdict === 'fail') this.#fail(explained('Heartbeat', errorCode));
    return this.#take();
  }

  heartbeatFailed(generation: Generation, error: KafkaError): Effect[] {
    this.#isHeartbeatInFlight = false;
    if (generation !== this.#generation) return [];
    this.#loseCoordinator(error.message);
    return this.#take();
  }

  /** An OffsetCommit was refused for a reason that says something about the membership. */
  commitRefused(generation: Generation, errorCode: number): Effect[] {
    if (generation !== this.#generation) return [];
    const verdict = verdictOn('Heartbeat', errorCode);
    if (verdict === 'rejoin') this.#wantRejoin('a commit met a rebalance');
    else if (verdict === 'expelled' || verdict === 'outdated') this.#lose(verdict, 'OffsetCommit', errorCode);
    else if (verdict === 'fenced') this.#endForGood(errorCode);
    else if (verdict === 'coordinator') this.#loseCoordinator(errorByCode(errorCode).name);
    return this.#take();
  }

  timerFired(name: 'heartbeat' | 'retry', nowMs: number): Effect[] {
    if (name === 'retry') {
      this.#isRetryPending = false;
      this.#trySend();
    } else {
      this.#isHeartbeatTimerSet = false;
      this.#onHeartbeatTimer(nowMs);
    }
    return this.#take();
  }

  /** Ends the membership. A static member (group.instance.id) goes without a word, so that it may come back. */
  leave(reason: string): Effect[] {
    this.#leave(reason);
    this.#rejoinReason = undefined;
    return this.#take();
  }

  #leave(reason: string): void {
    const { memberId } = this.#generation;
    if (memberId !== '' && this.#options.groupInstanceId === null && this.#state !== 'UNJOINED') {
      this.#log('info', `member ${memberId} leaves the group: ${reason}`);
      this.#effects.push({ type: 'leave', memberId, reason });
    }
    this.#reset(NO_GENERATION);
  }

  #onHeartbeatTimer(nowMs: number): void {
    if (this.#state !== 'STABLE' && this.#state !== 'COMPLETING') return;
    const { sessionTimeoutMs, pollIntervalMaxMs } = this.#options;
    if (nowMs - this.#lastPollMs >= pollIntervalMaxMs) {
      this.#onPollExpired(nowMs);
      return;
    }
    if (this.#isCoordinatorKnown && nowMs - this.#lastAnswerMs >= sessionTimeoutMs) {
      this.#loseCoordinator(`no heartbeat was answered for session.timeout.ms (${sessionTimeoutMs} ms)`);
    } else if (!this.#isCoordinatorKnown) {
      this.#effects.push({ type: 'find-coordinator', reason: 'heartbeat' });
    } else if (!this.#isHeartbeatInFlight) {
      this.#isHeartbeatInFlight = true;
      this.#effects.push({ type: 'heartbeat', generation: this.#generation });
    }
    this.#setHeartbeatTimer(nowMs);
  }

  /** @see KIP-62: the application is stuck, so the partitions go to somebody else. A static member just stops its heartbeats. */
  #onPollExpired(nowMs: number): void {
    const text =
      `the application has not called poll for ${Math.round(nowMs - this.#lastPollMs)} ms, more than max.poll.interval.ms ` +
      `(${this.#options.pollIntervalMaxMs} ms): its records take longer to process than it allows. The member leaves the group and joins again at the next poll. ` +
      'Raise max.poll.interval.ms, or lower max.poll.records.';
    this.#log('warn', text);
    this.#leave('max.poll.interval.ms exceeded');
    this.#wantRejoin('max.poll.interval.ms was exceeded');
  }

  #startHeartbeats(nowMs: number): void {
    if (!this.#isHeartbeatTimerSet) this.#setHeartbeatTimer(nowMs);
  }

  #setHeartbeatTimer(nowMs: number): void {
    const { heartbeatIntervalMs, pollIntervalMaxMs } = this.#options;
    const untilPollExpiryMs = this.#lastPollMs + pollIntervalMaxMs - nowMs;
    this.#isHeartbeatTimerSet = true;
    const delayMs = Math.max(1, Math.min(heartbeatIntervalMs, untilPollExpiryMs));
    this.#effects.push({ type: 'timer', name: 'heartbeat', delayMs });
  }

  /** Sends the join if nothing is missing, or says what is. */
  #trySend(): void {
    if (this.#rejoinReason === undefined || this.#needsPrepare || this.#completion !== undefined) return;
    if (this.#isRetryPending || this.#isHalted || this.#fatal !== undefined) return;
    if (this.#state === 'PREPARING' || this.#state === 'COMPLETING') return;
    if (!this.#isCoordinatorKnown) {
      this.#effects.push({ type: 'find-coordinator', reason: 'join' });
      return;
    }
    this.#state = 'PREPARING';
    this.#attempt += 1;
    const { memberId } = this.#generation;
    this.#effects.push({ type: 'join', attempt: this.#attempt, memberId, reason: this.#rejoinReason });
  }

  #onRefusal(api: GroupApi, verdict: Verdict, errorCode: number): void {
    const { name } = errorByCode(errorCode);
    this.#log('debug', `${api} was refused: ${name}`);
    if (verdict === 'fenced') this.#endForGood(errorCode);
    else if (verdict === 'expelled' || verdict === 'outdated') this.#lose(verdict, api, errorCode);
    else this.#backToUnjoined(this.#rejoinReason ?? name);
    if (verdict === 'coordinator') this.#loseCoordinator(name);
    if (verdict === 'fail') this.#fail(explained(api, errorCode));
    else if (verdict === 'rejoin') this.#trySend();
    else if (verdict !== 'fenced') this.#retryLater();
  }

  #backToUnjoined(reason: string): void {
    this.#state = 'UNJOINED';
    this.#rejoinReason ??= reason;
  }

  #lose(verdict: 'expelled' | 'outdated', api: string, errorCode: number): void {
    const { memberId } = this.#generation;
    this.#reset(verdict === 'outdated' ? { ...NO_GENERATION, memberId } : NO_GENERATION);
    this.#wantRejoin(`${api} answered ${errorByCode(errorCode).name}`);
  }

  /** Partitions still held are lost now, which poll must tell the application before it joins again. */
  #reset(generation: Generation): void {
    this.#state = 'UNJOINED';
    this.#generation = generation;
    this.#completion = undefined;
    this.#isLeader = false;
    this.#needsPrepare = true;
    this.#attempt += 1;
    this.#isHeartbeatInFlight = false;
    this.#isHeartbeatTimerSet = false;
    this.#effects.push({ type: 'timer', name: 'heartbeat', delayMs: null });
  }

  #wantRejoin(reason: string): void {
    this.#log('info', `(re-)joining the group: ${reason}`);
    this.#rejoinReason = reason;
    this.#effects.push({ type: 'wake' });
  }

  #loseCoordinator(reason: string): void {
    if (!this.#isCoordinatorKnown) return;
    this.#isCoordinatorKnown = false;
    // Whoever commits without being a member looks for it when needed.
    if (this.#state === 'UNJOINED' && this.#rejoinReason === undefined) return;
    this.#log('info', `the group coordinator is not available: ${reason}`);
    this.#effects.push({ type: 'find-coordinator', reason });
  }

  #retryLater(): void {
    const { retryBackoffMs, retryBackoffMaxMs } = this.#options;
    const delayMs = Math.min(retryBackoffMaxMs, retryBackoffMs * 2 ** Math.min(this.#failureCount, 16));
    this.#failureCount += 1;
    this.#isRetryPending = true;
    this.#effects.push({ type: 'timer', name: 'retry', delayMs });
  }

  #fail(error: KafkaError): void {
    this.#isHalted = true;
    this.#effects.push({ type: 'fail', error }, { type: 'wake' });
  }

  #endForGood(errorCode: number): void {
    this.#reset(NO_GENERATION);
    this.#fatal = explained('The membership has ended', errorCode);
    this.#effects.push({ type: 'wake' });
  }

  #log(level: 'debug' | 'info' | 'warn', text: string): void {
    this.#effects.push({ type: 'log', level, text });
  }

  #take(): Effect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}

function explained(api: string, errorCode: number): KafkaError {
  const { name, message, retriable } = errorByCode(errorCode);
  return new KafkaError(name, `${api}: ${message} ${adviceOn(errorCode)}`.trimEnd(), { retriable, errorCode });
}
