/**
 * Control records: what brokers write between the data. The key says which one it is, the value is one of the messages
 * in `stored/control-records.ts`. They take an offset, and applications never see them.
 *
 *     key: int16 version 0 | int16 type       value: int16 version | fields
 */
import { ByteReader, ByteWriter, CorruptError } from '#core';
import { decode, encode } from './codec.ts';
import { EndTxnMarker } from './stored/index.ts';

/** Position = number on the wire. */
const controlTypes = [
  'abort',
  'commit',
  'leader-change',
  'snapshot-header',
  'snapshot-footer',
  'kraft-version',
  'kraft-voters',
] as const;

export type ControlType = (typeof controlTypes)[number];

export function controlRecordKey(type: ControlType): Buffer {
  const writer = new ByteWriter(4);
  writer.int16(0);
  writer.int16(controlTypes.indexOf(type));
  return writer.finish();
}

/** The type of a control record; undefined for types of newer brokers, which readers pass over. */
export function controlRecordType(key: Buffer | null): ControlType | undefined {
  if (key === null || key.length < 4) throw new CorruptError('control record without a key');
  return controlTypes[key.readInt16BE(2)];
}

/** Value of an `abort` or `commit` record. */
export function encodeEndTxnMarker(coordinatorEpoch: number): Buffer {
  const writer = new ByteWriter(16);
  writer.int16(0);
  encode(EndTxnMarker, 0, { coordinatorEpoch }, writer);
  return writer.finish();
}

/** Newer versions are read as the one we know: fields are only ever added. */
export function decodeEndTxnMarker(value: Buffer | null): EndTxnMarker {
  const reader = new ByteReader(value ?? Buffer.alloc(0));
  reader.int16();
  return decode(EndTxnMarker, 0, reader);
}
