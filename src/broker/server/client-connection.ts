/**
 * One connection of a client: bytes → frames → requests → handlers → replies.
 *
 * Promises: requests are handled one at a time in the order they came, except that up to `PRODUCE_IN_FLIGHT_MAX` produce requests may
 * await durability together; replies leave in request order. While a request waits, reading stops as soon as a further one is there
 * (back-pressure instead of buffering), and likewise while the client does not read its replies, or the connection is muted. These are handed to the connection in
 * portions, so that a slow reader is told from a dead one: a client that does not take a few portions (a MiB or two) in `STUCK_MS` is
 * closed. Bytes that are no request close the connection with one line in the log, and nothing else.
 */
import {
  AssertionError,
  ByteReader,
  type Clock,
  CorruptError,
  errorText,
  KafkaError,
  type Logger,
  type Timer,
} from '#core';
import type { Connection } from '#net';
import { Apis, decode, decodeRequestHeader, encodeResponse, FrameReader } from '#protocol';
import type { Authorizer } from '../authorizer.ts';
import type { BrokerParts } from '../broker-parts.ts';
import { unsupportedApiVersions } from '../handlers/api-versions.ts';
import type { PeerWarnings } from './peer-warnings.ts';
import { type Answering, LATER, RequestContext } from './request-context.ts';
import type { RouteTable } from './route-table.ts';

/** Kafka's producer has at most five requests in flight when it wants order. */
const PRODUCE_IN_FLIGHT_MAX = 5;
/** Requests of one connection that are begun in one turn of the loop. */
const REQUESTS_PER_TURN_MAX = 32;
/** Array elements of one request: those of the largest sane one, a group's offsets in a hundred thousand partitions, fit. */
const ELEMENTS_MAX = 500_000;
/** A client that does not take what was written to it for so long is closed. */
const STUCK_MS = 60_000;
/** A portion of replies: no more slices are added to it once it has so many bytes. */
const PORTION_BYTES_MIN = 256 * 1024;
/** Bytes of a wrong first message that are shown in the log. */
const SHOWN_BYTES = 16;

export interface ConnectionServices {
  readonly broker: BrokerParts;
  readonly routes: RouteTable;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly warnings: PeerWarnings;
  readonly requestBytesMax: number;
  closed(connection: ClientConnection): void;
}

export class ClientConnection implements Answering {
  readonly remoteAddress: string;
  readonly clientHost: string;
  readonly listenerName: string;
  readonly #connection: Connection;
  readonly #services: ConnectionServices;
  readonly #frames: FrameReader;
  /** Requests that were begun, oldest first. */
  #inFlight: RequestContext[] = [];
  /** A frame that has to wait for its turn. */
  #heldFrame: Buffer | undefined;
  /** Replies, or the rest of one, that wait for the client to read what was written before. */
  #unsent: Buffer[] = [];
  #firstBytes = Buffer.alloc(0);
  #isPumping = false;
  #isPumpDue = false;
  #isPaused = false;
  #isCongested = false;
  #isClosed = false;
  #stuckTimer: Timer | undefined;
  #mutedUntilMs = 0;
  #muteTimer: Timer | undefined;
  /** Monotonic time of the last request or reply. */
  lastActiveMs: number;

  constructor(connection: Connection, listenerName: string, services: ConnectionServices) {
    this.remoteAddress = connection.remoteAddress;
    this.clientHost = hostOf(connection.remoteAddress);
    this.listenerName = listenerName;
    this.#connection = connection;
    this.#services = services;
    this.#frames = new FrameReader(services.requestBytesMax);
    this.lastActiveMs = services.clock.now().monotonicMs;
    connection.start({
      data: (chunk) => this.#onData(chunk),
      drain: () => this.#onDrain(),
      close: () => this.#onClose(),
    });
  }

  /** Nothing is being answered, and nothing waits for a mute to end. */
  get isIdle(): boolean {
    return this.#inFlight.length === 0 && this.#heldFrame === undefined && this.#muteTimer === undefined;
  }

