/** The two interfaces between user objects and record bytes. Synchronous and free of I/O: they run once per record. */
import type { Headers } from './headers.ts';

export interface Serializer<T = unknown> {
  /** The bytes of `value` (null for a tombstone); may add headers. The bytes belong to the caller afterwards. */
  serialize(topic: string, value: T, headers: Headers): Buffer | null;
  /** Called once, before the first record, with the client's whole configuration. */
  configure?(configs: Record<string, unknown>, isKey: boolean): void;
  close?(): void;
}

export interface Deserializer<T = unknown> {
  /** The value of `bytes`, which are borrowed: a deserializer that keeps them must copy. Any error it throws is per record. */
  deserialize(topic: string, bytes: Buffer | null, headers: Headers): T;
  configure?(configs: Record<string, unknown>, isKey: boolean): void;
  close?(): void;
}
