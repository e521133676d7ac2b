/**
 * TCP on `node:net`. Nagle is off (requests are small and latency counts); the chunks of one `write` are corked and leave in one
 * `writev`; the kernel's keep-alive finds peers that vanished without a word. Chunks that arrive are handed on as they are read.
 */
import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net';
import { type Clock, systemClock } from '#core';
import {
  type Acceptor,
  addressText,
  CLOSE_LINGER_MS,
  type Connection,
  type ConnectionHandlers,
  type Listening,
  networkError,
  type Transport,
  WRITE_HIGH_WATER_BYTES,
} from './transport.ts';

/** First keep-alive probe after this much silence, milliseconds. */
const KEEP_ALIVE_DELAY_MS = 60_000;

export interface TcpOptions {
  /** Bytes queued in a connection before `write` answers false. Default `WRITE_HIGH_WATER_BYTES`. */
  highWaterBytes?: number;
  /** Connections that the kernel may keep waiting for us. Default: the runtime's. */
  backlogCount?: number;
  /** Measures how long a closing connection may linger. Default `systemClock`. */
  clock?: Clock;
}

/** The client's side of TCP. All addresses of a name are tried (`client.dns.lookup=use_all_dns_ips`). */
export function tcpTransport(options: TcpOptions = {}): Transport {
  return { connect: (host, port, signal) => openSocket(host, port, options, signal) };
}

/** The server's side of TCP. */
export function tcpAcceptor(options: TcpOptions = {}): Acceptor {
  return { listen: (host, port, accept) => openServer(host, port, options, accept) };
}

function openSocket(host: string, port: number, options: TcpOptions, signal?: AbortSignal): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const address = addressText(host, port);
    const socket = connectSocket({ host, port, noDelay: true, ...socketOptions(options) });
    const settle = () => {
      socket.removeListener('connect', connected).removeListener('error', failed);
      signal?.removeEventListener('abort', aborted);
    };
    const connected = () => {
      settle();
      resolve(new TcpConnection(socket, address, options.clock));
    };
    const failed = (cause: Error) => {
      settle();
      socket.on('error', ignoreLateError).destroy();
      reject(networkError(`cannot connect to ${address}: ${reasonOf(cause)}`, cause));
    };
    const aborted = () => failed(Error.isError(signal?.reason) ? signal.reason : new Error('aborted'));
    socket.once('connect', connected).once('error', failed);
    signal?.addEventListener('abort', aborted, { once: true });
    if (signal?.aborted) aborted();
  });
}

function openServer(
  host: string,
  port: number,
  options: TcpOptions,
  accept: (connection: Connection) => void,
): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true, pauseOnConnect: true, ...socketOptions(options) }, (socket) =>
      accept(
        new TcpConnection(socket, addressText(socket.remoteAddress ?? '?', socket.remotePort ?? 0), options.clock),
      ),
    );
    // It stays: later errors concern one connection that could not be accepted (no descriptors left), and must not end the process.
    server.on('error', (cause) =>
      reject(networkError(`cannot listen on ${addressText(host, port)}: ${reasonOf(cause)}`, cause)),
    );
    server.listen({ host, port, backlog: options.backlogCount }, () => resolve(listening(server, host)));
  });
}

function listening(server: Server, host: string): Listening {
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return {
    host,
    port,
    close: () => {
      // The listening socket is closed within this call; the callback would wait for all accepted connections as well.
      if (server.listening) server.close();
      return Promise.resolve();
    },
  };
}

function socketOptions(options: TcpOptions) {
  return {
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
    highWaterMark: options.highWaterBytes ?? WRITE_HIGH_WATER_BYTES,
  };
}

class TcpConnection implements Connection {
  readonly remoteAddress: string;
  readonly #socket: Socket;
  readonly #clock: Clock;
  #handlers: ConnectionHandlers | undefined;
  /** Why it ended. */
  #error: Error | undefined;
  #isClosing = false;
  #isClosed = false;

  constructor(socket: Socket, remoteAddress: string, clock: Clock = systemClock) {
    this.#socket = socket;
    this.#clock = clock;
    this.remoteAddress = remoteAddress;
    socket.on('error', (error) => {
      this.#error ??= networkError(`connection to ${remoteAddress} broke: ${reasonOf(error)}`, error);
    });
    socket.on('close', () => {
      this.#isClosed = true;
      this.#handlers?.close(this.#error);
    });
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  start(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
    if (this.#isClosed) {
      void Promise.resolve().then(() => handlers.close(this.#error));
      return;
    }
    this.#socket.on('data', (chunk: Buffer) => {
      if (!this.#isClosing) handlers.data(chunk);
    });
    this.#socket.on('drain', () => {
      if (!this.#isClosing) handlers.drain();
    });
    this.#socket.resume();
  }

  write(chunks: readonly Buffer[]): boolean {
    const socket = this.#socket;
    if (this.#isClosing || !socket.writable) return true;
    if (chunks.length === 1) return socket.write(chunks[0]);
    socket.cork();
    let isBelowMark = true;
    for (const chunk of chunks) isBelowMark = socket.write(chunk);
    socket.uncork();
    // What uncork could hand to the kernel at once is no longer queued; 'drain' still comes after a false.
    return isBelowMark;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(error?: Error): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#error ??= error;
    if (error !== undefined) {
      this.#socket.destroy();
      return;
    }
    const linger = this.#clock.setTimer(CLOSE_LINGER_MS, () => this.#socket.destroy(), { unref: true });
    this.#socket.once('close', () => linger.cancel());
    this.#socket.resume();
    this.#socket.destroySoon();
  }
}

/** A socket that lost the race for the first error may report another; the connection was never handed out. */
function ignoreLateError(): void {}

function reasonOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map((one: Error) => one.message).join('; ');
  return error.message;
}