  /** Ends the connection; replies that were written still go out. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#connection.close();
    this.#onClose();
  }

  finish(context: RequestContext, body: object | undefined): void {
    if (this.#isClosed || context.chunks !== undefined) return;
    const { api, version, correlationId } = context;
    const throttleTimeMs = this.#settle(context, body !== undefined);
    try {
      const answer = throttleTimeMs > 0 ? { ...body, throttleTimeMs } : body;
      context.chunks = body === undefined ? [] : encodeResponse(api, version, correlationId, answer!);
    } catch (error) {
      this.#fail(context, error);
      return;
    }
    this.mute(throttleTimeMs);
    this.#flush();
  }

  /** What the request cost its client, and how long that has to be silent. */
  #settle(context: RequestContext, hasAnswer: boolean): number {
    const { broker, clock } = this.#services;
    context.answeredMs = clock.now().monotonicMs;
    if (context.handledMs < 0) context.handledMs = context.answeredMs;
    return broker.quotas.settle(context, hasAnswer, context.handledMs - context.begunMs);
  }

  abort(reason: string): void {
    if (this.#isClosed) return;
    this.#services.warnings.warn({ peer: this.remoteAddress }, `Connection of ${this.remoteAddress} closed: ${reason}`);
    this.close();
  }

  mute(delayMs: number): void {
    const { clock } = this.#services;
    const untilMs = clock.now().monotonicMs + delayMs;
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
    if (this.#isClosed) return;
    if (this.#firstBytes.length < SHOWN_BYTES) {
      this.#firstBytes = Buffer.concat([this.#firstBytes, chunk.subarray(0, SHOWN_BYTES - this.#firstBytes.length)]);
    }
    try {
      this.#frames.push(chunk);
    } catch (error) {
      this.#refuseBytes(error);
      return;
    }
    this.#pump();
  }

  /** Begins requests while that is allowed; called again whenever something changed. */
  #pump(): void {
    if (this.#isPumping || this.#isPumpDue) return;
    this.#isPumping = true;
    let begun = 0;
    while (!this.#isClosed && !this.#isHalted) {
      const frame = this.#nextFrame();
      if (frame === undefined || !this.#mayBegin(frame)) {
        this.#heldFrame = frame;
        break;
      }
      if (begun === REQUESTS_PER_TURN_MAX) {
        this.#heldFrame = frame;
        this.#pumpNextTurn();
        break;
      }
      this.#heldFrame = undefined;
      begun++;
      this.#begin(frame);
    }
    this.#isPumping = false;
    this.#setPaused(this.#isHalted || this.#heldFrame !== undefined);
  }

  /** No request may begin. */
  get #isHalted(): boolean {
    return this.#isCongested || this.#muteTimer !== undefined;
  }

  #pumpNextTurn(): void {
    this.#isPumpDue = true;
    this.#services.clock.nextTurn(() => {
      this.#isPumpDue = false;
      this.#pump();
    });
  }

  #nextFrame(): Buffer | undefined {
    if (this.#heldFrame !== undefined) return this.#heldFrame;
    try {
      return this.#frames.next();
    } catch (error) {
      this.#refuseBytes(error);
      return undefined;
    }
  }

  #mayBegin(frame: Buffer): boolean {
    if (this.#inFlight.length === 0) return true;
    if (this.#inFlight.length >= PRODUCE_IN_FLIGHT_MAX || !isProduce(frame)) return false;
    return this.#inFlight.every(({ api }) => api === Apis.Produce);
  }

  #begin(frame: Buffer): void {
    this.lastActiveMs = this.#services.clock.now().monotonicMs;
    let context: RequestContext | undefined;
    try {
      const reader = new ByteReader(frame);
      reader.elementsLeft = ELEMENTS_MAX;
      context = this.#readContext(frame, reader);
      if (context === undefined) return;
      context.begunMs = this.lastActiveMs;
      const request = decode(context.api.request, context.version, reader);
      this.#inFlight.push(context);
      this.#handle(context, request);
    } catch (error) {
      if (error instanceof KafkaError && context?.chunks === undefined) this.#refuseBytes(error, context);
      else this.#fail(context, error);
    }
  }

  /** Reads the header; undefined when the connection was closed or the request is answered already. */
  #readContext(frame: Buffer, reader: ByteReader): RequestContext | undefined {
    if (frame.length < 8) throw new CorruptError(`a request of ${frame.length} bytes has no room for its header`);
    const apiKey = frame.readInt16BE(0);
    const apiVersion = frame.readInt16BE(2);
    const { routes, authorizer } = this.#services;
    const route = routes.find(apiKey);
    if (route === undefined) throw new KafkaError('INVALID_REQUEST', `API key ${apiKey} is not served here`);
    if (apiVersion < route.minVersion || apiVersion > route.maxVersion) {
      if (route.api !== Apis.ApiVersions) {
        const text = `${route.api.name} version ${apiVersion} is not served here (${route.minVersion} to ${route.maxVersion} are)`;
        throw new KafkaError('INVALID_REQUEST', text);
      }
      const context = new RequestContext(route, 0, frame.readInt32BE(4), null, frame.length, this, authorizer);
      context.begunMs = this.lastActiveMs;
      this.#inFlight.push(context);
      this.finish(context, unsupportedApiVersions(route));
      return undefined;
    }
    const header = decodeRequestHeader(reader);
    return new RequestContext(route, apiVersion, header.correlationId, header.clientId, frame.length, this, authorizer);
  }

  #handle(context: RequestContext, request: unknown): void {
    const result = context.route.handle(this.#services.broker, context, request as never);
    if (result !== LATER && !(result instanceof Promise)) {
      this.finish(context, result);
      return;
    }
    if (context.handledMs < 0) context.handledMs = this.#services.clock.now().monotonicMs;
    if (result === LATER) return;
    result.then(
      (body) => this.finish(context, body),
      (error) => this.#fail(context, error),
    );
  }

  #flush(): void {
    let ready = 0;
    while (ready < this.#inFlight.length && this.#inFlight[ready].chunks !== undefined) ready++;
    if (ready === 0) return;
    const leaving = this.#inFlight.splice(0, ready);
    const chunks = leaving.length === 1 ? leaving[0].chunks! : leaving.flatMap((context) => context.chunks!);
    this.#unsent = this.#unsent.length === 0 ? chunks : [...this.#unsent, ...chunks];
    this.#send();
    this.#pump();
  }

  #send(): void {
    this.lastActiveMs = this.#services.clock.now().monotonicMs;
    while (this.#unsent.length > 0 && !this.#isCongested) {
      if (!this.#connection.write(this.#takePortion())) this.#setCongested();
    }
  }

  #takePortion(): Buffer[] {
    const chunks = this.#unsent;
    let count = 0;
    for (let bytes = 0; count < chunks.length && bytes < PORTION_BYTES_MIN; count++) bytes += chunks[count].length;
    if (count < chunks.length) return chunks.splice(0, count);
    this.#unsent = [];
    return chunks;
  }

  #setCongested(): void {
    this.#isCongested = true;
    const onStuck = () => this.abort(`it has not taken its replies for ${STUCK_MS / 1000} s`);
    this.#stuckTimer = this.#services.clock.setTimer(STUCK_MS, onStuck, { unref: true });
  }

  #onDrain(): void {
    this.#isCongested = false;
    this.#stuckTimer?.cancel();
    this.#send();
    this.#pump();
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
    this.#stuckTimer?.cancel();
    this.#muteTimer?.cancel();
    this.#heldFrame = undefined;
    this.#unsent = [];
    const abandoned = this.#inFlight;
    this.#inFlight = [];
    for (const context of abandoned) context.onAbandoned?.();
    this.#services.closed(this);
  }

  /** What came is not a request: one line that says so in plain words, and the connection ends. */
  #refuseBytes(error: unknown, context?: RequestContext): void {
    if (!(error instanceof KafkaError)) throw error;
    if (this.#isClosed) return;
    const what = context === undefined ? '' : ` (${context.api.name} version ${context.version})`;
    const reason = guessProtocol(this.#firstBytes) ?? `${errorText(error)}${what}`;
    this.#services.warnings.warn(
      { peer: this.remoteAddress, firstBytes: this.#firstBytes.toString('hex') },
      `Connection of ${this.remoteAddress} closed: ${reason}`,
    );
    this.close();
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

function hostOf(address: string): string {
  const colon = address.lastIndexOf(':');
  return (colon < 0 ? address : address.slice(0, colon)).replace(/^\[|\]$/g, '');
}

function isProduce(frame: Buffer): boolean {
  return frame.length >= 2 && frame.readInt16BE(0) === Apis.Produce.key;
}

/** People point browsers, health checks and TLS clients at brokers; say so instead of "frame too large". */
function guessProtocol(firstBytes: Buffer): string | undefined {
  const text = firstBytes.toString('latin1');
  if (/^(GET|POST|PUT|HEAD|DELETE|OPTIONS|PATCH|CONNECT|TRACE|PRI) /.test(text)) {
    return 'it looks like an HTTP request; this port speaks the Kafka protocol';
  }
  if (firstBytes[0] === 0x16 && firstBytes[1] === 0x03) {
    return 'it looks like a TLS handshake; this listener is PLAINTEXT';
  }
  return undefined;
}
