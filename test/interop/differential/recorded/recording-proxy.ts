/**
 * Stands between clients and a broker that advertises the address of this proxy, and writes down who asked what. One request at a time
 * goes to the broker, whatever connection it came by, and the next one when it was answered: so the order in which they were recorded is
 * the order in which they were answered, and asking them again in that order leaves nothing to chance. Clients bear it, unless two
 * members of a group wait for each other.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { ByteReader } from '#core';
import { Apis, apiByKey, decodeRequestHeader, FrameReader } from '#protocol';
import { errorCodesIn } from '../differences.ts';
import { decodeReply } from '../questioned-broker.ts';
import { bodyOf, handedOutIn } from './handed-out.ts';
import type { RecordedRequest } from './recording.ts';

const FRAME_BYTES_MAX = 10_000_000;

interface Waiting {
  readonly link: Link;
  readonly frame: Buffer;
}

export class RecordingProxy {
  /** Of the broker. */
  targetPort = 0;
  readonly recorded: RecordedRequest[] = [];
  readonly #server: Server;
  readonly #waiting: Waiting[] = [];
  #isBusy = false;
  #linkCount = 0;

  static async listen(): Promise<RecordingProxy> {
    const proxy = new RecordingProxy();
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  private constructor() {
    this.#server = createServer((client) => {
      const link = new Link(++this.#linkCount, client, this.targetPort);
      link.onRequest = (frame) => {
        this.#waiting.push({ link, frame });
        void this.#pump();
      };
    });
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  close(): void {
    this.#server.close();
  }

  async #pump(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) await this.#pass(next);
    this.#isBusy = false;
  }

  async #pass({ link, frame }: Waiting): Promise<void> {
    const { apiKey, apiVersion, correlationId } = decodeRequestHeader(new ByteReader(frame));
    const api = apiByKey(apiKey);
    if (api === undefined) throw new Error(`API ${apiKey} is not known`);
    const isAnswered = api !== Apis.Produce || bodyOf(api, apiVersion, frame).acks !== 0;
    const answer = await link.pass(frame, isAnswered);
    if (answer === undefined && isAnswered) return;
    const outcome = answer && decodeReply(api, apiVersion, correlationId, answer);
    const reply = outcome?.kind === 'reply' ? outcome.reply : {};
    const [codes, handedOut] = [[...errorCodesIn(reply as never)], handedOutIn(reply)];
    this.recorded.push({ connection: link.number, api, version: apiVersion, codes, handedOut, frame });
  }
}

/** A client's connection and its own to the broker. */
class Link {
  readonly number: number;
  onRequest: (frame: Buffer) => void = () => {};
  readonly #client: Socket;
  readonly #broker: Socket;
  readonly #answers = new FrameReader(FRAME_BYTES_MAX);
  #settle: (answer: Buffer | undefined) => void = () => {};

  constructor(number: number, client: Socket, port: number) {
    this.number = number;
    this.#client = client;
    this.#broker = connect(port, '127.0.0.1');
    const requests = new FrameReader(FRAME_BYTES_MAX);
    client.on('data', (chunk: Buffer) => {
      requests.push(chunk);
      for (let frame = requests.next(); frame !== undefined; frame = requests.next())
        this.onRequest(Buffer.from(frame));
    });
    this.#broker.on('data', (chunk: Buffer) => {
      this.#answers.push(chunk);
      const answer = this.#answers.next();
      if (answer !== undefined) this.#settle(answer);
    });
    for (const socket of [client, this.#broker]) socket.setNoDelay(true).on('error', () => {});
    client.on('close', () => this.#broker.end());
    this.#broker.on('close', () => {
      client.destroy();
      this.#settle(undefined);
    });
  }

  /** @returns the answer, which the client has then, or undefined when there is none */
  async pass(frame: Buffer, isAnswered: boolean): Promise<Buffer | undefined> {
    if (this.#broker.closed) return undefined;
    const answer = new Promise<Buffer | undefined>((resolve) => (this.#settle = resolve));
    this.#broker.write(sized(frame));
    if (!isAnswered) return undefined;
    const bytes = await answer;
    if (bytes !== undefined) this.#client.write(sized(bytes));
    return bytes;
  }
}

function sized(frame: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(frame.length);
  return Buffer.concat([size, frame]);
}
