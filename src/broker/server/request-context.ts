/**
 * One request while it is being answered: who asked, in which version, and where the answer goes. Made by the connection, used by the
 * handlers. A handler answers exactly once, by returning the body (or a promise of it) or, when it returned `LATER`, by `reply` or
 * `replyNothing`. Answers that come after the connection has ended are dropped.
 */
import type { Api } from '#protocol';
import { type AclOperation, type AclResource, ANONYMOUS, type Authorizer } from '../authorizer.ts';
import type { ServedApi } from './served-api.ts';

/** The name of who asks, without its type: quotas are set for names. */
const ANONYMOUS_NAME = ANONYMOUS.slice(ANONYMOUS.indexOf(':') + 1);

/** What a handler returns that will answer by itself. */
export const LATER: unique symbol = Symbol('later');

export interface ClientSoftware {
  readonly name: string;
  readonly version: string;
}

/** The connection as a request sees it. */
export interface Answering {
  /** The client's address without its port. */
  readonly clientHost: string;
  /** The listener that the client came in by: its endpoint is what Metadata tells. */
  readonly listenerName: string;
  /** The client's address with its port. */
  readonly remoteAddress: string;
  /** What the client called itself when it asked for versions. */
  clientSoftware: ClientSoftware | undefined;
  finish(context: RequestContext, body: object | undefined): void;
  /** What an answer may bring of records now, bytes. */
  readonly replyBytesMax: number;
  holds(bytes: number): void;
  abort(context: RequestContext, reason: string): void;
  mute(delayMs: number): void;
  /** A request that held back those behind it lets them pass now. */
  passable(): void;
}

export class RequestContext {
  readonly version: number;
  readonly correlationId: number;
  readonly clientId: string | null;
  /** Size of the request, header included. */
  readonly requestBytes: number;
  /** Set by a handler that parks: the connection ended, nobody will read the answer. */
  onAbandoned: (() => void) | undefined = undefined;
  /** No request of this connection begins behind this one. */
  isHoldingBack = false;
  /** Monotonic times of its arrival, of its begin, of the end of what its handler did before it waited, and of its answer; -1 = not yet. */
  arrivedMs = -1;
  begunMs = -1;
  handledMs = -1;
  answeredMs = -1;
  /** How long the client is to be silent after the answer. */
  throttleMs = 0;
  /** The request itself, when its memory may be given back with the answer: nothing that outlives the request keeps slices unheld. */
  frame: Buffer | undefined = undefined;
  /** The encoded reply while older ones have not left; [] = nothing to send. Only the connection touches it. */
  chunks: Buffer[] | undefined = undefined;
  readonly #served: ServedApi;
  readonly #connection: Answering;
  readonly #authorizer: Authorizer;

  constructor(
    served: ServedApi,
    version: number,
    correlationId: number,
    clientId: string | null,
    requestBytes: number,
    connection: Answering,
    authorizer: Authorizer,
  ) {
    this.version = version;
    this.correlationId = correlationId;
    this.clientId = clientId;
    this.requestBytes = requestBytes;
    this.#served = served;
    this.#connection = connection;
    this.#authorizer = authorizer;
  }

  get api(): Api {
    return this.#served.api;
  }

  get listenerName(): string {
    return this.#connection.listenerName;
  }

  /** The client's address without its port. */
  get clientHost(): string {
    return this.#connection.clientHost;
  }

  get clientPort(): string {
    const { remoteAddress } = this.#connection;
    return remoteAddress.slice(remoteAddress.lastIndexOf(':') + 1);
  }

  /** Undefined where the client did not ask for versions, or in a version in which it does not say. @see KIP-511 */
  get clientSoftware(): ClientSoftware | undefined {
    return this.#connection.clientSoftware;
  }

  set clientSoftware(software: ClientSoftware) {
    this.#connection.clientSoftware = software;
  }

  /** The same for all requests of one connection. */
  get connection(): object {
    return this.#connection;
  }

  /** The name of the principal. */
  get user(): string {
    return ANONYMOUS_NAME;
  }

  /** May this client do what the API is for to the resource `name`? */
  allows(name: string): boolean {
    const { operation, resource } = this.#served;
    return this.mayDo(operation, resource, name);
  }

  mayDo(operation: AclOperation, resource: AclResource, name: string): boolean {
    return this.#authorizer.allows(ANONYMOUS, this.clientHost, operation, resource, name);
  }

  /** May this client do something else than the API is for? */
  may(operation: AclOperation, resource: AclResource, name: string): boolean {
    return this.#authorizer.allows(ANONYMOUS, this.clientHost, operation, resource, name);
  }

  /** Begins no further request of this connection until `letPass`: what this one will do comes before anything behind it. */
  holdBack(): void {
    this.isHoldingBack = true;
  }

  letPass(): void {
    this.isHoldingBack = false;
    this.#connection.passable();
  }

  /** How many bytes of records an answer may bring now, so that clients that do not read their answers cannot use up our memory. */
  get replyBytesMax(): number {
    return this.#connection.replyBytesMax;
  }

  /** So many bytes have been read for the answer, which is not given yet: they count like an answer that waits to be sent. */
  holds(bytes: number): void {
    this.#connection.holds(bytes);
  }

  /** Sends the answer: a draft of the response of this API. */
  reply(body: object): void {
    this.#connection.finish(this, body);
  }

  /** The request wants no answer (acks=0). */
  replyNothing(): void {
    this.#connection.finish(this, undefined);
  }

  /** Tells the client with the answer to be silent for so long, and mutes the connection then. The longest of several counts. */
  throttle(delayMs: number): void {
    if (delayMs > this.throttleMs) this.throttleMs = delayMs;
  }

  /**
   * Begins no further request of this connection, and reads none, for `delayMs` from now; what was begun goes on, and its answers
   * leave at once. The longest of several mutes counts. Whoever throttles also tells the client in `throttleTimeMs`. @see KIP-219
   */
  mute(delayMs: number): void {
    this.#connection.mute(delayMs);
  }

  /** Closes the connection, when what was asked before has been answered: the only way to tell a client that wants no answer that something failed. */
  abort(reason: string): void {
    this.#connection.abort(this, reason);
  }
}
