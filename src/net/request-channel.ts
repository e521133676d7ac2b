/**
 * Requests and replies on one connection. Kafka answers a connection's requests in order, so the requests in flight are a queue:
 * the reply that comes must belong to its head, anything else means that the two sides no longer understand each other, and the
 * connection is closed. A reply that is not there by its deadline closes the connection too (its late arrival could not be told
 * from damage), and every request in flight fails with it: the caller cannot know whether those were carried out.
 *
 * One timer per channel, set for the earliest deadline; one promise per request. Replies are decoded when they come; their bytes
 * and records fields are slices of what the socket delivered.
 */
import { ByteReader, type Clock, KafkaError, type Logger, type Timer } from '#core';
import {
  type Api,
  type Draft,
  decode,
  decodeResponseHeader,
  Errors,
  encodeRequest,
  FrameReader,
  type Infer,
  type MessageSchema,
} from '#protocol';
import { type Connection, networkError } from './transport.ts';

/** A reply that claims to be larger is not Kafka's: an HTTP reply or a TLS alert reads as more than this. Bytes. */
export const RESPONSE_BYTES_MAX = 256 * 1024 * 1024;

const API_VERSIONS_KEY = 18;

export interface RequestChannelOptions {
  clientId: string | null;
  clock: Clock;
  logger: Logger;
  /** Largest reply believed, bytes. Default `RESPONSE_BYTES_MAX`. */
  responseBytesMax?: number;
}

interface InFlight {
  api: Api;
  version: number;
  correlationId: number;
  /** Monotonic milliseconds. */
  deadlineMs: number;
  timeoutMs: number;
  resolve(response: unknown): void;
  reject(error: Error): void;
}

export class RequestChannel {
  readonly remoteAddress: string;
  readonly #connection: Connection;
  readonly #clientId: string | null;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #frames: FrameReader;
  readonly #closeListeners: ((error: KafkaError) => void)[] = [];
  #inFlight: InFlight[] = [];
  #nextCorrelationId = 0;
  #timer: Timer | undefined;
  /** What the timer is set for; Infinity when there is none. */
  #timerDeadlineMs = Number.POSITIVE_INFINITY;
  #closeError: KafkaError | undefined;
  #drainWaiters: (() => void)[] = [];
  #isCongested = false;

  /** Takes the connection over: starts it, and closes it in `close`. */
  constructor(connection: Connection, options: RequestChannelOptions) {
    this.remoteAddress = connection.remoteAddress;
    this.#connection = connection;
    this.#clientId = options.clientId;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#frames = new FrameReader(options.responseBytesMax ?? RESPONSE_BYTES_MAX);
    connection.start({
      data: (chunk) => this.#onData(chunk),
      drain: () => this.#onDrain(),
      close: (error) => this.#end(connectionClosed(this.remoteAddress, error)),
    });
  }

  get inFlightCount(): number {
    return this.#inFlight.length;
  }

  get isClosed(): boolean {
    return this.#closeError !== undefined;
  }

