/**
 * Record headers: an ordered list with repeatable keys. Costs one object with an empty reference while nothing is in it;
 * incoming headers are taken over as they are and nothing is decoded until somebody asks.
 */

/** One header. The value's bytes belong to the record and must not be changed. */
export interface RecordHeader {
  readonly key: string;
  readonly value: Buffer | null;
}

const NONE: readonly RecordHeader[] = Object.freeze([]);

export class Headers implements Iterable<RecordHeader> {
  private list: RecordHeader[] | null;

  /** Takes over `list` (not copied); an empty list costs nothing further. */
  constructor(list?: RecordHeader[] | null) {
    this.list = list != null && list.length > 0 ? list : null;
  }

  /** Headers with the entries of `source`: another `Headers`, a list, or a plain object of texts and bytes. */
  static from(source: Headers | Iterable<RecordHeader> | Record<string, Buffer | string | null> | undefined): Headers {
    const headers = new Headers();
    if (source === undefined) return headers;
    if (isIterable(source)) for (const header of source) headers.addHeader(header);
    else for (const [key, value] of Object.entries(source)) headers.add(key, value);
    return headers;
  }

  get length(): number {
    return this.list === null ? 0 : this.list.length;
  }

  /** Appends a header; text is written as UTF-8. */
  add(key: string, value: Buffer | string | null): this {
    return this.addHeader({ key, value: typeof value === 'string' ? Buffer.from(value, 'utf8') : value });
  }

  /** Appends this very header object. */
  addHeader(header: RecordHeader): this {
    if (this.list === null) this.list = [header];
    else this.list.push(header);
    return this;
  }

  /** Removes every header with `key`, then appends one. */
  set(key: string, value: Buffer | string | null): this {
    return this.remove(key).add(key, value);
  }

  /** The last header with `key`, which is the one that counts when a key repeats. */
  lastHeader(key: string): RecordHeader | undefined {
    const list = this.list;
    if (list === null) return undefined;
    for (let index = list.length - 1; index >= 0; index--) if (list[index].key === key) return list[index];
    return undefined;
  }

  /** The last value of `key` as UTF-8 text; undefined when absent or null. */
  text(key: string): string | undefined {
    return this.lastHeader(key)?.value?.toString('utf8');
  }

  has(key: string): boolean {
    return this.lastHeader(key) !== undefined;
  }

  /** Every header with `key`, in order. */
  headers(key: string): RecordHeader[] {
    return this.list === null ? [] : this.list.filter((header) => header.key === key);
  }

  remove(key: string): this {
    if (this.list !== null) {
      const rest = this.list.filter((header) => header.key !== key);
      this.list = rest.length > 0 ? rest : null;
    }
    return this;
  }

  /** The headers as a list that belongs to this object: read it, do not change it. */
  toArray(): RecordHeader[] {
    return this.list ?? (NONE as RecordHeader[]);
  }

  [Symbol.iterator](): Iterator<RecordHeader> {
    return this.toArray()[Symbol.iterator]();
  }
}

function isIterable(source: object): source is Iterable<RecordHeader> {
  return Symbol.iterator in source;
}
