/**
 * What everything above knows about the network: a `Connection` carries bytes both ways with back-pressure, a `Transport` opens
 * connections, an `Acceptor` takes them. TCP (`tcp.ts`) and the in-process pipe (`pipe.ts`) keep the very same rules, so the code
 * above them cannot tell which one it runs on:
 *
 * - nothing is delivered before `start`, nor after `close` was called on this side;
 * - `data` chunks belong to the receiver; written buffers must stay untouched until they have left (the peer never sees them
 *   change, but they are not copied before);
 * - `close` is called exactly once, whichever side ended it, and never from within the call that caused it;
 * - a side that ends without an error delivers what it had written before.
 */
import { KafkaError } from '#core';

/** Bytes that may wait in one connection before `write` answers false. `drain` follows when all of them have left. */
export const WRITE_HIGH_WATER_BYTES = 1024 * 1024;

/** How long a connection that was closed without an error may take to hand over what it still holds, milliseconds. */
export const CLOSE_LINGER_MS = 5_000;

/** What a connection calls. All of them are called from a macrotask of their own, never from within a call of the receiver. */
export interface ConnectionHandlers {
  /** The receiver owns `chunk`, and holds it (`takeBuffer` of core): it may keep slices of it for as long as it does not release it. */
  data(chunk: Buffer): void;
  /** Everything written has left, after a `write` that answered false. */
  drain(): void;
  /** Called exactly once. `error` is absent when either side ended in order. */
  close(error?: Error): void;
}

export interface Connection {
  /** `host:port` of the other side, for logs and error texts. */
  readonly remoteAddress: string;
  /** Bytes that were written and have not left. */
  readonly queuedBytes: number;
  /** Begins delivery. Must be called once. */
  start(handlers: ConnectionHandlers): void;
  /**
   * Queues `chunks` in order and sends them together (one `writev` on TCP).
   *
   * @returns false above `WRITE_HIGH_WATER_BYTES`: the bytes are queued all the same, but wait for `drain` before writing more.
   */
  write(chunks: readonly Buffer[]): boolean;
  /** Stops delivery of data (bytes wait at the sender) until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends the connection. With an error what is still queued is dropped, without one it is handed over first. Idempotent. */
  close(error?: Error): void;
}

export interface Transport {
  /**
   * Opens a connection.
   *
   * @throws KafkaError NETWORK_EXCEPTION (retriable), with the system's error as cause; when `signal` fires, its reason is the cause.
   */
  connect(host: string, port: number, signal?: AbortSignal): Promise<Connection>;
}

/** An open door. Connections that came in through it belong to whoever accepted them and outlive it. */
export interface Listening {
  readonly host: string;
  /** The real port, also when 0 was asked for. */
  readonly port: number;
  /** Stops accepting; the port is free when the promise is fulfilled. Idempotent. */
  close(): Promise<void>;
}

export interface Acceptor {
  /**
   * Opens a listening socket; port 0 takes a free one.
   *
   * @throws KafkaError NETWORK_EXCEPTION with the system's error (EADDRINUSE, EACCES, …) as cause.
   */
  listen(host: string, port: number, accept: (connection: Connection) => void): Promise<Listening>;
}

/** The text `host:port`, with brackets around an IPv6 address. */
export function addressText(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The error of a connection that could not be opened or broke. */
export function networkError(message: string, cause?: unknown): KafkaError {
  return new KafkaError('NETWORK_EXCEPTION', message, { retriable: true, errorCode: 13, cause });
}
