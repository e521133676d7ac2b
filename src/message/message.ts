/**
 * A message: a payload and its headers as values (not bytes). Immutable; `MessageBuilder` makes changed copies.
 */

/** Headers by name. A `Map`, with `get` typed at the caller's word. */
export class MessageHeaders extends Map<string, unknown> {
  /** The value under `name` as `T`; the caller knows the type. */
  value<T>(name: string): T | undefined {
    return this.get(name) as T | undefined;
  }

  /** The headers as a plain object. */
  toObject(): Record<string, unknown> {
    return Object.fromEntries(this);
  }
}

export class Message<T = unknown> {
  readonly payload: T;
  readonly headers: MessageHeaders;

  constructor(payload: T, headers: MessageHeaders | Record<string, unknown> = {}) {
    this.payload = payload;
    this.headers = headers instanceof MessageHeaders ? headers : new MessageHeaders(Object.entries(headers));
  }
}

export class MessageBuilder<T = unknown> {
  private readonly payload: T;
  private readonly headers: MessageHeaders;

  private constructor(payload: T, headers: Iterable<[string, unknown]>) {
    this.payload = payload;
    this.headers = new MessageHeaders(headers);
  }

  static withPayload<T>(payload: T): MessageBuilder<T> {
    return new MessageBuilder<T>(payload, []);
  }

  static fromMessage<T>(message: Message<T>): MessageBuilder<T> {
    return new MessageBuilder<T>(message.payload, message.headers);
  }

  /** Sets a header; null or undefined removes it. */
  setHeader(name: string, value: unknown): this {
    if (value === null || value === undefined) this.headers.delete(name);
    else this.headers.set(name, value);
    return this;
  }

  setHeaderIfAbsent(name: string, value: unknown): this {
    return this.headers.has(name) ? this : this.setHeader(name, value);
  }

  copyHeaders(headers: Iterable<[string, unknown]> | Record<string, unknown>): this {
    const entries = Symbol.iterator in headers ? headers : Object.entries(headers);
    for (const [name, value] of entries as Iterable<[string, unknown]>) this.setHeader(name, value);
    return this;
  }

  removeHeader(name: string): this {
    this.headers.delete(name);
    return this;
  }

  build(): Message<T> {
    return new Message(this.payload, new MessageHeaders(this.headers));
  }
}

/** What a tombstone's payload is inside a `Message`: a record with null bytes. */
export class KafkaNull {
  static readonly INSTANCE = new KafkaNull();

  toString(): string {
    return 'KafkaNull';
  }
}
