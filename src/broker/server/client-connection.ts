/**
 * One connection of a client: bytes → frames → requests → handlers → replies.
 *
 * Promises: requests are handled one at a time in the order they came, except that some produce requests may await durability
 * together; replies leave in request order. While a request waits, reading stops as soon as a further one is there
 * (back-pressure instead of buffering), and likewise while the client does not read its replies, while the connection is muted, and
 * while all connections together hold as much as they may: each has its share of two budgets, one for requests (read and not yet
 * answered) and one for replies (not yet read by the client). Bytes that are no request end the connection with one line in the log,
 * and nothing else: what was asked before them is answered. `check` looks for clients that are dead, stuck or idle.
 */
import { AssertionError, type Clock, errorText, KafkaError, type Logger, release, type Timer } from '#core';
import type { Connection } from '#net';
import { Apis, decode, encodeResponse } from '#protocol';
import type { Authorizer } from '../authorizer.ts';
import type { RequestMeter } from '../meters/request-meter.ts';
import type { BudgetShare, ByteBudget } from './byte-budget.ts';
import { FrameIntake } from './frame-intake.ts';
import { type ConnectionPulse, FRAME_MS, Liveness, STUCK_MS } from './liveness.ts';
import type { PeerWarnings } from './peer-warnings.ts';
import { ReplyWriter } from './reply-writer.ts';
import { type Answering, type ClientSoftware, LATER, RequestContext } from './request-context.ts';
import { readRequestFrame } from './request-frame.ts';
import type { RequestQuotas } from './request-quotas.ts';
import { countedBytes, RequestsInFlight, SMALL_BYTES } from './requests-in-flight.ts';
import type { Route } from './route.ts';
import type { RouteTable } from './route-table.ts';
import { unsupportedApiVersions } from './served-api.ts';

/** Requests of one connection that are begun in one turn of the loop. */
const REQUESTS_PER_TURN_MAX = 32;

export interface ConnectionServices {
  readonly routes: RouteTable;
  readonly quotas: RequestQuotas;
  readonly meter: RequestMeter;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly warnings: PeerWarnings;
  readonly requestBytesMax: number;
  readonly idleMsMax: number;
  readonly requests: ByteBudget;
  readonly replies: ByteBudget;
  closed(connection: ClientConnection): void;
}

export class ClientConnection implements Answering {
  readonly remoteAddress: string;
  readonly clientHost: string;
  readonly listenerName: string;
  clientSoftware: ClientSoftware | undefined = undefined;
  readonly #connection: Connection;
  readonly #services: ConnectionServices;
  readonly #intake: FrameIntake;
  readonly #inFlight = new RequestsInFlight();
  readonly #replies: ReplyWriter;
  readonly #liveness: Liveness;
  readonly #requestShare: BudgetShare = { bytes: 0, resume: () => this.#pump() };
  readonly #replyShare: BudgetShare = { bytes: 0, resume: () => this.#pump() };
  /** Records that were read for an answer that is not given yet. */
  #readBytes = 0;
  #isPumping = false;
  #isPumpDue = false;
  #isPaused = false;
  /** No further request begins; the connection is closed when the last answer has left. */
  #isEnding = false;
  #isClosed = false;
  #mutedUntilMs = 0;
  #muteTimer: Timer | undefined;

  constructor(connection: Connection, listenerName: string, services: ConnectionServices) {
    this.remoteAddress = connection.remoteAddress;
    this.clientHost = hostOf(connection.remoteAddress);
    this.listenerName = listenerName;
    this.#connection = connection;
    this.#services = services;
    this.#intake = new FrameIntake(services.requestBytesMax, services.clock);
    this.#replies = new ReplyWriter(connection);
    this.#liveness = new Liveness(services.idleMsMax, services.clock.monotonicMs());
    connection.start({
      data: (chunk) => this.#onData(chunk),
      drain: () => this.#onDrain(),
      close: () => this.#onClose(),
    });
  }

  /** How it does, for `Liveness`. */
  get pulse(): ConnectionPulse {
    const { partialBytes, isHolding } = this.#intake;
    const isWaiting = isHolding || !this.#inFlight.isEmpty || this.#muteTimer !== undefined;
    return {
      isIdle: !isWaiting && partialBytes === 0 && this.#replies.isEmpty,
      isReading: !this.#isPaused,
      partialBytes,
      unreadBytes: this.#replies.waitingBytes,
    };
  }

  /** What the client has not read of its replies, bytes, when it has read nothing for `deafMs`; else 0. */
  unreadBytes(nowMs: number, deafMs: number): number {
    return this.#liveness.deafMs(nowMs) >= deafMs ? this.#replies.waitingBytes : 0;
  }

