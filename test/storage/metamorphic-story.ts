/**
 * A list of operations on a log, drawn from one seed, with what each must answer under every configuration: the log of a story is a
 * plain list of records, nothing else.
 */
import { type CompressionCodec, type Random, seededRandom } from '#core';
import { buildBatch, buildTransactionMarker, type RecordDraft, readRecords } from '#protocol';
import { START_MS } from './scene.ts';

export interface StoryRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly epoch: number;
  readonly key: string | null;
  readonly isTombstone: boolean;
  /** Offset, timestamp, key, value and headers. */
  readonly text: string;
  /** Offset and value. */
  readonly shortText: string;
  /** That it is part of. */
  readonly transaction: StoryTransaction | undefined;
  readonly isMarker: boolean;
}

export interface StoryTransaction {
  readonly firstOffset: number;
  readonly isAborted: boolean;
  /** Undefined: it does not end in this story. */
  readonly markerOffset: number | undefined;
}

/** For a cleaner: records with few keys. For readers of committed records: transactions. */
export type StoryKind = 'plain' | 'transactional' | 'keyed';

export interface StoryBatch {
  readonly bytes: Buffer;
  readonly baseOffset: number;
  readonly lastOffset: number;
}

export type Operation =
  | { readonly type: 'append'; readonly batch: StoryBatch }
  /** One of the last five of its producer comes again. */
  | { readonly type: 'resend'; readonly batch: StoryBatch; readonly isLast: boolean }
  /** It does not follow `last`, the last batch of its producer. */
  | { readonly type: 'refuse'; readonly bytes: Buffer; readonly last: StoryBatch; readonly error: string }
  /** A transaction ends. */
  | { readonly type: 'marker'; readonly batch: StoryBatch }
  | { readonly type: 'epoch'; readonly epoch: number }
  | { readonly type: 'delete'; readonly offset: number }
  | { readonly type: 'advance'; readonly ms: number }
  | { readonly type: 'retain' }
  /** The pause of the cleaner goes by, where there is one. */
  | { readonly type: 'clean' }
  | { readonly type: 'check' };

interface Producer {
  readonly producerId: number;
  epoch: number;
  nextSequence: number;
  /** Of this epoch, oldest first. */
  batches: StoryBatch[];
  readonly isTransactional: boolean;
  transaction: { firstOffset: number; isAborted: boolean; markerOffset: number | undefined } | undefined;
}

export const CLEANER_BACKOFF_MS = 2000;
const OPERATIONS = 60;
/** Whole batches must fit into the smallest segments. */
const LARGE_BYTES = 400;
const CACHED_BATCHES = 5;
const SEQUENCES = 2 ** 31;
const CODECS: readonly CompressionCodec[] = ['none', 'none', 'gzip', 'snappy', 'lz4', 'zstd'];

export class Story {
  readonly operations: Operation[] = [];
  /** By offset. */
  readonly records: StoryRecord[] = [];
  /** The broker stamps what it appends. */
  readonly isStamped: boolean;
  readonly kind: StoryKind;
  readonly transactions: StoryTransaction[] = [];
  readonly retentionMs: number;
  readonly retentionBytes: number;
  readonly #random: Random;
  readonly #producers: Producer[];
  #wallMs = START_MS;
  #epoch = 0;

