/**
 * Sends requests made from the schemas, most of them broken on purpose, to a broker in this process, and holds it to what it owes: each
 * one is answered, or costs its connection; nothing else suffers. The same seed sends the same bytes. What fails can be sent alone:
 * each case has a seed of its own.
 */
import { ByteReader, errorText, type Random, seededRandom } from '#core';
import { type Api, Apis, decode, decodeResponseHeader } from '#protocol';
import { RawClient, Scene } from '../broker/scene.ts';
import { generate, pick, type World } from './generate.ts';
import { BODY_BYTES_MAX, type Draft, frameOf, mutate, mutateFrame } from './mutate.ts';
import { bytesOf } from './tree.ts';

/** Cases that one broker has to bear. */
const CASES_PER_BROKER = 500;
/** A broker is asked for something sane after so many cases. */
const PROBE_CASES = 50;
/** The loop is never held longer, not even by the largest request that is made here. Processor time: other programs do not count. */
export const LOOP_MS_MAX = 2_000;
const MEASURED_AGAIN = 3;
/** What a broker leaves behind when it is closed, once the first one has warmed everything up. */
export const LEFT_BYTES_MAX = 64 * 1024 * 1024;

/** Requests that may wait as long as they like. */
const PARKING: readonly Api[] = [Apis.Fetch, Apis.JoinGroup, Apis.SyncGroup];

export interface FuzzFailure {
  readonly seed: number;
  readonly index: number;
  readonly what: string;
  /** Each frame that was sent, in hex, after the name of what it was made from. */
  readonly frames: readonly string[];
}

export interface FuzzReport {
  readonly caseCount: number;
  readonly answerCount: number;
  readonly closedCount: number;
  readonly longestMs: number;
  readonly failure: FuzzFailure | undefined;
}

export interface Sent {
  readonly api: Api;
  readonly version: number;
  readonly frame: Buffer;
  /** Nothing was done to it. */
  readonly isValid: boolean;
}

export class Fuzzer {
  readonly #seed: number;
  readonly #onCase: (index: number, sent: readonly Sent[]) => void;
  #scene: Scene | undefined;
  #world!: World;
  #answerCount = 0;
  #closedCount = 0;
  #longestMs = 0;
  #caseCount = 0;

  /** @param onCase is told of each case before it is sent: whatever kills the process was the last one */
  constructor(seed: number, onCase: (index: number, sent: readonly Sent[]) => void = () => {}) {
    this.#seed = seed;
    this.#onCase = onCase;
  }

