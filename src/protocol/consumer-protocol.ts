/**
 * The blobs that consumers of a classic group hand each other through the coordinator: int16 version, then the message.
 * A blob of a newer version is read with the newest we know, and what follows is left alone.
 */
import { ByteReader, ByteWriter, CorruptError } from '#core';
import { decode, encode } from './codec.ts';
import type { Draft, Infer, MessageSchema } from './schema.ts';
import { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from './stored/index.ts';

/** `version`: what all members understand; the newest by default, as Java does it. */
export function encodeSubscription(
  subscription: Draft<typeof ConsumerProtocolSubscription>,
  version = ConsumerProtocolSubscription.versions.max,
): Buffer {
  return encodeVersioned(ConsumerProtocolSubscription, version, subscription);
}

export function decodeSubscription(bytes: Buffer): ConsumerProtocolSubscription {
  return decodeVersioned(ConsumerProtocolSubscription, bytes);
}

export function encodeAssignment(
  assignment: Draft<typeof ConsumerProtocolAssignment>,
  version = ConsumerProtocolAssignment.versions.max,
): Buffer {
  return encodeVersioned(ConsumerProtocolAssignment, version, assignment);
}

export function decodeAssignment(bytes: Buffer): ConsumerProtocolAssignment {
  return decodeVersioned(ConsumerProtocolAssignment, bytes);
}

function encodeVersioned<S extends MessageSchema>(schema: S, version: number, value: Draft<S>): Buffer {
  const writer = new ByteWriter();
  writer.int16(version);
  encode(schema, version, value, writer);
  return writer.finish();
}

function decodeVersioned<S extends MessageSchema>(schema: S, bytes: Buffer): Infer<S> {
  const reader = new ByteReader(bytes);
  const version = reader.int16();
  if (version < schema.versions.min) throw new CorruptError(`${schema.name} of version ${version}`);
  return decode(schema, Math.min(version, schema.versions.max), reader);
}