  constructor(seed: number, kind: StoryKind) {
    this.#random = seededRandom(seed);
    this.kind = kind;
    this.isStamped = this.draw(4) === 0;
    const retains = kind === 'plain' ? this.draw(3) : 0;
    this.retentionMs = retains === 1 ? 60_000 : -1;
    this.retentionBytes = retains === 2 ? 4000 : -1;
    this.#producers = [7, 8, 9].map((producerId) => ({
      producerId,
      epoch: 0,
      nextSequence: this.draw(3) === 0 ? SEQUENCES - 1 - this.draw(20) : 0,
      batches: [],
      isTransactional: kind === 'transactional' && producerId > 7,
      transaction: undefined,
    }));
    for (let n = 0; n < OPERATIONS; n++) this.operations.push(this.#operation());
    this.operations.push({ type: 'check' });
  }

  /** What readers of committed records see of the first `endOffset` records, from `startOffset` on. */
  committed(startOffset: number, endOffset: number): StoryRecord[] {
    const isCommitted = ({ isMarker, transaction }: StoryRecord): boolean => !isMarker && !transaction?.isAborted;
    return this.records.slice(startOffset, this.stableOffset(endOffset)).filter(isCommitted);
  }

  /** The first one of the first `endOffset` offsets whose outcome is not known then. */
  stableOffset(endOffset: number): number {
    const open = this.transactions.filter(({ markerOffset = Number.POSITIVE_INFINITY }) => markerOffset >= endOffset);
    return Math.min(endOffset, ...open.map(({ firstOffset }) => firstOffset));
  }

  /** 0 … count − 1. */
  draw(count: number): number {
    return Math.floor(this.#random.float() * count);
  }

  #operation(): Operation {
    const chance = this.draw(100);
    if (chance < 60) return { type: 'append', batch: this.#append() };
    if (chance < 68) return this.#resend();
    if (chance < 74) return this.#refuse();
    if (chance < 78) return { type: 'epoch', epoch: (this.#epoch += 1 + this.draw(3)) };
    if (chance < 85) return this.#advance();
    if (chance < 90) return { type: 'check' };
    if (this.kind === 'keyed') return this.#clean();
    if (this.kind === 'transactional' && chance < 98) return this.#endTransaction();
    return chance < 96 ? { type: 'retain' } : this.#delete();
  }

  #append(): StoryBatch {
    const drafts = Array.from({ length: 1 + this.draw(5) }, () => this.#draft());
    if (this.draw(12) === 0) drafts[0].value = Buffer.alloc(LARGE_BYTES, 'x');
    const compression = CODECS[this.draw(CODECS.length)];
    const producer = this.draw(2) === 0 ? undefined : this.#producers[this.draw(this.#producers.length)];
    if (producer !== undefined && producer.transaction === undefined && this.draw(12) === 0)
      Object.assign(producer, { epoch: producer.epoch + 1, nextSequence: 0, batches: [] });
    const state = producer && {
      producerId: producer.producerId,
      producerEpoch: producer.epoch,
      baseSequence: producer.nextSequence,
      isTransactional: producer.isTransactional,
    };
    const baseOffset = this.records.length;
    if (producer?.isTransactional) this.#beginTransaction(producer);
    for (const draft of drafts) this.#note(draft, producer?.transaction);
    const batch = {
      bytes: buildBatch(drafts, { ...state, compression }),
      baseOffset,
      lastOffset: this.records.length - 1,
    };
    if (producer === undefined) return batch;
    producer.nextSequence = (producer.nextSequence + drafts.length) % SEQUENCES;
    producer.batches = [...producer.batches, batch].slice(-CACHED_BATCHES);
    return batch;
  }

  #beginTransaction(producer: Producer): void {
    if (producer.transaction !== undefined) return;
    producer.transaction = { firstOffset: this.records.length, isAborted: false, markerOffset: undefined };
    this.transactions.push(producer.transaction);
  }

  #endTransaction(): Operation {
    const open = this.#producers.filter(({ transaction }) => transaction !== undefined);
    if (open.length === 0) return { type: 'check' };
    const producer = open[this.draw(open.length)];
    const { producerId, epoch: producerEpoch, transaction } = producer;
    const baseOffset = this.records.length;
    const type = this.draw(2) === 0 ? 'abort' : 'commit';
    const bytes = buildTransactionMarker({ type, coordinatorEpoch: 0 }, { producerId, producerEpoch }, this.#wallMs);
    const marker = readRecords(bytes, 0, { decompressedBytesMax: bytes.length }).next()!;
    this.#note(marker, transaction, true);
    Object.assign(transaction!, { isAborted: type === 'abort', markerOffset: baseOffset });
    producer.transaction = undefined;
    return { type: 'marker', batch: { bytes, baseOffset, lastOffset: baseOffset } };
  }

  /** Not into a transaction that is under way: what is left of it depends on what was in files. */
  #delete(): Operation {
    return { type: 'delete', offset: this.draw(this.stableOffset(this.records.length) + 1) };
  }

  #note({ key, value, timestamp, headers }: RecordDraft, transaction?: StoryTransaction, isMarker = false): void {
    const offset = this.records.length;
    const stored = this.isStamped ? this.#wallMs : timestamp;
    const text = recordText({ offset, timestamp: stored, key, value, headers: headers ?? [] });
    const keyText = key === null ? null : Buffer.from(key).toString();
    this.records.push({
      offset,
      timestamp: stored,
      epoch: this.#epoch,
      key: keyText,
      isTombstone: value === null,
      text,
      shortText: `${offset}=${value === null ? null : Buffer.from(value)}`,
      transaction,
      isMarker,
    });
  }

  #resend(): Operation {
    const { batches } = this.#producers[this.draw(this.#producers.length)];
    if (batches.length === 0) return { type: 'check' };
    const index = this.draw(batches.length);
    return { type: 'resend', batch: batches[index], isLast: index === batches.length - 1 };
  }

  #refuse(): Operation {
    const producer = this.#producers[this.draw(this.#producers.length)];
    const { producerId, epoch, nextSequence, batches, isTransactional } = producer;
    const last = batches.at(-1);
    if (last === undefined) return { type: 'check' };
    const refuse = (producerEpoch: number, baseSequence: number, error: string): Operation => {
      const bytes = buildBatch([this.#draft()], { producerId, producerEpoch, baseSequence, isTransactional });
      return { type: 'refuse', bytes, last, error };
    };
    // What a transaction is refused for depends on whether one is under way, and is tested elsewhere.
    const way = isTransactional ? 2 : this.draw(3);
    if (way === 0 && epoch > 0) return refuse(epoch - 1, 0, 'INVALID_PRODUCER_EPOCH');
    if (way === 1) return refuse(epoch + 1, 1 + this.draw(5), 'OUT_OF_ORDER_SEQUENCE_NUMBER');
    return refuse(epoch, (nextSequence + 1 + this.draw(5)) % SEQUENCES, 'OUT_OF_ORDER_SEQUENCE_NUMBER');
  }

  #advance(): Operation {
    const ms = this.draw(2) === 0 ? this.draw(3000) : this.draw(60_000);
    this.#wallMs += ms;
    return { type: 'advance', ms };
  }

  #clean(): Operation {
    this.#wallMs += CLEANER_BACKOFF_MS;
    return { type: 'clean' };
  }

  #draft(): RecordDraft {
    const value = `${this.draw(1e9)}`.repeat(this.draw(8));
    return {
      key:
        this.kind === 'keyed'
          ? Buffer.from(`key-${this.draw(9)}`)
          : this.draw(4) === 0
            ? null
            : Buffer.from(`${this.draw(100)}`),
      value: this.draw(9) === 0 ? null : Buffer.from(value),
      timestamp: this.draw(20) === 0 ? -1 : this.#wallMs - this.draw(5000),
      headers:
        this.draw(5) === 0
          ? [
              { key: 'h', value: Buffer.from(`${this.draw(10)}`) },
              { key: '', value: null },
            ]
          : [],
    };
  }
}

type RecordParts = Pick<RecordDraft, 'timestamp' | 'key' | 'value'> &
  Required<Pick<RecordDraft, 'headers'>> & { offset: number };

/** Everything that a reader sees of a record. */
export function recordText({ offset, timestamp, key, value, headers }: RecordParts): string {
  const text = (bytes: Uint8Array | null): string => (bytes === null ? '-' : `"${Buffer.from(bytes).toString()}"`);
  const shown = headers.map((header) => `${header.key}:${text(header.value)}`).join();
  return `${offset} @${timestamp} ${text(key)}=${text(value)} ${shown}`;
}