  /** To be called about once a second: closes a connection whose client is stuck, or idle. */
  check(nowMs: number): void {
    this.#account();
    const verdict = this.#liveness.check(nowMs, this.pulse);
    if (verdict === 'stuck') this.drop(`it has not taken its replies for ${STUCK_MS / 1000} s`);
    if (verdict === 'crawling') this.drop(`a request of it did not come within ${FRAME_MS / 1000} s`);
    if (verdict !== 'idle') return;
    const { logger } = this.#services;
    logger.debug({ peer: this.remoteAddress }, `Connection of ${this.remoteAddress} closed: idle.`);
    this.close();
  }

  /** Takes no further requests, and closes when those that were begun are answered. Idempotent. */
  end(): void {
    this.#isEnding = true;
    this.#intake.drop();
    this.#pump();
    this.#closeWhenDone();
  }

  /** Ends the connection at once; what was handed to it still goes out. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#connection.close();
    this.#onClose();
  }

  /** Ends the connection at once, with a line in the log. */
  drop(reason: string): void {
    if (this.#isClosed) return;
    this.#warn(reason);
    this.close();
  }

  get replyBytesMax(): number {
    return Math.floor(this.#services.replies.freeBytes / 2);
  }

  holds(bytes: number): void {
    this.#readBytes = bytes;
    this.#account();
  }

  finish(context: RequestContext, body: object | undefined): void {
    if (this.#isClosed || context.chunks !== undefined) return;
    const { api, version, correlationId } = context;
    const throttleTimeMs = this.#settle(context, body);
    try {
      const answer = throttleTimeMs > 0 ? { ...body, throttleTimeMs } : body;
      context.chunks = body === undefined ? [] : encodeResponse(api, version, correlationId, answer!);
    } catch (error) {
      this.#fail(context, error);
      return;
    }
    if (context.frame !== undefined) release(context.frame);
    if (throttleTimeMs > 0) this.mute(throttleTimeMs);
    this.#flush(context.answeredMs);
  }

  /** What the request cost its client, and how long that has to be silent. */
  #settle(context: RequestContext, body: object | undefined): number {
    const { meter, quotas, clock } = this.#services;
    meter.answered(context, body);
    context.answeredMs = clock.monotonicMs();
    if (context.handledMs < 0) context.handledMs = context.answeredMs;
    return quotas.settle(context, body !== undefined, context.handledMs - context.begunMs);
  }

  abort(context: RequestContext, reason: string): void {
    if (this.#isClosed) return;
    this.#warn(reason);
    this.#endAt(context);
  }

  passable(): void {
    this.#pump();
  }

  mute(delayMs: number): void {
    const { clock } = this.#services;
    const untilMs = clock.monotonicMs() + delayMs;
    if (this.#isClosed || delayMs <= 0 || untilMs <= this.#mutedUntilMs) return;
    this.#mutedUntilMs = untilMs;
    this.#muteTimer?.cancel();
    this.#muteTimer = clock.setTimer(delayMs, () => this.#unmute(), { unref: true });
    this.#setPaused(true);
  }

  #unmute(): void {
    this.#muteTimer = undefined;
    this.#pump();
  }

  #onData(chunk: Buffer): void {
    if (this.#isClosed || this.#isEnding) return;
    try {
      this.#intake.push(chunk);
    } catch (error) {
      this.#refuseBytes(error);
      return;
    }
    this.#pump();
  }

  /** Begins requests while that is allowed; called again whenever something changed. */
  #pump(): void {
    if (this.#isPumping || this.#isPumpDue || this.#isClosed) return;
    this.#isPumping = true;
    let begun = 0;
    while (!this.#isHalted()) {
      const frame = this.#nextFrame();
      if (frame === undefined) break;
      const isTurnOver = begun === REQUESTS_PER_TURN_MAX;
      if (isTurnOver || !this.#mayBegin(frame)) {
        this.#intake.hold(frame);
        if (isTurnOver) this.#pumpNextTurn();
        break;
      }
      begun++;
      this.#begin(frame, this.#intake.begun());
    }
    this.#isPumping = false;
    if (this.#isClosed) return;
    this.#account();
    this.#setPaused(this.#isHalted() || this.#intake.isHolding || !this.#mayRead());
  }

  /** No request may begin. (No getter: the runtime looks a private one up anew each time.) */
  #isHalted(): boolean {
    return this.#replies.isCongested || this.#muteTimer !== undefined || this.#isEnding || this.#isClosed;
  }

  /** Keeps the shares of the budgets true. */
  #account(): void {
    if (this.#isClosed) return;
    const { requests, replies } = this.#services;
    requests.set(this.#requestShare, this.#inFlight.bytes + countedBytes(this.#intake.pendingBytes));
    replies.set(this.#replyShare, this.#readBytes + this.#replies.waitingBytes);
  }

  /** Reading on may take a large request in. */
  #mayRead(): boolean {
    const { requests } = this.#services;
    if (this.#intake.pendingBytes > SMALL_BYTES) return requests.admits(this.#requestShare);
    requests.release(this.#requestShare);
    return true;
  }

  #pumpNextTurn(): void {
    this.#isPumpDue = true;
    this.#services.clock.nextTurn(() => {
      this.#isPumpDue = false;
      this.#pump();
    });
  }

  #nextFrame(): Buffer | undefined {
    try {
      return this.#intake.next();
    } catch (error) {
      this.#refuseBytes(error);
      return undefined;
    }
  }

  #mayBegin(frame: Buffer): boolean {
    return this.#services.replies.admits(this.#replyShare) && this.#inFlight.admits(frame);
  }

  #begin(frame: Buffer, heldSinceMs: number): void {
    this.#liveness.active();
    let context: RequestContext | undefined;
    try {
      const { routes, authorizer, clock } = this.#services;
      const { route, version, correlationId, clientId, body } = readRequestFrame(frame, routes);
      context = new RequestContext(route, version, correlationId, clientId, frame.length, this, authorizer);
      context.begunMs = clock.monotonicMs();
      context.arrivedMs = heldSinceMs < 0 ? context.begunMs : heldSinceMs;
      if (route.api === Apis.Produce) context.frame = frame;
      const request = body === undefined ? undefined : decode(route.api.request, version, body);
      this.#inFlight.add(context);
      if (request === undefined) this.finish(context, unsupportedApiVersions(route));
      else this.#handle(route, context, request);
    } catch (error) {
      if (error instanceof KafkaError && context?.chunks === undefined) this.#refuseBytes(error, context);
      else this.#fail(context, error);
    }
  }

