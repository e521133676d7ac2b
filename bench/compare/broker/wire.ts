/** Connections of the bench's own, with as little client as possible: one request under way at a time. */
import { connect, type Socket } from 'node:net';
import { type Api, Apis, encodeRequest, FrameReader } from '#protocol';
import type { Contestant } from './contestants.ts';

const FRAME_BYTES_MAX = 64 * 1024 * 1024;

export class WireConnection {
  readonly #socket: Socket;
  readonly #frames = new FrameReader(FRAME_BYTES_MAX);
  #answered: (() => void) | undefined;

  static open(broker: Contestant): Promise<WireConnection> {
    const [host, port] = broker.bootstrapServers.split(':');
    const socket = connect({ host, port: Number(port), noDelay: true });
    return new Promise((resolve, reject) => {
      socket.once('connect', () => resolve(new WireConnection(socket))).once('error', reject);
    });
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      this.#frames.push(chunk);
      while (this.#frames.next() !== undefined) this.#answered?.();
    });
  }

  /** Fulfilled when something was answered. */
  async apiVersions(): Promise<void> {
    await this.#ask(Apis.ApiVersions, 3, { clientSoftwareName: 'bench', clientSoftwareVersion: '1' });
  }

  /** Of no topics. */
  async metadata(): Promise<void> {
    await this.#ask(Apis.Metadata, 9, { topics: [] });
  }

  close(): void {
    this.#socket.destroy();
  }

  #ask<Q extends Api['request']>(api: Api<Q>, version: number, body: object): Promise<void> {
    return new Promise((resolve) => {
      this.#answered = resolve;
      this.#socket.cork();
      for (const chunk of encodeRequest(api as Api, version, 1, 'bench', body)) this.#socket.write(chunk);
      this.#socket.uncork();
    });
  }
}
