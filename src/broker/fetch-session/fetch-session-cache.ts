/**
 * All sessions. There are at most so many; when they are used up a new one takes the place of one that was not used for two minutes,
 * or else of a smaller one that has lived for two minutes. Whoever gets none is answered with session 0 and fetches everything each
 * time. A session belongs to whoever knows its number, over whatever connection.
 *
 *     request          with session        what becomes of it
 *     epoch 0          none, or any        the old one ends, a full fetch, and its answer may begin a new one
 *     epoch -1         none, or any        the old one ends, a full fetch
 *     another epoch    the one, in step    its partitions are updated and fetched; without partitions it ends
 *                      unknown             FETCH_SESSION_ID_NOT_FOUND
 *                      out of step         INVALID_FETCH_SESSION_EPOCH
 *                      ids against names   FETCH_SESSION_TOPIC_ID_ERROR
 */
import { assert, RecencyList } from '#core';
import { Errors, type KafkaErrorRow } from '#protocol';
import { type AskedTopic, askedPartitions, type FetchPartitions, partitionKey } from './fetch-partition.ts';
import { FetchSession, FINAL_EPOCH, INITIAL_EPOCH, nextEpoch } from './fetch-session.ts';

const EVICTION_MS = 120_000;
/** The answer's session when there is none. */
export const NO_SESSION = 0;

/** The part of a fetch request that is about sessions. */
export interface SessionRequest {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly usesTopicIds: boolean;
  readonly topics: readonly AskedTopic[];
  readonly forgottenTopicsData: readonly {
    readonly topic: string;
    readonly topicId: string;
    readonly partitions: readonly number[];
  }[];
}

/** What is to be fetched for a request. */
export type FetchPlan = RefusedPlan | FullPlan | IncrementalPlan;

export interface RefusedPlan {
  readonly kind: 'refused';
  readonly error: KafkaErrorRow;
}

export interface FullPlan {
  readonly kind: 'full';
  readonly partitions: FetchPartitions;
  readonly usesTopicIds: boolean;
  /** A session, when it is answered. */
  readonly mayBegin: boolean;
}

export interface IncrementalPlan {
  readonly kind: 'incremental';
  readonly session: FetchSession;
  /** The answer counts as long as the session is at this epoch. */
  readonly nextEpoch: number;
}

export class FetchSessionCache {
  readonly #slotsMax: number;
  readonly #drawId: () => number;
  readonly #sessions = new Map<number, FetchSession>();
  /** The same ones. */
  readonly #recent = new RecencyList<FetchSession>();
  #evictionCount = 0;

  /** @param drawId a random number of 31 bits, not 0; drawn again when it is taken */
  constructor(slotsMax: number, drawId: () => number) {
    this.#slotsMax = slotsMax;
    this.#drawId = drawId;
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  get partitionCount(): number {
    let count = 0;
    for (const { size } of this.#sessions.values()) count += size;
    return count;
  }

  get evictionCount(): number {
    return this.#evictionCount;
  }

  /** Takes a request in. */
  plan(request: SessionRequest, nowMs: number): FetchPlan {
    const { sessionId, sessionEpoch } = request;
    if (sessionEpoch !== INITIAL_EPOCH && sessionEpoch !== FINAL_EPOCH) return this.#planIncremental(request, nowMs);
    this.#remove(this.#sessions.get(sessionId));
    return fullPlan(request, askedPartitions(request.topics, request.usesTopicIds), sessionEpoch === INITIAL_EPOCH);
  }

  /**
   * Begins a session with the answer to a full fetch; `partitions` belong to it from now on.
   *
   * @returns its number, or `NO_SESSION` when there is no place
   */
  begin(partitions: FetchPartitions, usesTopicIds: boolean, nowMs: number): number {
    if (this.#sessions.size >= this.#slotsMax && !this.#evict(partitions.size, nowMs)) return NO_SESSION;
    let id = this.#drawId();
    while (this.#sessions.has(id)) id = this.#drawId();
    assert(id > 0, 'a session has a positive number');
    const session = new FetchSession(id, usesTopicIds, partitions, nowMs);
    this.#sessions.set(id, session);
    this.#recent.touch(session);
    return id;
  }

  #planIncremental(request: SessionRequest, nowMs: number): FetchPlan {
    const session = this.#sessions.get(request.sessionId);
    if (session === undefined) return { kind: 'refused', error: Errors.FETCH_SESSION_ID_NOT_FOUND };
    if (session.epoch !== request.sessionEpoch) return { kind: 'refused', error: Errors.INVALID_FETCH_SESSION_EPOCH };
    if (session.usesTopicIds !== request.usesTopicIds)
      return { kind: 'refused', error: Errors.FETCH_SESSION_TOPIC_ID_ERROR };
    const asked = askedPartitions(request.topics, request.usesTopicIds);
    session.update(asked, forgottenKeys(request));
    if (session.size === 0) {
      this.#remove(session);
      return fullPlan(request, asked, false);
    }
    session.epoch = nextEpoch(session.epoch);
    session.usedMs = nowMs;
    this.#recent.touch(session);
    return { kind: 'incremental', session, nextEpoch: session.epoch };
  }

  #remove(session: FetchSession | undefined): void {
    if (session === undefined) return;
    this.#sessions.delete(session.id);
    this.#recent.remove(session);
  }

  /** Makes a place for a session of `size` partitions, if there is one that is worth less. */
  #evict(size: number, nowMs: number): boolean {
    const { oldest } = this.#recent;
    if (oldest === undefined) return false;
    const isStale = nowMs - oldest.usedMs > EVICTION_MS;
    const victim = isStale ? oldest : this.#smallestSettled();
    if (victim === undefined || (!isStale && victim.size >= size)) return false;
    this.#remove(victim);
    this.#evictionCount++;
    return true;
  }

  /** Of those that were used for as long as it takes to be worth a place. */
  #smallestSettled(): FetchSession | undefined {
    let smallest: FetchSession | undefined;
    for (const session of this.#sessions.values()) {
      if (session.usedMs - session.createdMs <= EVICTION_MS) continue;
      if (smallest === undefined || session.size < smallest.size) smallest = session;
    }
    return smallest;
  }
}

function fullPlan({ usesTopicIds }: SessionRequest, partitions: FetchPartitions, mayBegin: boolean): FullPlan {
  return { kind: 'full', partitions, usesTopicIds, mayBegin };
}

function forgottenKeys({ forgottenTopicsData, usesTopicIds }: SessionRequest): string[] {
  return forgottenTopicsData.flatMap(({ topic, topicId, partitions }) =>
    partitions.map((partition) => partitionKey(usesTopicIds ? topicId : topic, partition)),
  );
}