  /** Runs the cases from `first` on until `goesOn` says no, or one fails. */
  async run(first: number, goesOn: (index: number) => boolean): Promise<FuzzReport> {
    let failure: FuzzFailure | undefined;
    for (let index = first; failure === undefined && goesOn(index); index++) {
      if (this.#caseCount++ % CASES_PER_BROKER === 0) await this.#newBroker();
      failure = await this.#case(index);
    }
    await this.#scene?.close();
    return {
      caseCount: this.#caseCount,
      answerCount: this.#answerCount,
      closedCount: this.#closedCount,
      longestMs: this.#longestMs,
      failure,
    };
  }

  async #newBroker(): Promise<void> {
    await this.#scene?.close();
    const scene = await Scene.start({ topics: { t: 2, u: 1 }, config: { 'num.partitions': 2 } });
    await scene.send(Apis.FindCoordinator, { key: 'g' }, 0);
    this.#scene = scene;
    this.#world = {
      topics: ['t', 'u'],
      topicIds: [await scene.topicId('t'), await scene.topicId('u')],
      groups: ['g', 'h'],
      memberIds: [],
      nowMs: scene.clock.now().wallMs,
    };
  }

  async #case(index: number): Promise<FuzzFailure | undefined> {
    const scene = this.#scene!;
    const random = seededRandom(this.#seed * 1_000_003 + index);
    const sent = Array.from({ length: pick(random, [1, 1, 2, 3]) }, (_, at) => this.#request(random, at));
    this.#onCase(index, sent);
    const client = new RawClient(await scene.raw());
    const passedMs = await this.#loopMs(client, sent);
    this.#longestMs = Math.max(this.#longestMs, passedMs);
    if (random.uint32() % 20 === 0) await scene.clock.advance(1000);
    const what = await this.#complaint(client, sent, passedMs, index);
    client.connection.close();
    if (client.isClosed) this.#closedCount++;
    if (what === undefined) return undefined;
    const frames = sent.map(({ api, version, frame }) => `${api.name} v${version} ${frame.toString('hex')}`);
    return { seed: this.#seed, index, what, frames };
  }

  /** The processor's time for these. Collecting the garbage of a whole process may fall into it, so what is too long is measured again. */
  async #loopMs(client: RawClient, sent: readonly Sent[]): Promise<number> {
    const passedMs = await this.#timed(client, sent);
    if (passedMs <= LOOP_MS_MAX) return passedMs;
    const again: number[] = [];
    for (let i = 0; i < MEASURED_AGAIN; i++) {
      const other = new RawClient(await this.#scene!.raw());
      again.push(await this.#timed(other, sent));
      other.connection.close();
    }
    return Math.min(passedMs, ...again);
  }

  async #timed(client: RawClient, sent: readonly Sent[]): Promise<number> {
    const startMs = processorMs();
    client.write(...sent.map(({ frame }) => frame));
    await this.#scene!.clock.settle();
    return processorMs() - startMs;
  }

  #request(random: Random, correlationId: number): Sent {
    const api = pick(random, Object.values<Api>(Apis));
    const version = api.minVersion + (random.uint32() % (api.maxVersion - api.minVersion + 1));
    const draft: Draft = {
      apiKey: api.key,
      version,
      clientId: Buffer.from('fuzz'),
      clientIdLength: undefined,
      isFlexible: api.isFlexible(version),
      isRepeated: false,
      body: generate(api, version, this.#world, random),
    };
    const kind = random.uint32() % 8;
    if (kind > 1) mutate(draft, random);
    const body = bytesOf(draft.body);
    if (body.length > BODY_BYTES_MAX) return this.#request(random, correlationId);
    const frame = frameOf(draft, body, correlationId);
    if (kind === 7) return { api, version: draft.version, frame: mutateFrame(frame, random), isValid: false };
    return { api, version: draft.version, frame, isValid: kind <= 1 };
  }

  /** What the broker did wrong. */
  async #complaint(
    client: RawClient,
    sent: readonly Sent[],
    passedMs: number,
    index: number,
  ): Promise<string | undefined> {
    const scene = this.#scene!;
    const errors = scene.book.at('error');
    if (errors.length > 0) return `an error was logged: ${errors[0]}`;
    if (passedMs > LOOP_MS_MAX) return `the loop was held for ${Math.round(passedMs)} ms`;
    const wrong = this.#wrongAnswer(client, sent) ?? missingAnswer(client, sent, this.#isServed);
    if (wrong !== undefined) return wrong;
    if (index % PROBE_CASES !== 0) return undefined;
    const probe = scene.send(Apis.Metadata, { topics: [] });
    const { brokers } = await probe;
    return brokers.length === 1 ? undefined : 'the broker does not answer sane requests any more';
  }

  readonly #isServed = (api: Api): boolean => this.#scene !== undefined && servedKeys.has(api.key);

  #wrongAnswer(client: RawClient, sent: readonly Sent[]): string | undefined {
    const { received } = client;
    let last = -1;
    for (let at = 0; at + 4 <= received.length; ) {
      const end = at + 4 + received.readInt32BE(at);
      if (end > received.length) return `an answer was cut off at ${received.length} of ${end} bytes`;
      const id = received.readInt32BE(at + 4);
      if (hasDamagedId(sent)) return undefined;
      if (id <= last || id >= sent.length) return `an answer to ${id} after that to ${last}`;
      last = id;
      this.#answerCount++;
      const wrong = this.#undecodable(sent[id], received.subarray(at + 4, end));
      if (wrong !== undefined) return wrong;
      at = end;
    }
    return undefined;
  }

  #undecodable({ api, version, frame, isValid }: Sent, answer: Buffer): string | undefined {
    // What was done to its header may have made it a request of another kind.
    const isHeaderWhole = frame.length >= 8 && frame.readInt16BE(4) === api.key && frame.readInt16BE(6) === version;
    if (!isHeaderWhole) return undefined;
    const isUnknown = version < api.minVersion || version > api.maxVersion;
    const reader = new ByteReader(answer);
    try {
      decodeResponseHeader(api, isUnknown ? 0 : version, reader);
      const body = decode(api.response, isUnknown ? 0 : version, reader);
      if (reader.remaining > 0) return `${reader.remaining} bytes follow the answer to ${api.name} version ${version}`;
      if (isValid) this.#learn(body);
      return undefined;
    } catch (error) {
      return `the answer to ${api.name} version ${version} cannot be read: ${errorText(error)}`;
    }
  }

  #learn(body: unknown): void {
    const { memberId } = body as { memberId?: string };
    if (memberId && this.#world.memberIds.length < 10) this.#world.memberIds.push(memberId);
  }
}

/** Keys that this broker announces. */
const servedKeys = new Set<number>();

export async function learnServedKeys(): Promise<void> {
  const scene = await Scene.start();
  const { apiKeys } = await scene.send(Apis.ApiVersions, {}, 0);
  for (const { apiKey } of apiKeys) servedKeys.add(apiKey);
  await scene.close();
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function hasDamagedId(sent: readonly Sent[]): boolean {
  return sent.some(
    ({ frame }, id) => frame.length < 12 || frame.readInt32BE(8) !== id || frame.readInt32BE(0) !== frame.length - 4,
  );
}

/** A request that is valid is answered, unless it may wait, or the connection ended because of another one. */
function missingAnswer(client: RawClient, sent: readonly Sent[], isServed: (api: Api) => boolean): string | undefined {
  if (client.isClosed) return undefined;
  const [{ api, version, isValid }] = sent;
  const mayStaySilent = PARKING.includes(api) || api === Apis.Produce;
  if (!isValid || mayStaySilent || client.received.length > 0) return undefined;
  return isServed(api) ? `${api.name} version ${version} was not answered` : undefined;
}
