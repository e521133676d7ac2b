/** A broker that is asked: raw connections, and the words that have another value on each broker. */
import { connect as connectSocket, type Socket } from 'node:net';
import { ByteReader } from '#core';
import { type Api, Apis, decode, decodeResponseHeader } from '#protocol';
import { encodeLoosely, type Value } from './loose-encoder.ts';
import type { Outcome, Question, Reply } from './question.ts';

/** Without an answer for so long there will be none; the short time is for questions that are known for it. */
const SILENCE_MS = 60_000;
const SHORT_SILENCE_MS = 4000;
const SETTLE_ATTEMPTS_MAX = 2400;
const SETTLE_PAUSE_MS = 25;
const MAIN = 'main';
/** Characters of a reply that an error shows. */
const SHOWN_MAX = 300;
/** After size, key and version. */
const CORRELATION_ID_POSITION = 8;
/** Follows a produce request, which may want no reply: when this one is answered, the other one was not. */
const PROBE_CORRELATION_ID = 1_000_000_000;

export class QuestionedBroker {
  readonly port: number;
  /** `@word` → its value here. */
  readonly words = new Map<string, Value>();
  readonly #connections = new Map<string, RawConnection>();
  #lastCorrelationId = 0;

  constructor(bootstrapServers: string) {
    this.port = Number(bootstrapServers.split(':')[1]);
    this.words.set('@unknown-id', 'c3ByaW5ndGlkZS11bmtub3');
  }

  async ask(question: Question): Promise<Outcome> {
    for (let attempt = 0; ; attempt++) {
      const outcome = await this.#askOnce(question);
      if (outcome.kind !== 'reply') return outcome;
      this.#learnIds(outcome.reply);
      question.learn?.(outcome.reply as never, this.words);
      if (question.isSettled?.(outcome.reply as never) ?? true) return outcome;
      if (attempt === SETTLE_ATTEMPTS_MAX)
        throw new Error(`never settled: ${question.api.name} ${question.change}: ${shortened(outcome.reply)}`);
      await new Promise((resolve) => setTimeout(resolve, SETTLE_PAUSE_MS));
    }
  }

  /** Ends all connections; the next question makes new ones. */
  hangUp(): void {
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  async #askOnce(question: Question): Promise<Outcome> {
    const { api, version, connection: name = MAIN } = question;
    const connection = await this.#connection(name);
    const request = this.#requestOf(question);
    const correlationId = request.readInt32BE(CORRELATION_ID_POSITION);
    const isProbed = api === Apis.Produce;
    const probe = encodeLoosely(Apis.ApiVersions, 0, PROBE_CORRELATION_ID, {}, () => null);
    connection.write(isProbed ? Buffer.concat([request, probe]) : request);
    const frame = await connection.frame(question.mayBeSilent === true ? SHORT_SILENCE_MS : SILENCE_MS);
    if (!Buffer.isBuffer(frame)) {
      connection.close();
      this.#connections.delete(name);
      return { kind: frame };
    }
    if (isProbed && frame.readInt32BE(0) === PROBE_CORRELATION_ID) return { kind: 'no reply' };
    if (isProbed) await connection.frame(SILENCE_MS);
    return decodeReply(api, version, correlationId, frame);
  }

  /** Its frame, size included. */
  #requestOf({ api, version, body, frame }: Question): Buffer {
    const lookUp = (word: string) => this.#lookUp(word);
    if (frame === undefined) return encodeLoosely(api, version, ++this.#lastCorrelationId, body, lookUp);
    const bytes = frame(lookUp);
    const size = Buffer.alloc(4);
    size.writeInt32BE(bytes.length);
    return Buffer.concat([size, bytes]);
  }

  #lookUp(word: string): Value {
    const value = word === '@id:@fresh' ? this.words.get(`@id:${this.words.get('@fresh')}`) : this.words.get(word);
    if (value === undefined) throw new Error(`${word} is not known yet`);
    return value;
  }

  async #connection(name: string): Promise<RawConnection> {
    const known = this.#connections.get(name);
    if (known !== undefined && !known.isClosed) return known;
    const made = await RawConnection.open(this.port);
    this.#connections.set(name, made);
    return made;
  }

  #learnIds(reply: Reply): void {
    if (typeof reply.clusterId === 'string') this.words.set('@cluster', reply.clusterId);
    this.#learnTopicIds(reply);
  }

  #learnTopicIds(value: unknown): void {
    if (Array.isArray(value)) for (const element of value) this.#learnTopicIds(element);
    if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) return;
    const { name, topicId, errorCode } = value as { name?: unknown; topicId?: unknown; errorCode?: unknown };
    const isTold = typeof name === 'string' && typeof topicId === 'string' && errorCode === 0;
    if (isTold && name !== '' && !/^A+$/.test(topicId)) this.words.set(`@id:${name}`, topicId);
    for (const inner of Object.values(value)) if (Array.isArray(inner)) this.#learnTopicIds(inner);
  }
}

function shortened(reply: Reply): string {
  return JSON.stringify(reply).slice(0, SHOWN_MAX);
}

export function decodeReply(api: Api, version: number, correlationId: number, frame: Buffer): Outcome {
  const reader = new ByteReader(frame);
  try {
    const head = decodeResponseHeader(api, version, reader);
    if (head.correlationId !== correlationId) return { kind: 'undecodable', text: 'the reply to another request' };
    // The answer to a version that is not known comes in the layout of version 0.
    const layout = api === Apis.ApiVersions && frame.readInt16BE(4) === 35 ? 0 : version;
    const reply = decode(api.response, layout, reader) as Reply;
    const left = reader.end - reader.position;
    return left === 0 ? { kind: 'reply', reply } : { kind: 'undecodable', text: `${left} bytes are left over` };
  } catch (error) {
    return { kind: 'undecodable', text: String(error) };
  }
}

class RawConnection {
  isClosed = false;
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #notify: () => void = () => {};

  static open(port: number): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = connectSocket(port, '127.0.0.1');
      socket.once('error', reject);
      socket.once('connect', () => resolve(new RawConnection(socket)));
    });
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#notify();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
      this.#notify();
    });
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** The next frame without its size. */
  async frame(timeoutMs: number): Promise<Buffer | 'closed' | 'silence'> {
    const deadlineMs = Date.now() + timeoutMs;
    for (;;) {
      const frame = this.#take();
      if (frame !== undefined) return frame;
      if (this.isClosed) return 'closed';
      const leftMs = deadlineMs - Date.now();
      if (leftMs <= 0) return 'silence';
      await this.#change(leftMs);
    }
  }

  close(): void {
    this.isClosed = true;
    this.#socket.destroy();
  }

  #take(): Buffer | undefined {
    if (this.#received.length < 4) return undefined;
    const end = 4 + this.#received.readInt32BE(0);
    if (this.#received.length < end) return undefined;
    const frame = this.#received.subarray(4, end);
    this.#received = this.#received.subarray(end);
    return frame;
  }

  #change(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#notify = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
