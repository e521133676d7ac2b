/**
 * A network inside one process, for tests and for an application that shares its event loop with the included broker. It behaves
 * as TCP does: bytes are copied once on their way (so neither side sees the other's buffers), chunk borders are not kept, delivery
 * happens in a macrotask of its own (a chain of promises cannot starve timers), everything written in one turn arrives as one
 * chunk, and a reader that pauses makes `write` answer false at the same mark.
 */
import type { Clock } from '#core';
import {
  type Acceptor,
  addressText,
  type Connection,
  type ConnectionHandlers,
  type Listening,
  networkError,
  type Transport,
  WRITE_HIGH_WATER_BYTES,
} from './transport.ts';

/** Bytes handed over in one turn at most (or one written buffer, when that is larger); the rest follows in the next. */
const DELIVERY_BYTES_MAX = 1024 * 1024;
/** Ports given out for port 0 begin here: far from real ones that logs may show beside them. */
const FIRST_FREE_PORT = 100_001;

/** Both ends of an in-process network. Several acceptors may listen; a host name is only part of the address text. */
export class PipeNetwork implements Transport, Acceptor {
  readonly #clock: Clock;
  readonly #acceptors = new Map<number, (connection: Connection) => void>();
  #nextPort = FIRST_FREE_PORT;
  #nextClientPort = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  listen(host: string, port: number, accept: (connection: Connection) => void): Promise<Listening> {
    const chosen = port === 0 ? this.#nextPort++ : port;
    if (this.#acceptors.has(chosen)) {
      return Promise.reject(
        networkError(
          `cannot listen on ${addressText(host, chosen)}: address already in use`,
          systemError('EADDRINUSE'),
        ),
      );
    }
    this.#acceptors.set(chosen, accept);
    const close = () => {
      if (this.#acceptors.get(chosen) === accept) this.#acceptors.delete(chosen);
      return Promise.resolve();
    };
    return Promise.resolve({ host, port: chosen, close });
  }

  connect(host: string, port: number, signal?: AbortSignal): Promise<Connection> {
    const address = addressText(host, port);
    return new Promise((resolve, reject) => {
      this.#clock.nextTurn(() => {
        const accept = this.#acceptors.get(port);
        if (signal?.aborted) reject(networkError(`cannot connect to ${address}: aborted`, signal.reason));
        else if (accept === undefined) {
          reject(networkError(`cannot connect to ${address}: connection refused`, systemError('ECONNREFUSED')));
        } else {
          const client = new PipeEnd(this.#clock, address);
          const server = new PipeEnd(this.#clock, `pipe:${this.#nextClientPort++}`);
          client.peer = server;
          server.peer = client;
          accept(server);
          resolve(client);
        }
      });
    });
  }
}

/** One end. What it was sent and has not been delivered yet waits in `#incoming`; the writer counts it against its own mark. */
class PipeEnd implements Connection {
  readonly remoteAddress: string;
  peer!: PipeEnd;
  readonly #clock: Clock;
  #handlers: ConnectionHandlers | undefined;
  #incoming: Buffer[] = [];
  #incomingBytes = 0;
  #isTurnAsked = false;
  #isPaused = false;
  /** The peer wrote above the mark and waits for drain. */
  #owesDrain = false;
  #isClosing = false;
  /** Set when the connection is over for this end, with its reason; reported once everything before it was delivered. */
  #ending: { error: Error | undefined } | undefined;
  #isClosed = false;

  constructor(clock: Clock, remoteAddress: string) {
    this.#clock = clock;
    this.remoteAddress = remoteAddress;
  }

  get queuedBytes(): number {
    return this.peer.#incomingBytes;
  }

  start(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
    this.#askTurn();
  }

  write(chunks: readonly Buffer[]): boolean {
    if (this.#isClosing || this.#ending !== undefined) return true;
    return this.peer.#receive(chunks);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#askTurn();
  }

  close(error?: Error): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#dropIncoming();
    this.#end(error);
    if (error !== undefined) this.peer.#dropIncoming();
    this.peer.#end(
      error === undefined ? undefined : networkError('connection reset by peer', systemError('ECONNRESET')),
    );
  }

  #receive(chunks: readonly Buffer[]): boolean {
    if (this.#isClosing) return true;
    for (const chunk of chunks) {
      this.#incoming.push(chunk);
      this.#incomingBytes += chunk.length;
    }
    this.#askTurn();
    if (this.#incomingBytes <= WRITE_HIGH_WATER_BYTES) return true;
    this.#owesDrain = true;
    return false;
  }

  #end(error: Error | undefined): void {
    this.#ending ??= { error };
    this.#askTurn();
  }

  #dropIncoming(): void {
    this.#incoming = [];
    this.#incomingBytes = 0;
  }

  #askTurn(): void {
    if (this.#isTurnAsked || this.#handlers === undefined || this.#isClosed) return;
    if (this.#incoming.length === 0 && this.#ending === undefined) return;
    this.#isTurnAsked = true;
    this.#clock.nextTurn(() => this.#turn());
  }

  #turn(): void {
    this.#isTurnAsked = false;
    const handlers = this.#handlers;
    if (handlers === undefined || this.#isClosed) return;
    if (this.#incoming.length > 0) {
      if (this.#isPaused) return;
      const chunk = this.#takeIncoming();
      handlers.data(chunk);
      if (this.#incoming.length === 0) this.#payDrain();
    } else if (this.#ending !== undefined) {
      this.#isClosed = true;
      handlers.close(this.#ending.error);
      return;
    }
    this.#askTurn();
  }

  /** Takes what one turn may carry, as one buffer of its own. */
  #takeIncoming(): Buffer {
    let bytes = 0;
    let count = 0;
    while (
      count < this.#incoming.length &&
      (count === 0 || bytes + this.#incoming[count].length <= DELIVERY_BYTES_MAX)
    ) {
      bytes += this.#incoming[count++].length;
    }
    const chunk = Buffer.concat(this.#incoming.splice(0, count), bytes);
    this.#incomingBytes -= bytes;
    return chunk;
  }

  #payDrain(): void {
    if (!this.#owesDrain) return;
    this.#owesDrain = false;
    const writer = this.peer;
    if (!writer.#isClosing && writer.#ending === undefined) writer.#handlers?.drain();
  }
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}
