/** ◇ Walks over the fields of a protobuf message: their numbers, and where their values lie. Nothing is copied. */
import { CorruptError } from '#core';

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

export interface ProtobufField {
  readonly number: number;
  /** `VARINT`, `FIXED64`, `BYTES` or `FIXED32`. */
  readonly type: number;
  /** The value's bytes; of a varint empty. */
  readonly bytes: Buffer;
  /** Of a varint; saturates beyond 2^53. */
  readonly varint: number;
}

const NOTHING = Buffer.alloc(0);
const VARINT_BYTES_MAX = 10;

/** @throws CorruptError when the bytes are no message */
export function* protobufFields(message: Buffer): Iterable<ProtobufField> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let count = 0; count < VARINT_BYTES_MAX && at < message.length; count++) {
      const byte = message[at++];
      value += (byte & 0x7f) * 2 ** (7 * count);
      if (byte < 0x80) return Math.min(value, Number.MAX_SAFE_INTEGER);
    }
    throw new CorruptError('a number of a protobuf message has no end');
  };
  while (at < message.length) {
    const tag = varint();
    const [number, type] = [Math.floor(tag / 8), tag % 8];
    if (type === VARINT) {
      yield { number, type, bytes: NOTHING, varint: varint() };
      continue;
    }
    const length = type === BYTES ? varint() : type === FIXED64 ? 8 : type === FIXED32 ? 4 : Number.NaN;
    if (!(length <= message.length - at)) throw new CorruptError(`field ${number} of a protobuf message is cut off`);
    at += length;
    yield { number, type, bytes: message.subarray(at - length, at), varint: 0 };
  }
}
