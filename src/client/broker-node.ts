/**
 * One broker as the client sees it: its address, at most one connection, made when it is needed, and what was learned about it
 * (served versions, failures in a row, throttling). Once connected, `request` hands bytes to the connection within the call, so
 * requests leave in the order of the calls.
 *
 *     idle ──connect──▶ connecting (waits out the back-off, TCP, ApiVersions) ──▶ ready ──connection ends──▶ idle
 *                           └────────────── failure: failureCount + 1 ─────────────────────────────────────▶ idle
 */
import { type Clock, KafkaError, type Logger, type Random } from '#core';
import { networkError, RequestChannel, type Transport } from '#net';
import {
  type Api,
  Apis,
  type ApiVersionsResponse,
  type Draft,
  Errors,
  type Infer,
  type MessageSchema,
  toKafkaError,
} from '#protocol';
import { commonVersion, type ServedVersions, servedVersions, unsupportedVersion } from './api-versions.ts';
import { backoffMs } from './backoff.ts';
import type { ClientConfig } from './config.ts';
import { beforeDeadline, deadlineIn } from './deadline.ts';

/** What KIP-511 sends: who is calling. */
const SOFTWARE_NAME = 'springtide';
const SOFTWARE_VERSION = '0.1.0';

/** What all connections of a client share. */
export interface ClientEnvironment {
  readonly config: ClientConfig;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface RequestOptions {
  /** From the call to the reply, connecting included, milliseconds. */
  timeoutMs: number;
  /** Highest version to use; the one in common may be lower. */
  version?: number;
}

/** A body, or how to make it for the version that both sides know: fields that a version lacks must not be set. */
export type RequestBody<Request extends MessageSchema> = Draft<Request> | ((version: number) => Draft<Request>);

export class BrokerNode {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly #environment: ClientEnvironment;
  readonly #onLost: (node: BrokerNode, error: KafkaError) => void;
  #channel: RequestChannel | undefined;
  #connecting: Promise<RequestChannel> | undefined;
  #served: ServedVersions | undefined;
  #failureCount = 0;
  /** Not tried again before, monotonic ms. */
  #retryAtMs = 0;
  #throttledUntilMs = 0;
  /** Why it was closed for good: by its owner, or because the broker has moved. */
  #closeError: KafkaError | undefined;
  readonly #closing = new AbortController();
  /** Monotonic ms of the last request. */
  lastUsedMs = 0;
  /** Why it could not be connected to the last time; undefined once it could. */
  lastError: unknown;

  /** `onLost` hears of a connection that ended although this side did not close it. */
  constructor(
    address: { nodeId: number; host: string; port: number },
    environment: ClientEnvironment,
    onLost: (node: BrokerNode, error: KafkaError) => void,
  ) {
    this.nodeId = address.nodeId;
    this.host = address.host;
    this.port = address.port;
    this.#environment = environment;
    this.#onLost = onLost;
  }

  get address(): string {
    return `${this.host}:${this.port}`;
  }

  get isReady(): boolean {
    return this.#channel !== undefined;
  }

  get inFlightCount(): number {
    return this.#channel?.inFlightCount ?? 0;
  }

  /** Monotonic ms from which on it may be tried; in the past when it may be tried now. */
  get retryAtMs(): number {
    return this.#retryAtMs;
  }

  /** The version that a request of `api` would have; undefined before the first connection, or when there is none. */
  versionOf(api: Api): number | undefined {
    return this.#served === undefined ? undefined : commonVersion(this.#served, api);
  }

