/**
 * TCP on `node:net`. Nagle is off (requests are small and latency counts); small writes of one turn leave together, in one `write`, and
 * the chunks of a large one in one `writev`; the kernel's keep-alive finds peers that vanished without a word.
 *
 * What arrives is read into one buffer that all sockets of the thread share, and handed on as a copy of just its size. Left to itself
 * node:net makes an ArrayBuffer of 64 KiB for every read, outside of what the garbage collector's cheap rounds see, so that the expensive
 * ones came every 15 MB: they took half of the CPU time of a broker that was produced to (0.40 to 0.24 s per 108 MB with this buffer;
 * the copy costs 0.01). A larger buffer also takes more requests at a time, which are then written and answered together.
 */
import {
  connect as connectSocket,
  createServer,
  type OnReadOpts,
  type Server,
  Socket,
  type SocketConstructorOpts,
} from 'node:net';
import { type Clock, systemClock, takeBuffer } from '#core';
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

/** Read at a time, at most. */
const READ_BYTES = 256 * 1024;
/** Writes wait for others of their turn until so many bytes are together. */
const GATHERED_BYTES_MAX = 64 * 1024;
/** Up to this, chunks that leave together are copied into one: as cheap as it is to tell the kernel of each. */
const JOINED_BYTES_MAX = 4 * 1024;
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
    const reader = new SharedReader();
    const socket = connectSocket({ host, port, noDelay: true, onread: reader.onread, ...socketOptions(options) });
    const settle = () => {
      socket.removeListener('connect', connected).removeListener('error', failed);
      signal?.removeEventListener('abort', aborted);
    };
    const connected = () => {
      settle();
      resolve(new TcpConnection(socket, reader, address, options.clock));
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
    const server = createServer({ noDelay: true, pauseOnConnect: true, ...socketOptions(options) }, (accepted) => {
      const reader = new SharedReader();
      const socket = withReader(accepted, reader, options);
      const address = addressText(socket.remoteAddress ?? '?', socket.remotePort ?? 0);
      accept(new TcpConnection(socket, reader, address, options.clock));
    });
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

/**
 * node:net offers `onread` to sockets that connect, not to those that a server accepts, so these are made anew around their handle. Where
 * there is none (the client has gone already) the socket stays as it is.
 */
function withReader(accepted: Socket, { onread }: SharedReader, options: TcpOptions): Socket {
  const owner = accepted as unknown as { _handle: SocketConstructorOpts['handle'] | null };
  const handle = owner._handle;
  if (!handle) return accepted;
  owner._handle = null;
  return new Socket({ handle, onread, ...socketOptions(options) }).pause();
}

let readBuffer: Buffer | undefined;

/** Where a socket reads to: the buffer that all share. */
class SharedReader {
  readonly onread: OnReadOpts;
  /** Set before anything is read. */
  data: (chunk: Buffer) => void = () => {};

  constructor() {
    readBuffer ??= Buffer.allocUnsafeSlow(READ_BYTES);
    this.onread = {
      buffer: readBuffer,
      callback: (bytesRead, buffer) => {
        const chunk = takeBuffer(bytesRead);
        chunk.set(buffer.subarray(0, bytesRead));
        this.data(chunk);
        return true;
      },
    };
  }
}

class TcpConnection implements Connection {
  readonly remoteAddress: string;
  readonly #socket: Socket;
  readonly #reader: SharedReader;
  readonly #clock: Clock;
  #handlers: ConnectionHandlers | undefined;
  /** Why it ended. */
  #error: Error | undefined;
  #isClosing = false;
  #isClosed = false;
  /** What waits for the end of the turn. */
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;

  constructor(socket: Socket, reader: SharedReader, remoteAddress: string, clock: Clock = systemClock) {
    this.#socket = socket;
    this.#reader = reader;
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
    return this.#gatheredBytes + this.#socket.writableLength;
  }

  start(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
    if (this.#isClosed) {
      void Promise.resolve().then(() => handlers.close(this.#error));
      return;
    }
    this.#reader.data = (chunk) => {
      if (!this.#isClosing) handlers.data(chunk);
    };
    this.#socket.on('drain', () => {
      if (!this.#isClosing) handlers.drain();
    });
    this.#socket.resume();
  }

  write(chunks: readonly Buffer[]): boolean {
    if (this.#isClosing || !this.#socket.writable) return true;
    if (this.#gathered.length === 0) void Promise.resolve().then(this.#send);
    for (const chunk of chunks) {
      this.#gathered.push(chunk);
      this.#gatheredBytes += chunk.length;
    }
    if (this.#gatheredBytes >= GATHERED_BYTES_MAX) this.#send();
    // Node calls 'drain' only where it says so itself: not for what the kernel has taken at once.
    return !this.#socket.writableNeedDrain;
  }

  readonly #send = (): void => {
    const socket = this.#socket;
    const chunks = this.#gathered;
    const bytes = this.#gatheredBytes;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    if (chunks.length === 0 || !socket.writable) return;
    if (chunks.length === 1) socket.write(chunks[0]);
    else if (bytes <= JOINED_BYTES_MAX) socket.write(Buffer.concat(chunks, bytes));
    else {
      socket.cork();
      for (const chunk of chunks) socket.write(chunk);
      socket.uncork();
    }
  };

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
    this.#send();
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