  /** Calls `listener` once when the channel ends, at once when it already has. */
  onClose(listener: (error: KafkaError) => void): void {
    if (this.#closeError === undefined) this.#closeListeners.push(listener);
    else listener(this.#closeError);
  }

  /**
   * Sends a request and waits for its reply. Buffers inside `body` must stay untouched until then.
   *
   * @throws KafkaError REQUEST_TIMED_OUT when no reply came in `timeoutMs`, NETWORK_EXCEPTION when the connection ended first;
   * both are retriable, and in both the request may have been carried out.
   */
  send<Request extends MessageSchema, Response extends MessageSchema>(
    api: Api<Request, Response>,
    version: number,
    body: Draft<Request>,
    options: { timeoutMs: number },
  ): Promise<Infer<Response>> {
    return new Promise((resolve, reject) => {
      if (this.#closeError !== undefined) {
        reject(this.#closeError);
        return;
      }
      const correlationId = this.#takeCorrelationId();
      const chunks = encodeRequest(api, version, correlationId, this.#clientId, body);
      const deadlineMs = this.#clock.monotonicMs() + options.timeoutMs;
      this.#inFlight.push({
        api,
        version,
        correlationId,
        deadlineMs,
        timeoutMs: options.timeoutMs,
        resolve: resolve as (response: unknown) => void,
        reject,
      });
      if (deadlineMs < this.#timerDeadlineMs) this.#setTimer(deadlineMs);
      if (!this.#connection.write(chunks)) this.#isCongested = true;
    });
  }

  /**
   * Sends a request that the broker does not answer (Produce with acks=0). Fulfilled when the connection takes more: at once as
   * long as it is below its high-water mark.
   *
   * @throws KafkaError NETWORK_EXCEPTION when the connection ended before that
   */
  sendNoReply<Request extends MessageSchema>(api: Api<Request>, version: number, body: Draft<Request>): Promise<void> {
    if (this.#closeError !== undefined) return Promise.reject(this.#closeError);
    const chunks = encodeRequest(api, version, this.#takeCorrelationId(), this.#clientId, body);
    if (!this.#connection.write(chunks)) this.#isCongested = true;
    if (!this.#isCongested) return Promise.resolve();
    return new Promise<void>((resolve) => this.#drainWaiters.push(resolve)).then(() => {
      if (this.#closeError !== undefined) throw this.#closeError;
    });
  }

  /** Ends the connection once what was written has left; requests in flight fail with `error` at once. Idempotent. */
  close(error?: KafkaError): void {
    this.#end(error ?? networkError(`connection to ${this.remoteAddress} was closed by this client`));
    this.#connection.close();
  }

  /** Ends a connection that is of no more use. */
  #abort(error: KafkaError): void {
    this.#end(error);
    this.#connection.close(error);
  }

  #takeCorrelationId(): number {
    const id = this.#nextCorrelationId;
    this.#nextCorrelationId = id === 0x7fffffff ? 0 : id + 1;
    return id;
  }

  #onData(chunk: Buffer): void {
    if (this.#closeError !== undefined) return;
    try {
      this.#frames.push(chunk);
      for (let frame = this.#frames.next(); frame !== undefined; frame = this.#frames.next()) {
        this.#onFrame(frame);
        if (this.#closeError !== undefined) return;
      }
    } catch (error) {
      // Everything thrown here came out of the peer's bytes.
      this.#refusePeer(Error.isError(error) ? error.message : String(error), error);
    }
  }

  #onFrame(frame: Buffer): void {
    const request = this.#inFlight[0];
    if (request === undefined) throw new KafkaError('INVALID_REQUEST', 'a reply nobody asked for');
    const reader = new ByteReader(frame);
    const version = replyVersion(request, frame);
    const { correlationId } = decodeResponseHeader(request.api, version, reader);
    if (correlationId !== request.correlationId) {
      throw new KafkaError('INVALID_REQUEST', `reply ${correlationId} came where ${request.correlationId} was due`);
    }
    const response = decode(request.api.response, version, reader);
    this.#inFlight.shift();
    request.resolve(response);
  }

  #refusePeer(detail: string, cause: unknown): void {
    const api = this.#inFlight[0]?.api.name ?? 'none';
    const text = `${this.remoteAddress} sent bytes that are not the reply to ${api}: ${detail}`;
    this.#logger.error({ peer: this.remoteAddress, api }, text);
    this.#abort(networkError(text, cause));
  }

  #onDrain(): void {
    this.#isCongested = false;
    const waiters = this.#drainWaiters;
    this.#drainWaiters = [];
    for (const resume of waiters) resume();
  }

  #setTimer(deadlineMs: number): void {
    this.#timer?.cancel();
    this.#timerDeadlineMs = deadlineMs;
    const delayMs = Math.max(1, Math.ceil(deadlineMs - this.#clock.monotonicMs()));
    this.#timer = this.#clock.setTimer(delayMs, () => this.#onTimer());
  }

  /** The timer is not moved when replies come, so most often it finds newer requests and is set again. */
  #onTimer(): void {
    this.#timer = undefined;
    this.#timerDeadlineMs = Number.POSITIVE_INFINITY;
    if (this.#inFlight.length === 0) return;
    const nowMs = this.#clock.monotonicMs();
    const earliest = this.#inFlight.reduce((least, one) => (one.deadlineMs < least.deadlineMs ? one : least));
    if (earliest.deadlineMs > nowMs) {
      this.#setTimer(earliest.deadlineMs);
      return;
    }
    const text = `no reply to ${earliest.api.name} from ${this.remoteAddress} within ${earliest.timeoutMs} ms`;
    this.#abort(
      new KafkaError('REQUEST_TIMED_OUT', text, { retriable: true, errorCode: Errors.REQUEST_TIMED_OUT.code }),
    );
  }

  #end(error: KafkaError): void {
    if (this.#closeError !== undefined) return;
    this.#closeError = error;
    this.#timer?.cancel();
    const inFlight = this.#inFlight;
    this.#inFlight = [];
    for (const request of inFlight) request.reject(error);
    this.#onDrain();
    for (const listener of this.#closeListeners) listener(error);
  }
}

/** A server that does not know our ApiVersions version answers error 35 in the layout of version 0. @see KIP-511 */
function replyVersion(request: InFlight, frame: Buffer): number {
  const isRefusedVersion =
    request.api.key === API_VERSIONS_KEY &&
    frame.length >= 6 &&
    frame.readInt16BE(4) === Errors.UNSUPPORTED_VERSION.code;
  return isRefusedVersion ? 0 : request.version;
}

function connectionClosed(address: string, cause: Error | undefined): KafkaError {
  if (cause instanceof KafkaError) return cause;
  return networkError(`connection to ${address} was closed by the other side`, cause);
}