  /** Connects unless connected. Callers share one attempt. @throws KafkaError NETWORK_EXCEPTION, UNSUPPORTED_VERSION */
  async connect(): Promise<void> {
    if (this.#channel === undefined) await this.#connect();
  }

  /** Sends and waits for the reply. @throws KafkaError REQUEST_TIMED_OUT, NETWORK_EXCEPTION, UNSUPPORTED_VERSION, CLOSED */
  request<Request extends MessageSchema, Response extends MessageSchema>(
    api: Api<Request, Response>,
    body: RequestBody<Request>,
    options: RequestOptions,
  ): Promise<Infer<Response>> {
    const nowMs = this.#environment.clock.now().monotonicMs;
    this.lastUsedMs = nowMs;
    if (this.#channel === undefined || this.#throttledUntilMs > nowMs) return this.#requestLater(api, body, options);
    return this.#send(this.#channel, api, body, options);
  }

  /** Sends a request that gets no reply; settles when the connection takes more. */
  async requestNoReply<Request extends MessageSchema>(
    api: Api<Request>,
    body: RequestBody<Request>,
    options: RequestOptions,
  ): Promise<void> {
    if (this.#channel === undefined) await this.#connectWithin(options.timeoutMs);
    const channel = this.#channel;
    if (channel === undefined) throw networkError(`connection to ${this.address} was lost`);
    this.lastUsedMs = this.#environment.clock.now().monotonicMs;
    const version = this.#versionFor(api, options.version);
    await channel.sendNoReply(api, version, bodyFor(body, version));
  }

  /** Closes the connection; it may be opened again. Requests in flight fail with `error`. */
  disconnect(error?: KafkaError): void {
    const channel = this.#channel;
    this.#channel = undefined;
    channel?.close(error);
  }

  /** Closes for good. */
  close(error: KafkaError = closedError()): void {
    this.#closeError ??= error;
    this.#closing.abort(this.#closeError);
    this.disconnect(error);
  }

  #send<Request extends MessageSchema, Response extends MessageSchema>(
    channel: RequestChannel,
    api: Api<Request, Response>,
    body: RequestBody<Request>,
    options: RequestOptions,
  ): Promise<Infer<Response>> {
    let reply: Promise<Infer<Response>>;
    try {
      const version = this.#versionFor(api, options.version);
      reply = this.#patiently(api, options.timeoutMs, (timeoutMs) =>
        channel.send(api, version, bodyFor(body, version), { timeoutMs }),
      );
    } catch (error) {
      return Promise.reject(error);
    }
    return reply.then((response) => {
      this.#noteThrottle(response);
      return response;
    });
  }

  /**
   * A reply that is late for its caller is not late for the connection, which would take everything else in flight with it: it is
   * waited for as long as every request is, and then nobody looks.
   */
  #patiently<T>(api: Api, timeoutMs: number, send: (timeoutMs: number) => Promise<T>): Promise<T> {
    const { clock, config } = this.#environment;
    const usualMs = config['request.timeout.ms'];
    if (timeoutMs >= usualMs) return send(timeoutMs);
    const text = `no reply to ${api.name} from ${this.address} within ${Math.ceil(timeoutMs)} ms`;
    return beforeDeadline(clock, send(usualMs), deadlineIn(clock, timeoutMs), () => timedOut(text));
  }

