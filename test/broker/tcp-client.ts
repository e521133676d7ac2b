/** Bytes over a real socket, and what comes back. */
import { connect, type Socket } from 'node:net';

export class TcpClient {
  readonly socket: Socket;
  received = Buffer.alloc(0);
  readonly closed: Promise<void>;
  #onData = () => {};

  constructor(port: number) {
    this.socket = connect({ host: '127.0.0.1', port });
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => this.socket.on('close', () => resolve()));
    this.socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.#onData();
    });
  }

  get answerCount(): number {
    let count = 0;
    for (let at = 0; at + 4 <= this.received.length; at += 4 + this.received.readInt32BE(at)) count++;
    return count;
  }

  /** Rejects when the connection is closed before. */
  answers(count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = () => this.answerCount >= count && resolve();
      this.#onData = check;
      check();
      void this.closed.then(() => reject(new Error('the connection was closed')));
    });
  }
}