  #handle(route: Route, context: RequestContext, request: unknown): void {
    const result = route.handle(context, request as never);
    if (result !== LATER && !(result instanceof Promise)) {
      this.finish(context, result);
      return;
    }
    if (context.handledMs < 0) context.handledMs = this.#services.clock.monotonicMs();
    if (result === LATER) return;
    result.then(
      (body) => this.finish(context, body),
      (error) => this.#fail(context, error),
    );
  }

  #flush(nowMs: number): void {
    const leaving = this.#inFlight.takeAnswered();
    if (leaving.length === 0) return;
    this.#liveness.active();
    this.#readBytes = 0;
    const { meter, clock } = this.#services;
    this.#replies.write(leaving.length === 1 ? leaving[0].chunks! : leaving.flatMap((context) => context.chunks!));
    const sentMs = clock.monotonicMs();
    for (const context of leaving) meter.sent(context, nowMs, sentMs);
    this.#pump();
    this.#closeWhenDone();
  }

  #onDrain(): void {
    this.#liveness.active();
    this.#liveness.taken();
    this.#replies.drained();
    this.#account();
    this.#pump();
    this.#closeWhenDone();
  }

  /** The answers to what came before `context` are the last; without it, those to everything that was begun. */
  #endAt(context: RequestContext | undefined): void {
    if (context !== undefined) this.#inFlight.abandonFrom(context);
    this.end();
  }

  #closeWhenDone(): void {
    if (this.#isEnding && this.#inFlight.isEmpty && this.#replies.isEmpty) this.close();
  }

  #setPaused(isPaused: boolean): void {
    if (this.#isClosed || isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    if (isPaused) this.#connection.pause();
    else this.#connection.resume();
  }

  #onClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#muteTimer?.cancel();
    this.#intake.drop();
    this.#replies.drop();
    this.#inFlight.abandon();
    const { requests, replies } = this.#services;
    this.#leave(requests, this.#requestShare);
    this.#leave(replies, this.#replyShare);
    this.#services.closed(this);
  }

  #leave(budget: ByteBudget, share: BudgetShare): void {
    budget.release(share);
    budget.set(share, 0);
  }

  #warn(reason: string, fields: object = {}): void {
    const peer = this.remoteAddress;
    this.#services.warnings.warn({ peer, ...fields }, `Connection of ${peer} closed: ${reason}`);
  }

  /** What came is not a request: one line that says so in plain words, and the connection ends. */
  #refuseBytes(error: unknown, context?: RequestContext): void {
    if (!(error instanceof KafkaError)) throw error;
    if (this.#isClosed || this.#isEnding) return;
    const what = context === undefined ? '' : ` (${context.api.name} version ${context.version})`;
    const { reason, firstBytes } = this.#intake.refusal(error, what);
    this.#warn(reason, { firstBytes });
    this.#endAt(context);
  }

  /** A bug of ours: this connection cannot be trusted any more. */
  #fail(context: RequestContext | undefined, error: unknown): void {
    const api = context === undefined ? 'a request' : `${context.api.name} version ${context.version}`;
    const kind = error instanceof AssertionError ? 'an assertion failed' : 'an error was thrown';
    this.#services.logger.error(
      { err: error, peer: this.remoteAddress },
      `While answering ${api} ${kind}: ${errorText(error)}`,
    );
    this.close();
  }
}

/** The address without its port, as Kafka shows it: an IPv4 address that came over IPv6 is one. */
export function hostOf(address: string): string {
  const colon = address.lastIndexOf(':');
  const host = (colon < 0 ? address : address.slice(0, colon)).replace(/^\[|\]$/g, '');
  return host.replace(/^::ffff:(?=\d+\.)/i, '');
}