  async #requestLater<Request extends MessageSchema, Response extends MessageSchema>(
    api: Api<Request, Response>,
    body: RequestBody<Request>,
    options: RequestOptions,
  ): Promise<Infer<Response>> {
    const { clock } = this.#environment;
    const deadlineMs = deadlineIn(clock, options.timeoutMs);
    const throttledMs = this.#throttledUntilMs - clock.now().monotonicMs;
    if (throttledMs >= options.timeoutMs) throw this.#throttled(throttledMs, options.timeoutMs);
    if (throttledMs > 0) await this.#pause(throttledMs);
    if (this.#channel === undefined) await this.#connectWithin(deadlineMs - clock.now().monotonicMs);
    if (this.#channel === undefined) throw networkError(`connection to ${this.address} was lost`);
    const timeoutMs = Math.max(1, deadlineMs - clock.now().monotonicMs);
    return this.#send(this.#channel, api, body, { ...options, timeoutMs });
  }

  #connectWithin(timeoutMs: number): Promise<RequestChannel> {
    const { clock } = this.#environment;
    return beforeDeadline(
      clock,
      this.#connect(),
      deadlineIn(clock, timeoutMs),
      () => new KafkaError('REQUEST_TIMED_OUT', `no connection to ${this.address} within ${Math.ceil(timeoutMs)} ms`),
    );
  }

  #connect(): Promise<RequestChannel> {
    if (this.#closeError !== undefined) return Promise.reject(this.#closeError);
    this.#connecting ??= this.#open().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #open(): Promise<RequestChannel> {
    const { clock, config, random } = this.#environment;
    const waitMs = this.#retryAtMs - clock.now().monotonicMs;
    if (waitMs > 0) await this.#pause(waitMs);
    if (this.#closeError !== undefined) throw this.#closeError;
    try {
      const channel = await this.#openChannel();
      this.#failureCount = 0;
      this.#retryAtMs = 0;
      this.lastError = undefined;
      return channel;
    } catch (error) {
      if (this.#closeError !== undefined) throw this.#closeError;
      const backoff = { firstMs: config['reconnect.backoff.ms'], mostMs: config['reconnect.backoff.max.ms'] };
      this.lastError = error;
      this.#failureCount++;
      this.#retryAtMs = clock.now().monotonicMs + backoffMs(backoff, this.#failureCount, random.float());
      throw error;
    }
  }

  async #openChannel(): Promise<RequestChannel> {
    const { clock, config, logger } = this.#environment;
    const connection = await this.#openConnection();
    const channel = new RequestChannel(connection, { clientId: config['client.id'], clock, logger });
    const giveUp = () => channel.close(this.#closeError);
    this.#closing.signal.addEventListener('abort', giveUp, { once: true });
    try {
      this.#served = await this.#negotiate(channel);
    } catch (error) {
      channel.close();
      throw error;
    } finally {
      this.#closing.signal.removeEventListener('abort', giveUp);
    }
    if (this.#closeError !== undefined) throw this.#closeError;
    this.#channel = channel;
    this.lastUsedMs = clock.now().monotonicMs;
    channel.onClose((error) => {
      if (this.#channel !== channel) return;
      this.#channel = undefined;
      this.#onLost(this, error);
    });
    logger.debug({ node: this.nodeId, address: this.address }, 'connected');
    return channel;
  }

  async #openConnection() {
    const { clock, config, random, transport } = this.#environment;
    const setup = {
      firstMs: config['socket.connection.setup.timeout.ms'],
      mostMs: config['socket.connection.setup.timeout.max.ms'],
    };
    const timeoutMs = backoffMs(setup, this.#failureCount + 1, random.float());
    const abort = new AbortController();
    const timer = clock.setTimer(timeoutMs, () =>
      abort.abort(new Error(`no connection within ${Math.ceil(timeoutMs)} ms`)),
    );
    try {
      const signal = AbortSignal.any([abort.signal, this.#closing.signal]);
      return await transport.connect(this.host, this.port, signal);
    } finally {
      timer.cancel();
    }
  }

  /** Ends early when the node is closed. */
  #pause(delayMs: number): Promise<void> {
    return this.#environment.clock.sleep(delayMs, this.#closing.signal).catch(() => {
      // Closed: whoever paused finds that out next.
    });
  }

  /** Asks in our newest version; a broker that does not know it names its own, and is asked again in that one. */
  async #negotiate(channel: RequestChannel): Promise<ServedVersions> {
    const api = Apis.ApiVersions;
    const first = await this.#askVersions(channel, api.maxVersion);
    if (first.errorCode === Errors.NONE.code) return servedVersions(first);
    if (first.errorCode !== Errors.UNSUPPORTED_VERSION.code) throw toKafkaError(first.errorCode, this.address);
    const version = commonVersion(servedVersions(first), api) ?? 0;
    const second = await this.#askVersions(channel, version);
    if (second.errorCode !== Errors.NONE.code) throw toKafkaError(second.errorCode, this.address);
    return servedVersions(second);
  }

  #askVersions(channel: RequestChannel, version: number): Promise<ApiVersionsResponse> {
    const body = { clientSoftwareName: SOFTWARE_NAME, clientSoftwareVersion: SOFTWARE_VERSION };
    return channel.send(Apis.ApiVersions, version, body, { timeoutMs: this.#environment.config['request.timeout.ms'] });
  }

  #versionFor(api: Api, versionMax: number | undefined): number {
    const served: ServedVersions = this.#served ?? new Map();
    const version = commonVersion(served, api, versionMax);
    if (version === undefined) throw unsupportedVersion(served, api, this.address);
    return version;
  }

  #throttled(throttledMs: number, timeoutMs: number): KafkaError {
    return timedOut(
      `${this.address} takes nothing from this client for ${Math.ceil(throttledMs)} ms (its quota is used up), longer than the ${timeoutMs} ms of the request`,
    );
  }

  /** A broker that answers with a throttle time reads nothing more for that long; neither do we send. @see KIP-219 */
  #noteThrottle(response: unknown): void {
    const throttleTimeMs = (response as { throttleTimeMs?: number }).throttleTimeMs ?? 0;
    if (throttleTimeMs > 0) this.#throttledUntilMs = this.#environment.clock.now().monotonicMs + throttleTimeMs;
  }
}

function bodyFor<Request extends MessageSchema>(body: RequestBody<Request>, version: number): Draft<Request> {
  return typeof body === 'function' ? body(version) : body;
}

function timedOut(text: string): KafkaError {
  return new KafkaError('REQUEST_TIMED_OUT', text, { retriable: true, errorCode: Errors.REQUEST_TIMED_OUT.code });
}

function closedError(): KafkaError {
  return new KafkaError('CLOSED', 'the client was closed');
}
